"""The lock on disk while a run writes it: the lockfile, and the journal next to it. One owner, the `Ledger`."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Protocol, Self

import anyio
import anyio.to_thread

from kfpipe.errors import StorageFailed
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, shown, storage
from kfpipe.lock import journal, lockfile
from kfpipe.lock.claim import Claim
from kfpipe.lock.join import Requests, joined
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import Entry, Lock, Submitting, Unclear
from kfpipe.lock.transitions import without_dead_signature

KEPT_FOR: Final = timedelta(hours=48)
"""How long the journal keeps a request that is in the lockfile: git may bring an older lockfile back, and the service
knows the task of a lost one for 24 h."""

GATHERED_FOR_S: Final = 0.02
"""So long may a record wait for others to be written with, where that is allowed: each writing is a sync of the disk,
and a thread's time."""


class RunLedger(Protocol):
    """What a run needs to know of its requests, and to put on record, wherever that is."""

    @property
    def lock(self) -> Lock:
        """All that is on record, as a lockfile."""

    @property
    def requests(self) -> Requests:
        """The requests on record."""

    @property
    def seen(self) -> Mapping[str, datetime]:
        """When the account's list first showed tasks of others."""

    async def record(self, key: str, entry: Entry, *, can_wait: bool = False) -> None:
        """Return when what is now known of the request is safe; what `can_wait` may be so a moment later."""

    async def note_seen(self, task_ids: Iterable[str]) -> None:
        """Put on record that the account's list shows these tasks, which are nobody's here."""


