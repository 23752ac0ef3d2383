"""The log that lets an account outlive its process: a line an event, its checksum in front.

A line has left the process before the answer that depends on it does, so a kill loses nothing that was ever
reported. It is not forced onto the disk: a power cut may cost the last lines of play money.
"""

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from kfpipe.emulator.journal import events
from kfpipe.emulator.journal.events import Event, Json, Passed

MARK_EVERY_S = 300
"""This many virtual seconds may pass without an event before the time gets a line of its own."""

_FORMAT = "kfpipe-emulator-1"


class EventLogDamaged(ValueError):
    """The file is not a log that was written here, or no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event, and when it was written down: by the clock on the wall, and by the account's."""

    wall_s: float
    at: float
    event: Event


class EventLog:
    """A log that is open for appending. May be used from any thread; once closed, nothing more is noted."""

    def __init__(self, file: BinaryIO, now: Callable[[], float]) -> None:
        self._file = file
        self._now = now
        self._marked_at = now()
        self._lock = threading.Lock()

    @classmethod
    def begin(cls, path: Path, told: Iterable[Event], now: Callable[[], float]) -> Self:
        """A new log that starts with what is already known. It takes the place of the one at `path` as a whole."""
        beginning = path.with_suffix(".part")
        beginning.write_bytes(b"".join(_line(event, now()) for event in told))
        beginning.replace(path)
        return cls(path.open("ab"), now)

    def note(self, event: Event) -> None:
        """Returns when the event can no longer be lost with the process. Raises OSError."""
        with self._lock:
            if self._file.closed:
                return
            self._marked_at = self._now()
            self._file.write(_line(event, self._marked_at))
            self._file.flush()

    def mark(self, now: float) -> None:
        """Note the time that is about to be reported, if the log is far behind it."""
        if now - self._marked_at > MARK_EVERY_S:
            self.note(Passed())

    def close(self) -> None:
        with self._lock:
            self._file.close()


def read(path: Path, parse: Callable[[str, Json], Event]) -> tuple[Entry, ...]:
    """All entries, oldest first; none if there is no file. A last line without its end is dropped.

    Raises `EventLogDamaged`, OSError.
    """
    data = b""
    with suppress(FileNotFoundError):
        data = path.read_bytes()
    lines = data.split(b"\n")[:-1]
    return tuple(_entry(number, line, parse) for number, line in enumerate(lines, 1))


def _line(event: Event, at: float) -> bytes:
    fields = {"format": _FORMAT, "wall_s": time.time(), "at": at, "event": event.name, "data": events.to_json(event)}
    text = json.dumps(fields, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _entry(number: int, line: bytes, parse: Callable[[str, Json], Event]) -> Entry:
    claimed, _, text = line.partition(b" ")
    try:
        if int(claimed, 16) != zlib.crc32(text):
            raise ValueError("the checksum does not match")
        fields = json.loads(text)
        if fields["format"] != _FORMAT:
            raise ValueError("another format")
        return Entry(wall_s=fields["wall_s"], at=fields["at"], event=parse(fields["event"], fields["data"]))
    except (KeyError, TypeError, ValueError) as error:
        raise EventLogDamaged(f"line {number}: {error}") from error
