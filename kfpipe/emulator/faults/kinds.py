"""What a scripted fault can do to a request, to a task or to a download: one class an act, its fields the script's.

A new act is a class in here, a place in `ACTS`, and a line where it is carried out.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from kfpipe.emulator.film.formats import Format


@dataclass(frozen=True, slots=True)
class Within:
    """The range a number in a script must be in."""

    least: float
    most: float = math.inf
    multiple_of: int = 1


Count = Annotated[int, Within(1)]
Offset = Annotated[int, Within(0)]
Seconds = Annotated[float, Within(0)]
Length = Annotated[int, Within(1, 60)]
Side = Annotated[int, Within(16, 4096, multiple_of=2)]
Shift = Annotated[float, Within(-1e9, 1e9)]
Status = Annotated[int, Within(200, 599)]
Fields = dict[str, Any]


class Phase(StrEnum):
    SUBMIT = "submit"
    QUERY = "query"
    LIST = "list"
    CANCEL = "cancel"
    POLICY = "policy"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    MODELS = "models"


class When(StrEnum):
    """Before the request is looked at, or after it was carried out and only its answer is missing."""

    BEFORE = "before"
    AFTER = "after"


class Which(StrEnum):
    FIRST = "first"
    LAST = "last"


EVERYWHERE = frozenset(Phase)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a fault does. `phases` are those it makes sense in."""

    name: ClassVar[str]
    phases: ClassVar[frozenset[Phase]] = EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Act):
    """A refusal with this status, code and message."""

    name = "answer"
    status: Status
    code: str | None = None
    message: str = "A scripted fault."
    retry_after_s: Seconds | None = None
    when: When = When.BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class HtmlPage(Act):
    """A gateway's error page, which is not JSON."""

    name = "html"
    status: Status = 502
    when: When = When.BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(Act):
    """The connection is closed without an answer."""

    name = "drop"
    when: When = When.BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(Act):
    """Nothing happens for this many real seconds."""

    name = "hang"
    seconds: Seconds
    when: When = When.BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Garble(Act):
    """The request is carried out and answered with its own status, but the body cannot be read."""

    name = "garble"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch(Act):
    """The real answer with some of its fields replaced; null takes one away (JSON merge patch, RFC 7396)."""

    name = "patch"
    phases = EVERYWHERE - {Phase.UPLOAD, Phase.DOWNLOAD}
    fields: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew(Act):
    """The answer's Date header comes from a clock that is so many seconds ahead; without a number there is none."""

    name = "skew"
    seconds: Shift | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend(Act):
    """A gateway delivers the request again, `copies` times: each makes a task. One of their answers arrives."""

    name = "resend"
    phases = frozenset({Phase.SUBMIT})
    copies: Count = 1
    answer: Which = Which.LAST


@dataclass(frozen=True, slots=True, kw_only=True)
class Misname(Act):
    """A task is made, but the answer names the one that the account made `back` requests before."""

    name = "misname"
    phases = frozenset({Phase.SUBMIT})
    back: Count = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind(Act):
    """The task list has no more than so many pages, and says so."""

    name = "blind"
    phases = frozenset({Phase.LIST})
    pages: Offset = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale(Act):
    """The task list shows the account as it was so many virtual seconds ago."""

    name = "stale"
    phases = frozenset({Phase.LIST})
    seconds: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallPages(Act):
    """A page of the task list holds so many tasks at most, whatever was asked for."""

    name = "small-pages"
    phases = frozenset({Phase.LIST})
    size: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire(Act):
    """The store refuses the link as one that has expired."""

    name = "expire"
    phases = frozenset({Phase.DOWNLOAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Act):
    """The clip is said to be elsewhere."""

    name = "redirect"
    phases = frozenset({Phase.DOWNLOAD})
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endless(Act):
    """A body that never ends, and states no length."""

    name = "endless"
    phases = frozenset({Phase.DOWNLOAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Retag(Act):
    """The file is said to be another version of itself, also in an answer to a request that forbade it."""

    name = "retag"
    phases = frozenset({Phase.DOWNLOAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Act):
    """The body trickles in at this pace."""

    name = "slow"
    phases = frozenset({Phase.DOWNLOAD})
    bytes_per_second: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate(Act):
    """The connection is closed after this many bytes of the body."""

    name = "truncate"
    phases = frozenset({Phase.DOWNLOAD})
    after_bytes: Offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrupt(Act):
    """Bytes of the file, by default one, arrive with all their bits turned."""

    name = "corrupt"
    phases = frozenset({Phase.DOWNLOAD})
    at_byte: Offset = 0
    length_bytes: Count = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum(Act):
    """The store states another checksum of the file than it has."""

    name = "checksum"
    phases = frozenset({Phase.DOWNLOAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare(Act):
    """The store states no checksum of the file, and names no version of it."""

    name = "bare"
    phases = frozenset({Phase.DOWNLOAD})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(Act):
    """The task made by this submission fails, with or without saying why."""

    name = "fail"
    phases = frozenset({Phase.SUBMIT})
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Act):
    """The first queries for the task made by this submission say UNKNOWN."""

    name = "unknown"
    phases = frozenset({Phase.SUBMIT})
    queries: Count = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanish(Act):
    """Queries for the task say UNKNOWN for so many virtual seconds of its life, from the age of `after_s` on."""

    name = "vanish"
    phases = frozenset({Phase.SUBMIT})
    seconds: Seconds
    after_s: Seconds = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlisted(Act):
    """The first task lists after this submission do not show its task yet."""

    name = "unlisted"
    phases = frozenset({Phase.SUBMIT})
    lists: Count = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag(Act):
    """Task lists do not show the task before it is so many virtual seconds old."""

    name = "lag"
    phases = frozenset({Phase.SUBMIT})
    seconds: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Film(Act):
    """The task's clip has another size, length or format than was ordered. The bill is for what was ordered."""

    name = "film"
    phases = frozenset({Phase.SUBMIT})
    width_px: Side | None = None
    height_px: Side | None = None
    seconds: Length | None = None
    format: Format = Format.H264


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Act):
    """The task's clip begins or ends on another picture than was ordered: on a chequered one."""

    name = "drift"
    phases = frozenset({Phase.SUBMIT})
    end: Which = Which.LAST


@dataclass(frozen=True, slots=True, kw_only=True)
class Floats(Act):
    """The task's usage is reported in floats: 5.0 for 5."""

    name = "floats"
    phases = frozenset({Phase.SUBMIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeSeconds(Act):
    """The task is billed for another length than was ordered."""

    name = "charge"
    phases = frozenset({Phase.SUBMIT})
    seconds: Count


ACTS: dict[str, type[Act]] = {
    act.name: act
    for act in (
        Answer,
        HtmlPage,
        Drop,
        Hang,
        Garble,
        Patch,
        Skew,
        Resend,
        Misname,
        Blind,
        Stale,
        SmallPages,
        Expire,
        Redirect,
        Endless,
        Retag,
        Slow,
        Truncate,
        Corrupt,
        Checksum,
        Bare,
        Fail,
        Unknown,
        Vanish,
        Unlisted,
        Lag,
        Film,
        Drift,
        Floats,
        ChargeSeconds,
    )
}
