"""One run per manifest at a time, and who it is that runs."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import filelock

from kfpipe.errors import Problem, ProjectBusy
from kfpipe.files.durable import storage
from kfpipe.files.jsontext import NotJson, parse_json
from kfpipe.files.scalars import time_text
from kfpipe.wording import echoed


class Claim:
    """The right to write a manifest's records. The system releases it when the process ends."""

    def __init__(self, path: Path) -> None:
        """`path` is a file that only marks the claim; a file next to it says who holds it."""
        self._path = path
        self._holder = path.with_suffix(".holder.json")
        self._mark = filelock.FileLock(path, thread_local=False)

    def take(self, what: str, now: datetime) -> None:
        """`what` is the claimed file in the user's words. Raises `ProjectBusy`, which says who has it."""
        with storage(self._path):
            try:
                self._mark.acquire(blocking=False)
            except filelock.Timeout:
                raise _busy(what, self._holder) from None
            me = {"host": socket.gethostname(), "pid": os.getpid(), "since": time_text(now)}
            self._holder.write_text(json.dumps(me) + "\n", encoding="utf-8")

    def release(self) -> None:
        """Give the right back; for its holder alone."""
        with suppress(OSError):  # the last holder does not matter to the next
            self._holder.unlink(missing_ok=True)
        self._mark.release()


def is_taken(path: Path) -> bool:
    """Whether someone holds the claim marked by the file at `path`. Raises StorageFailed.

    It is tried briefly, and only where someone is said to hold it, so as not to block a run that is starting.
    """
    if not path.with_suffix(".holder.json").exists():
        return False
    mark = filelock.FileLock(path, thread_local=False)
    with storage(path):
        try:
            with mark.acquire(blocking=False):
                return False
        except filelock.Timeout:
            return True


def _busy(file: str, holder: Path) -> ProjectBusy:
    problem = Problem(
        file=file,
        what=f"another run is in progress: {_told_by(holder)}",
        expected="one run per manifest at a time",
        fix="wait for it to finish, or stop it; nothing is lost either way",
    )
    return ProjectBusy([problem])


def _told_by(holder: Path) -> str:
    """Who holds the claim, by their own note; the note may be missing, half written, or a stranger's."""
    try:
        data = parse_json(holder.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, NotJson):
        return "it has not said who it is yet"
    match data:
        case {"host": str(host), "pid": int(pid), "since": str(since)}:
            return f"host {echoed(host)}, process {pid}, since {echoed(since)}"
    return "it does not say who it is"
