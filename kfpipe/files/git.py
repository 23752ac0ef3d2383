"""Running git: no key in its environment, no remote asked, no prompt."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kfpipe import environment
from kfpipe.errors import Refused

if TYPE_CHECKING:
    import subprocess

_OFFLINE: Final = ("-c", "protocol.allow=never")
_SETTINGS: Final = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}


def output(folder: Path, *words: str, fix: str) -> str:
    """What `git WORDS` prints in `folder`, stripped. Raises Refused with git's own words and `fix` when it fails."""
    ended = _run(folder, *words)
    if ended.returncode != 0:
        raise Refused.because("git", ended.stderr.strip() or f"git {words[0]} failed", fix=fix)
    return ended.stdout.strip()


def output_or_nothing(folder: Path, *words: str) -> str:
    """What `git WORDS` prints in `folder`, stripped; nothing when git refuses. Raises Refused where there is no git."""
    ended = _run(folder, *words)
    return ended.stdout.strip() if ended.returncode == 0 else ""


def command(folder: Path, *words: str) -> list[str]:
    """The words of a process that runs git in `folder`. Raises Refused where there is no git."""
    program = shutil.which("git")
    if program is None:
        raise Refused.because("git", "git is not installed here")
    return [program, "-C", str(folder), *_OFFLINE, *words]


def variables() -> Mapping[str, str]:
    """The environment of such a process."""
    return {**environment.without_key(), **_SETTINGS}


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Git's answer, whatever its exit code; it is asked nothing on a terminal. Raises Refused where there is no git."""
    import subprocess  # slow to load, and git is rarely asked

    return subprocess.run(  # noqa: S603  there is no shell, and no word from outside is an option
        command(folder, *words),
        env=variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