class Ledger:
    """The requests of a manifest while a run writes them: only one at a time, on any machine that shares the folder.

    `lock` and `requests` show a request once it is on the disk, never earlier: what a reader acts on survives a power
    cut. `seen` says when tasks of others were first listed. `heard` is called with what has just been put on record.
    """

    def __init__(self, paths: LockPaths, claim: Claim, now: Callable[[], datetime]) -> None:
        """For `open` alone; the claim is already held."""
        self._paths = paths
        self._claim = claim
        self._now = now
        self._saved = lockfile.load(paths.lockfile_path)
        self._identity = lockfile.identity(paths.lockfile_path)
        self._journal = _JournalFile(paths, now)
        notes = lockfile.left_in_journal(paths)
        self.requests = Requests(notes.requests)
        self.seen = dict(notes.seen)
        self._take_in(self._saved)
        self.lock = replace(self._saved, requests=self.requests.view)
        self._waiting = _Batch()
        self._flushing = anyio.Lock(fast_acquire=True)
        self._broken: str | None = None
        self.heard: Callable[[str, Entry], None] = _unheard

    @classmethod
    def open(cls, paths: LockPaths, *, now: Callable[[], datetime]) -> Self:
        """What is on record, with whatever a killed run left in its journal joined into the lockfile.

        Raises `ProjectBusy` when another run holds the manifest, Refused when the records are damaged, StorageFailed.
        """
        with storage(paths.state_dir):
            make_state_dir(paths.state_dir)
        claim = Claim(paths.claim_path)
        claim.take(shown(paths.lockfile_path), now())
        try:
            for path in (paths.lockfile_path, paths.journal_path):
                with storage(path):
                    durable.remove_leftovers(path)
            ledger = cls(paths, claim, now)
            ledger.fold()
        except BaseException:
            claim.release()
            raise
        return ledger

    @property
    def has_written(self) -> bool:
        """Whether anything was put on record since it was opened."""
        return self._journal.is_begun

    async def record(self, key: str, entry: Entry, *, can_wait: bool = False) -> None:
        """Return when what is now known of the request is on the disk; never cut short by a cancellation.

        It is joined with what is on record. What `can_wait` is written together with what comes in the next moment: for
        that which could be learned again if the power failed just then, of the service or from the clip on the disk.
        Raises StorageFailed when it cannot be written, then and from then on.
        """
        batch = self._waiting
        batch.entries[key] = joined(batch.entries.get(key, entry), entry)
        with anyio.CancelScope(shield=True):
            if can_wait:
                with anyio.move_on_after(GATHERED_FOR_S):
                    await batch.written.wait()
            await self._flushed(batch)
        self.heard(key, self.requests.view[key])

    async def note_seen(self, task_ids: Iterable[str]) -> None:
        """Put on record that the account's list shows these tasks, which are nobody's here. Raises StorageFailed.

        None of the requests on record is younger than that, whatever clocks say: any may have one for its own.
        """
        at = max([self._now(), *(entry.asked.asked_at for entry in self.requests.view.values())])
        new = [task_id for task_id in task_ids if task_id not in self.seen]
        if new:
            with anyio.CancelScope(shield=True):
                async with self._flushing:
                    await self._write(
                        lambda: journal.seen_line(new, at), lambda: self.seen.update(dict.fromkeys(new, at))
                    )

    async def _flushed(self, batch: _Batch) -> None:
        if batch.written.is_set():
            return
        async with self._flushing:
            if self._broken is None and batch is not self._waiting:
                return  # an earlier waiter has written it together with its own
            self._waiting = _Batch()
            entries = batch.entries
            await self._write(lambda: journal.line(entries), lambda: self.requests.take_in(entries.items()))
            batch.written.set()

    async def _write(self, line: Callable[[], bytes], then: Callable[[], None]) -> None:
        """Append to the journal, then show it. Whatever goes wrong, nothing is written after it."""
        if self._broken is not None:
            raise StorageFailed(str(self._paths.journal_path), self._broken)
        try:
            await anyio.to_thread.run_sync(self._journal.append, line())
            then()
        except BaseException as error:
            self._broken = durable.reason(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            if isinstance(error, OSError):
                raise StorageFailed(str(self._paths.journal_path), self._broken) from error
            raise

    def fold(self) -> bool:
        """Join what is known into the lockfile as it is now; whether that changed anything.

        Requests of the last 48 h stay in the journal all the same. Links that have expired lose their signatures on the
        way; that alone is no reason to write. Raises Refused when the file cannot be read any more, StorageFailed.
        """
        path = self._paths.lockfile_path
        with lockfile.writing(self._paths):
            if lockfile.identity(path) != self._identity:
                self._saved = lockfile.load(path)
                self._take_in(self._saved)
            changed = self.requests.view != self._saved.requests
            if changed:
                now = self._now()
                tidied = {key: without_dead_signature(entry, now) for key, entry in self.requests.view.items()}
                self.requests.take_in(
                    (key, tidy) for key, tidy in tidied.items() if tidy is not self.requests.view[key]
                )
                self._saved = replace(self._saved, requests=dict(self.requests.view))
                lockfile.save(path, self._saved)
            self._identity = lockfile.identity(path)
            self.lock = replace(self._saved, requests=self.requests.view)
        with storage(self._paths.journal_path):
            self._keep_the_young()
        return changed

    def _take_in(self, lock: Lock) -> None:
        """Join a lockfile. A request of another machine without an answer may own any task that was seen so far: when
        it was made is only known by another clock."""
        new = (entry for key, entry in lock.requests.items() if key not in self.requests.view)
        if any(isinstance(entry, Submitting | Unclear) for entry in new):
            self.seen = {}
        self.requests.take_in(lock.requests.items())

    def _keep_the_young(self) -> None:
        since = self._now() - KEPT_FOR
        young = {key: entry for key, entry in self.requests.view.items() if entry.asked.asked_at > since}
        seen: dict[datetime, list[str]] = {}
        for task_id, at in self.seen.items():
            if at > since:
                seen.setdefault(at, []).append(task_id)
        lines = [journal.line(young)] if young else []
        self._journal.rewrite([*lines, *(journal.seen_line(tasks, at) for at, tasks in seen.items())])

    def close(self) -> None:
        """`fold`, and let the next run begin."""
        try:
            self.fold()
        finally:
            self._journal.close()
            self._claim.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Batch:
    """Requests that go into one line of the journal."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.written = anyio.Event()


def _unheard(key: str, entry: Entry) -> None:
    """Nobody listens."""


class _JournalFile:
    """The journal as it grows; there is none before the first line. All may raise OSError."""

    def __init__(self, paths: LockPaths, now: Callable[[], datetime]) -> None:
        self._path = paths.journal_path
        self._lockfile = paths.lockfile_path.name
        self._now = now
        self._descriptor: int | None = None
        self._sound_bytes = 0

    def append(self, line: bytes) -> None:
        """Return when the line is on the disk. What cannot be written in full leaves no trace."""
        if self._descriptor is None:
            self._descriptor = os.open(
                self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600
            )
            self._sound_bytes = os.fstat(self._descriptor).st_size
        elif not os.fstat(self._descriptor).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "it was deleted during the run")
        is_new = not self._sound_bytes
        if is_new:
            line = self._header() + line
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            durable.sync(self._descriptor)
            if is_new:
                durable.sync_folder(self._path.parent)
        except BaseException:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._sound_bytes)
            raise
        self._sound_bytes += len(line)

    @property
    def is_begun(self) -> bool:
        """Whether a line was appended to it."""
        return self._descriptor is not None

    def rewrite(self, lines: list[bytes]) -> None:
        """Have just these lines in the journal; without any, none."""
        self.close()
        if lines:
            durable.replace(self._path, [self._header(), *lines], mode=0o600)
        elif self._path.exists():
            self._path.unlink()
            durable.sync_folder(self._path.parent)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._sound_bytes = 0

    def _header(self) -> bytes:
        return journal.header(
            lockfile=self._lockfile, host=socket.gethostname(), pid=os.getpid(), started_at=self._now()
        )
