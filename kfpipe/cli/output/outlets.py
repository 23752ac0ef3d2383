"""The ground under the two streams: what cannot be written is dropped, and noted; no command fails half-way for it.

A stream may be closed from the start (`>&-`), on a full device, a pipe whose reader has left, or a terminal that was
closed. Paid work must not end there, whoever prints: a command, the help, the progress bar, or Python at its exit.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TextIO

from kfpipe.files.durable import reason

_STANDARD: Final = (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY), ("stderr", os.O_WRONLY))
_CLOSED: Final = OSError(errno.EBADF, "it is closed")
_REASONS: Final = {
    errno.EBADF: "it is closed",
    errno.EPIPE: "its reader has left",
    errno.EIO: "its terminal has gone",
}


class _Outlet(io.RawIOBase):
    """A stream's lowest layer. `lost` is why something could not be written; all that follows is dropped.

    The stream that was there before is kept with it: one that nobody holds closes what is `below`.
    """

    def __init__(self, below: io.RawIOBase | None, before: TextIO | None = None) -> None:
        self._below = below
        self._before = before
        self.lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        if self._below is None:
            self.lost = _CLOSED
        elif self.lost is None:
            try:
                return _patiently(self._below, data)
            except OSError as failure:
                self.lost = failure
        return len(data)

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._below is not None and self._below.isatty()

    def fileno(self) -> int:
        if self._below is None:
            raise io.UnsupportedOperation("the stream was closed from the start")
        return self._below.fileno()


def _patiently(raw: io.RawIOBase, data: Any) -> int:
    """How much was written; a stream that another program has set not to block is waited for."""
    while (written := raw.write(data)) is None:
        select.select([], [raw], [])
    return written


def prepare() -> None:
    """Lay both streams on such ground, and let them take any text: characters that they lack are escaped.

    Descriptors 0 to 2 are filled first. The next file to be opened would otherwise take the place of a closed one, and
    a journal there would get what a program prints.
    """
    for number, (name, mode) in enumerate(_STANDARD):
        _fill(number, mode)
        if name != "stdin":
            setattr(sys, name, _grounded(getattr(sys, name)))
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  it lasts as long as the process
    elif isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")


def _fill(number: int, mode: int) -> None:
    """Open the null device as this descriptor, if nothing is."""
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, mode)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)


def _grounded(stream: TextIO | None) -> TextIO:
    if stream is None:
        return io.TextIOWrapper(io.BufferedWriter(_Outlet(None)), "utf-8", "backslashreplace", write_through=True)
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    below = _lowest(stream)
    if not isinstance(below, io.RawIOBase) or isinstance(below, _Outlet):
        return stream  # of a test, or here already
    with suppress(OSError):
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Outlet(below, stream)),
        stream.encoding,
        "backslashreplace",
        newline=None,
        line_buffering=below.isatty(),
    )


def lost(stream: TextIO) -> str | None:
    """Why a stream did not take all that was printed to it; None when it did."""
    failure = _failure(stream)
    return None if failure is None else _REASONS.get(failure.errno or 0) or reason(failure)


def has_left(stream: TextIO) -> bool:
    """Whether somebody has read as much of a stream as they wanted: `| head`."""
    failure = _failure(stream)
    return failure is not None and failure.errno == errno.EPIPE


def _failure(stream: TextIO) -> OSError | None:
    raw = _lowest(stream)
    if not isinstance(raw, _Outlet):
        return None
    stream.flush()
    return raw.lost


def _lowest(stream: TextIO) -> object:
    """The layer that makes the system calls; with PYTHONUNBUFFERED there is none between it and the text."""
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)
