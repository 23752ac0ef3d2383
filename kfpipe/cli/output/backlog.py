"""Lines that a thread of their own writes, in batches: a slow reader does not hold up a run."""

from __future__ import annotations

from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from kfpipe.cli.output import streams

_GATHERED_FOR_S: Final = 0.05
"""Lines that follow each other within this time are written together: each write wakes the reader."""


class Backlog:
    """Lines for the person at the screen, in their order; all of them are written when the context ends."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._news = Event()
        self._over = Event()
        self._writer = Thread(target=self._write, name="kfpipe-lines", daemon=True)

    def add(self, line: str) -> None:
        """Have the line written in a moment; never waits."""
        self._lines.append(line)
        self._news.set()

    def _write(self) -> None:
        while not self._over.is_set():
            self._news.wait()
            self._news.clear()
            self._write_taken()
            self._over.wait(_GATHERED_FOR_S)
        self._write_taken()

    def _write_taken(self) -> None:
        """Write the lines so far; what is added meanwhile stays for the next time."""
        lines = self._lines[:]
        del self._lines[: len(lines)]
        if lines:
            streams.note(*lines)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._news.set()
        self._writer.join()
