"""What can go wrong, as types. A class for each thing a caller can do differently.

    KfpipeError                                   exit code
    ├── Refused                                   2    manifest, lockfile, plan or usage is wrong; carries every problem
    │   └── ProjectBusy                           2    another run holds this manifest
    ├── OverBudget                                3    the cap, or missing consent, stops the run
    ├── AccountRefused                            4    key, arrears, or a model that is not open to the account
    ├── ServiceRefused                            -    one request was refused, with the service's code
    ├── ServiceUnclear                            -    a request that may or may not have been carried out
    ├── ServiceUnreachable                        1    no answer, however often the request was repeated
    │   └── ServiceUntrusted                      1    its certificate is not trusted; reported at once
    ├── BadRender                                 -    the downloaded file is damaged, cut off or another version
    │   ├── NotAVideo                             -    it is whole, and no video that can be read; it is kept
    │   └── media.download.Disputed               -    all that speaks against it is a tag that may be no checksum
    ├── StorageFailed                             1    the disk is full, read-only or gone
    ├── LoopRunning                               -    a function that blocks was called on an event loop
    ├── Unusable                                  -    a file of the project that can be read and is of no use
    │   ├── media.stills.StillUnreadable          -    not a picture, or a damaged one
    │   ├── media.signatures.AnotherFormat        -    sound or video of a kind that no model takes
    │   └── media.recordings.RecordingUnreadable  -    a sound or clip that cannot be used, such as a damaged one
    ├── takes.sandbox.PromptInvalid               -    a template that cannot be rendered

A name with dots is that of a module below `kfpipe`: its errors are caught inside, and reach no command. Facts are
attributes; the text that a person reads is made in `kfpipe.cli.output.messages`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from pathlib import Path


class ExitCode(IntEnum):
    """How a command ends; fixed by the contract with the user."""

    OK = 0
    INCOMPLETE = 1
    REFUSED = 2
    OVER_BUDGET = 3
    ACCOUNT = 4
    BUG = 70
    INTERRUPTED = 130


class Severity(StrEnum):
    """An error refuses the input; a warning is printed, and the command goes on."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Position:
    """A place in a text: `line` and `column` count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with an input, where it is, and what to do about it.

    `file` is the path as the user gave it; `position` is None when the file as a whole is meant.
    `where` names the part in the user's words (`shot 'kitten'`) and may be empty.
    """

    file: str
    position: Position | None = None
    where: str = ""
    what: str
    expected: str | None = None
    fix: str | None = None
    severity: Severity = Severity.ERROR


def in_file_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The same problems, each once, sorted by file and position.

    What several shots inherit is one problem of one place: it names the first of them, and how many more there are.
    """
    start = Position(line=0, column=0)
    heirs: dict[Problem, dict[str, None]] = {}
    for problem in problems:
        place = problem if problem.position is None else replace(problem, where="")
        heirs.setdefault(place, {})[problem.where] = None
    each = (_of_all(place, tuple(names)) for place, names in heirs.items())
    return tuple(sorted(each, key=lambda problem: (problem.file, problem.position or start)))


def _of_all(place: Problem, names: tuple[str, ...]) -> Problem:
    """The problem of the first that has it, with the number of the others."""
    others = f" (and in {len(names) - 1} more)" if names[1:] else ""
    return replace(place, where=names[0], what=f"{place.what}{others}")


class KfpipeError(Exception):
    """Root of all errors that kfpipe raises on purpose."""


class Refused(KfpipeError):
    """An input is wrong; nothing was sent. `problems` holds all of them, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_file_order(problems)
        super().__init__("; ".join(problem.what for problem in self.problems))

    @classmethod
    def because(cls, file: str, what: str, *, expected: str | None = None, fix: str | None = None) -> Refused:
        """A refusal with one problem that concerns a file as a whole."""
        return cls([Problem(file=file, what=what, expected=expected, fix=fix)])


class ProjectBusy(Refused):
    """Another run holds the manifest."""


class OverBudget(KfpipeError):
    """Continuing would cost more than was agreed; `reason` says which rule stopped it."""

    def __init__(self, reason: str, *, fix: str) -> None:
        self.reason = reason
        self.fix = fix
        super().__init__(reason)


class AccountRefused(KfpipeError):
    """The service refuses this account or key; no other request can succeed either."""

    def __init__(self, code: str, message: str, *, request_id: str | None = None) -> None:
        self.code = code
        self.message = message
        self.request_id = request_id
        super().__init__(f"{code}: {message}")


class ServiceRefused(KfpipeError):
    """The service answered a request with an error: it was certainly not carried out.

    `status` is the HTTP status; `retry_after_s` what the service asked for, if anything.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        super().__init__(f"{code}: {message} (HTTP {status})")


class ServiceUnclear(KfpipeError):
    """No answer, or none that can be read: the request may or may not have been carried out."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        self.reason = reason
        self.retry_after_s = retry_after_s
        super().__init__(reason)


class ServiceUnreachable(KfpipeError):
    """A harmless request was repeated as often as its phase allows, without an answer."""


class ServiceUntrusted(ServiceUnreachable):
    """The service's certificate is not trusted, so nothing was sent."""


class BadRender(KfpipeError):
    """The downloaded file is not a whole clip: damaged, cut off, or changed since the download began."""


class NotAVideo(BadRender):
    """A file that cannot be read as a video although it is complete: `path` is where its bytes are."""

    def __init__(self, reason: str, *, path: Path, sha256: str) -> None:
        self.path = path
        self.sha256 = sha256
        super().__init__(reason)


class StorageFailed(KfpipeError):
    """Writing failed; what was recorded before stays recorded. `reason` is the system's own word."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path}: {reason}")


class LoopRunning(KfpipeError, RuntimeError):
    """Called where an event loop is running, as in a notebook; `instead` is what to write there."""

    def __init__(self, called: str, *, instead: str) -> None:
        self.instead = instead
        super().__init__(f"{called} cannot wait here: an event loop is running. Write `{instead}` instead")


class Unusable(KfpipeError):
    """A file that can be read and is of no use; `reason` says why, in a few words that follow its name."""

    expected: str | None = None

    def __init__(self, reason: str, *, fix: str, expected: str | None = None) -> None:
        self.reason = reason
        self.fix = fix
        self.expected = expected or type(self).expected
        super().__init__(reason)
