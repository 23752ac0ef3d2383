"""The lockfile on disk: loaded, saved, and read together with the journal of a run under way."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from kfpipe import gcpause
from kfpipe.errors import Refused
from kfpipe.files import durable
from kfpipe.files.durable import shown, storage
from kfpipe.files.read import reading, refuse_larger
from kfpipe.lock import journal
from kfpipe.lock import text as locktext
from kfpipe.lock.journal import Transition
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import Lock, Record
from kfpipe.lock.transitions import applied

LARGEST_BYTES: Final = 1 << 30
"""A lockfile of 100,000 takes has about 200 MB."""


def load(path: Path) -> dict[str, Record]:
    """The records of a lockfile; none when there is no such file. Raises Refused."""
    content = _content(path)
    return {} if content is None else locktext.parsed(content, shown(path))


def save(path: Path, lock: Lock) -> None:
    """Replace the lockfile, whole or not at all. Raises StorageFailed."""
    with storage(path):
        durable.replace(path, locktext.pieces(lock))


@gcpause.paused()
def read(paths: LockPaths) -> dict[str, Record]:
    """All that is on record now, also while a run is on; writes nothing. Raises Refused."""
    while True:
        before = identity(paths.lockfile_path)
        lock = load(paths.lockfile_path)
        apply(lock, left_in_journal(paths))
        if identity(paths.lockfile_path) == before:  # else a run has just merged its journal into the lockfile
            return lock


def apply(lock: dict[str, Record], transitions: Iterable[Transition]) -> None:
    """Apply transitions to the records, in their order."""
    for one in transitions:
        lock[one.take_id] = applied(lock.get(one.take_id), one.entry)


def left_in_journal(paths: LockPaths) -> tuple[Transition, ...]:
    """What a run under way, or a killed one, has not yet merged into the lockfile. Raises Refused."""
    content = _content(paths.journal_path)
    if content is None:
        return ()
    return journal.parsed(content, shown(paths.journal_path), lockfile=paths.lockfile_path.name)


def _content(path: Path) -> bytes | None:
    """The file's bytes, None when there is no such file. Raises Refused."""
    with reading(shown(path)), suppress(FileNotFoundError):  # a run that ends now takes its journal away
        if not path.exists():
            return None
        if not path.is_file():
            raise Refused.because(shown(path), "this is not a file", expected="a file that kfpipe wrote, or none")
        refuse_larger(path, shown(path), LARGEST_BYTES, fix=locktext.RESTORE)
        return path.read_bytes()
    return None


def identity(path: Path) -> tuple[int, ...]:
    """Changes whenever the file is replaced."""
    try:
        facts = path.stat()
    except OSError:
        return ()
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
