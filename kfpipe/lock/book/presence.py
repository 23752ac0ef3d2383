"""Which runs are at work: each holds a lock on a file of its own, which the system lets go when its process ends."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import filelock

_ENDING: Final = ".run"

_AHEAD_S: Final = 0.05
"""A sign holds for so much longer, so that it need not be given for each of many requests."""


class Presence:
    """The sign that this run is at work. `run` is its name."""

    def __init__(self, folder: Path) -> None:
        """Begins at once. Raises OSError."""
        self.run = secrets.token_hex(8)
        self._path = folder / f"{self.run}{_ENDING}"
        self._mark = filelock.FileLock(self._path, mode=0o600, thread_local=False)
        self._mark.acquire(blocking=False)
        self._signed_until_s = 0.0

    def sign(self) -> None:
        """A request leaves now, or has its answer: whoever finds this run dead reads that from the file's time.

        The file says a moment later than it is, and never an earlier one.
        """
        now_s = time.time()
        if not now_s <= self._signed_until_s <= now_s + _AHEAD_S:  # else the clock was set back
            self._signed_until_s = now_s + _AHEAD_S
            with suppress(OSError):
                os.utime(self._path, (self._signed_until_s, self._signed_until_s))

    def end(self) -> None:
        """The run is over, whatever became of its file."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        self._mark.release()


def last_sign_s(folder: Path, run: str, now_s: float) -> float | None:
    """When a run gave its last sign whose process is gone, and its file now, too; None while it is at work.

    It is now where nobody can tell. Raises OSError.
    """
    path = folder / f"{run}{_ENDING}"
    try:
        signed_s = path.stat().st_mtime
    except FileNotFoundError:
        return now_s
    mark = filelock.FileLock(path, mode=0o600, thread_local=False)
    try:
        with mark.acquire(blocking=False):
            path.unlink(missing_ok=True)
            return min(signed_s, now_s)
    except filelock.Timeout:
        return None
