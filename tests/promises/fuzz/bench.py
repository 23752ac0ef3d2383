"""The real command line in this process, under virtual time, and what must hold however it is treated."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final
from unittest.mock import patch

import anyio
from trio.testing import MockClock

from kfpipe.cli import main
from tests.support import outputs
from tests.support.surroundings import neutral

FINE: Final = (0, 1, 2, 3, 4, 130)
LONGEST_S: Final = 20.0
IDLE_S: Final = 0.02
"""How long nothing must happen before the clock jumps: a loopback answer or a write to the disk takes less."""

_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended; `crash` is the traceback of what it let through."""

    words: Sequence[str]
    code: int | None
    out: str
    err: str
    took_s: float
    crash: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def complaint(self, secret: str) -> str | None:
        """Which rule was broken; None when all is well. `secret` must not have been said."""
        text = self.out + self.err
        if self.crash:
            return f"an exception came through:\n{self.crash}"
        if self.code not in FINE:
            return f"exit code {self.code}:\n{_ends_of(text)}"
        if "Traceback" in text or "bug in kfpipe" in text:
            return f"a traceback:\n{text[-2000:]}"
        if secret in text:
            return f"the key was printed:\n{text[-2000:]}"
        if found := _CONTROLS.search(text):
            return f"U+{ord(found[0]):04X} reached the terminal:\n{text[max(0, found.start() - 200) : found.end()]!r}"
        return outputs.fault(self.words, self.out)


class TooLong(BaseException):
    """A command took longer than any of these inputs deserves."""


def call(words: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Ended:
    """Run `kfpipe *words` in `folder`, with no variables of kfpipe's but those of `environment`."""
    out, err = _stream(), _stream()
    code: int | None = None
    crash, since_s = "", time.monotonic()
    with (
        _surroundings(folder, environment),
        _deadline(),
        patch.multiple(sys, stdout=out, stderr=err, stdin=io.StringIO()),
    ):
        try:
            main(list(words))
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        except BaseException as error:
            crash = "".join(traceback.format_exception(error))
    return Ended(words=words, code=code, out=_said(out), err=_said(err), took_s=time.monotonic() - since_s, crash=crash)


def files_with(secret: str, folder: Path) -> list[str]:
    """The files below `folder` that hold the secret, but for the `.env` that is there to hold it."""
    sought = secret.encode()
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != ".env"]
    return [path.relative_to(folder).as_posix() for path in paths if sought in path.read_bytes()]


@contextlib.contextmanager
def _surroundings(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    virtual: Any = partial(anyio.run, backend="trio", backend_options={"clock": MockClock(autojump_threshold=IDLE_S)})
    before = Path.cwd()
    os.chdir(folder)
    try:
        with (
            warnings.catch_warnings(action="ignore", category=ResourceWarning),  # a body that nobody heard to its end
            patch.dict(os.environ, {**neutral(), "KFPIPE_DEBUG": "1", **environment}, clear=True),
            patch("anyio.run", virtual),
        ):
            yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _deadline() -> Iterator[None]:
    """Raise `TooLong` in the middle of what takes too long, where the system has an alarm clock."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooLong(f"longer than {LONGEST_S:g} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ends_of(text: str, chars: int = 1500) -> str:
    return text if len(text) <= 2 * chars else f"{text[:chars]} [...] {text[-chars:]}"


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n", write_through=True)


def _said(stream: io.TextIOWrapper) -> str:
    buffer: Any = stream.buffer
    return bytes(buffer.getvalue()).decode()
