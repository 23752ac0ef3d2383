"""The lock on disk: the lockfile, and the journal that a run keeps next to it. One owner, the `Ledger`."""

from __future__ import annotations

import operator
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Self

import anyio
import anyio.to_thread

from kfpipe.errors import Problem, Refused, StorageFailed
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, shown, storage
from kfpipe.lock import journal, lockfile
from kfpipe.lock.claim import Claim
from kfpipe.lock.journal import Transition
from kfpipe.lock.merge import merge
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import Entry, Lock, Record
from kfpipe.lock.transitions import without_dead_signature


class Ledger:
    """The records of a manifest while a run writes them: only one at a time, on any machine that shares the folder.

    `lock` shows a transition once it is on the disk, never earlier: what a reader acts on survives a power cut.
    """

    def __init__(self, paths: LockPaths, claim: Claim, now: Callable[[], datetime]) -> None:
        """For `open` alone; the claim is already held."""
        self._paths = paths
        self._claim = claim
        self._now = now
        self._seen = lockfile.identity(paths.lockfile_path)
        self._saved = lockfile.load(paths.lockfile_path)
        self._lock = dict(self._saved)
        self.lock: Lock = MappingProxyType(self._lock)
        self._journal = _JournalFile(paths, now)
        self._waiting: list[Transition] = []
        self._flushing = anyio.Lock()
        self._broken: str | None = None

    @classmethod
    def open(cls, paths: LockPaths, *, now: Callable[[], datetime]) -> Self:
        """The records, with whatever a killed run left in its journal merged into the lockfile.

        Raises `ProjectBusy` when another run holds the manifest, Refused when the records are damaged, StorageFailed.
        """
        with storage(paths.state_dir):
            make_state_dir(paths.state_dir)
        claim = Claim(paths.claim_path)
        claim.take(shown(paths.lockfile_path), now())
        try:
            with storage(paths.lockfile_path):
                durable.remove_leftovers(paths.lockfile_path)
            ledger = cls(paths, claim, now)
            lockfile.apply(ledger._lock, lockfile.left_in_journal(paths))
            ledger.fold()
        except BaseException:
            claim.release()
            raise
        return ledger

    async def record(self, take_id: str, entry: Entry) -> None:
        """Return when the take's new entry is on the disk; never cut short by a cancellation.

        Raises StorageFailed when it cannot be written, then and from then on. What was recorded before stays.
        """
        batch = self._waiting
        batch.append(Transition(take_id=take_id, entry=entry))
        with anyio.CancelScope(shield=True):
            async with self._flushing:
                if self._broken is not None:
                    raise StorageFailed(str(self._paths.journal_path), self._broken)
                if batch is self._waiting:  # else an earlier waiter has written it together with its own
                    await self._flush()

    def amend(self, records: Mapping[str, Record]) -> None:
        """Write whole records that no transition leads to: a pick, a file that moved. Raises StorageFailed.

        All of them or none, and in the lockfile itself when this returns.
        """
        self._lock.update(records)
        self.fold()

    def fold(self) -> bool:
        """Merge the journal into the lockfile; whether that changed anything. Raises StorageFailed.

        Links that have expired lose their signatures on the way; that alone is no reason to write.
        """
        changed = self._lock != self._saved
        if changed:
            self._take_in()
            now = self._now()
            self._lock.update({take_id: _tidied(record, now) for take_id, record in self._lock.items()})
            lockfile.save(self._paths.lockfile_path, self._lock)
            self._saved = dict(self._lock)
            self._seen = lockfile.identity(self._paths.lockfile_path)
        with storage(self._paths.journal_path):
            self._journal.remove()
        return changed

    def _take_in(self) -> None:
        """Merge what someone else has written to the lockfile since it was read, such as a `git pull`.

        Raises Refused when that cannot be done without a person; the journal then keeps what is not in the file.
        """
        path = self._paths.lockfile_path
        if lockfile.identity(path) == self._seen:
            return
        merged = merge(self._saved, self._lock, lockfile.load(path))
        if merged.clashes:
            raise Refused(
                Problem(
                    file=shown(path),
                    where=clash.take_id,
                    what=f"the file was changed during the run and contradicts it: {clash.doubt}",
                    expected="the records of both: those in this file and those in the run's journal",
                    fix="restore the file as it was before (`git checkout`, `git merge --abort`), then `kfpipe run`",
                )
                for clash in merged.clashes
            )
        self._lock.clear()
        self._lock.update(merged.lock)

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

    async def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            await anyio.to_thread.run_sync(self._journal.append, journal.line(batch))
        except OSError as error:
            self._broken = durable.reason(error)
            raise StorageFailed(str(self._paths.journal_path), self._broken) from error
        lockfile.apply(self._lock, batch)


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
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0))
            line = self._header() + line
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            durable.sync(self._descriptor)
            if not self._sound_bytes:
                durable.sync_folder(self._path.parent)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._sound_bytes)
            raise
        self._sound_bytes += len(line)

    def remove(self) -> None:
        self.close()
        if self._path.exists():
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


def _tidied(record: Record, now: datetime) -> Record:
    """The record without signatures of expired links; itself when it has none, as nearly all of a large lock."""
    entry = without_dead_signature(record.entry, now)
    previous = tuple(without_dead_signature(earlier, now) for earlier in record.previous)
    is_tidy = entry is record.entry and all(map(operator.is_, previous, record.previous))
    return record if is_tidy else replace(record, entry=entry, previous=previous)
