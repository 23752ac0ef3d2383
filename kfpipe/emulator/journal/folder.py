"""Where an account lives on disk: its event log, the files it was given, its clips. One process at a time."""

import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import filelock

from kfpipe.emulator.blobs import BlobStore
from kfpipe.emulator.clock import Clock
from kfpipe.emulator.journal import events, log, replay
from kfpipe.emulator.journal.log import EventLog, EventLogDamaged
from kfpipe.emulator.journal.replay import AccountState
from kfpipe.emulator.models import Model
from kfpipe.emulator.settings import FilmStyle

# What is put into the folders for files and clips, finished or not.
_OWN = re.compile(r"[0-9a-f]{64}(\.mp4|\.part)?", re.ASCII)


class FolderInUse(OSError):
    """Another emulator is using the folder."""


class StateFolder:
    """`folder` is made if need be; nothing in it is touched that was not put there by an emulator."""

    def __init__(self, folder: Path) -> None:
        self._event_log = folder / "events.log"
        self._files = folder / "files"
        self.clips = folder / "clips"
        for place in (self._files, self.clips):
            place.mkdir(parents=True, exist_ok=True)
        self.blobs = BlobStore(self._files)

    def recall(self, clock: Clock, models: Mapping[str, Model], style: FilmStyle) -> AccountState:
        """What still matters of the account's past; the clock continues from there. Raises OSError.

        An event log that cannot be read is set aside, and the account starts afresh.
        """
        parse = partial(events.from_json, models=models, find=self.blobs.find)
        try:
            entries = log.read(self._event_log, parse)
            recalled = replay.recalled(entries)
        except (EventLogDamaged, KeyError):
            self._event_log.replace(self._event_log.with_suffix(".damaged"))
            entries, recalled = (), AccountState()
        if entries:
            resumes_at = replay.resumes_at(entries[-1], recalled.factor, time.time())
            clock.advance(max(0.0, resumes_at - clock.now()))
        recalled.forget(clock.now(), style)
        _keep_only({f"{scene}.mp4" for scene in recalled.films}, self.clips)
        _keep_only(recalled.files(), self._files)
        return recalled

    def settle(self, recalled: AccountState, clock: Clock) -> EventLog:
        """A fresh event log that begins with what was recalled. Raises OSError."""
        return EventLog.begin(self._event_log, recalled.events(clock.factor), clock.now)


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Nobody else can claim the folder inside; the system ends it with the process. Raises `FolderInUse`, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    # The claim may be released on another thread than it was taken on.
    mark = filelock.FileLock(folder / "lock", thread_local=False)
    try:
        mark.acquire(blocking=False)
    except filelock.Timeout as error:
        raise FolderInUse(f"another emulator is using {folder}") from error
    try:
        yield
    finally:
        mark.release()


def _keep_only(names: Collection[str], folder: Path) -> None:
    for path in folder.iterdir():
        if path.name not in names and _OWN.fullmatch(path.name):
            path.unlink()
