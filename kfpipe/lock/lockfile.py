"""The lockfile on disk: loaded, saved, and read together with the journal of a run under way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from kfpipe import gcpause
from kfpipe.errors import Refused
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, shown, storage
from kfpipe.files.read import reading, refuse_larger
from kfpipe.lock import conflict, journal
from kfpipe.lock import text as locktext
from kfpipe.lock.join import join, joined
from kfpipe.lock.journal import Notes
from kfpipe.lock.merge import Merged
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import EMPTY, Entry, Lock

LARGEST_BYTES: Final = 1 << 30
"""A lockfile of 100,000 takes has about 200 MB."""


def load(path: Path) -> Lock:
    """What a lockfile holds; nothing when there is no such file. Raises Refused."""
    return _loaded(path, locktext.in_any_layout)


def save(path: Path, lock: Lock) -> None:
    """Replace the lockfile, whole or not at all. Raises StorageFailed."""
    with storage(path):
        durable.replace(path, locktext.pieces(lock))


def load_both(path: Path) -> Lock:
    """The same, also of both sides that a merge has left between its markers; their picks as far as they agree."""
    return _loaded(path, _both)


def _both(content: bytes, file: str) -> Lock:
    return conflict.settled(content, file).lock if conflict.is_in(content) else locktext.in_any_layout(content, file)


def _loaded(path: Path, otherwise: Callable[[bytes, str], Lock]) -> Lock:
    """What a lockfile holds; of one that is unsound, or laid out in another way, what `otherwise` makes of it."""
    file = _opened(path)
    if file is None:
        return EMPTY
    with reading(shown(path)), file:
        lock = locktext.in_layout(iter(partial(file.read, locktext.BLOCK_BYTES), b""))
        if lock is None:
            file.seek(0)
            lock = otherwise(file.read(), shown(path))
        return lock


def is_torn(path: Path) -> bool:
    """Whether a merge that is not settled has left its markers in the lockfile. Raises Refused."""
    content = _content(path)
    return content is not None and conflict.is_in(content)


def read_both(paths: LockPaths) -> Lock:
    """As `read`, of both sides of a merge that is not settled. Raises Refused."""
    return read(paths, load=load_both)


@gcpause.paused()
def read(paths: LockPaths, *, load: Callable[[Path], Lock] = load) -> Lock:
    """All that is on record now, also while a run is on; writes nothing. Raises Refused."""
    while True:
        before = identity(paths.lockfile_path)
        lock = load(paths.lockfile_path)
        notes = left_in_journal(paths)
        if identity(paths.lockfile_path) == before:  # else a run has just joined its journal with the lockfile
            return replace(lock, requests=join(lock.requests, notes.requests)) if notes.requests else lock


def left_in_journal(paths: LockPaths) -> Notes:
    """What runs have noted that may not be in the lockfile. Raises Refused."""
    content = _content(paths.journal_path)
    if content is None:
        return journal.NOTHING
    return journal.parsed(content, shown(paths.journal_path), lockfile=paths.lockfile_path.name)


@contextmanager
def writing(paths: LockPaths) -> Iterator[None]:
    """Hold while the lockfile is read and replaced: for moments, whoever runs. Raises StorageFailed."""
    import filelock  # only who writes needs it

    with storage(paths.state_dir):
        make_state_dir(paths.state_dir)
        mark = filelock.FileLock(paths.writing_path, thread_local=False)
        with mark:
            yield


def pick(paths: LockPaths, shot_id: str, take_id: str | None, *, key: str | None = None) -> bool:
    """Put on record that this take of the shot is picked, None: no take; whether that changes anything.

    `key` is the request whose clip was looked at. Settles what two branches have picked differently. Raises Refused,
    StorageFailed.
    """
    path = paths.lockfile_path
    with writing(paths):
        content = _content(path)
        is_torn = content is not None and conflict.is_in(content)
        merged = conflict.settled(content or b"", shown(path)) if is_torn else Merged(lock=load(path), clashes=())
        after = merged.picking(shot_id, take_id, key)
        if after == merged and not is_torn:
            return False
        with storage(path):
            durable.replace(path, conflict.pieces(after))
        return True


def supplement(paths: LockPaths, requests: Mapping[str, Entry]) -> int:
    """Join what is known by now of requests that the file has; of how many it says more then. Also while a run is on.

    Raises Refused, StorageFailed.
    """
    path = paths.lockfile_path
    with writing(paths):
        lock = load(path)
        known = {key: joined(lock.requests[key], entry) for key, entry in requests.items() if key in lock.requests}
        told = {key: entry for key, entry in known.items() if entry != lock.requests[key]}
        if told:
            save(path, replace(lock, requests={**lock.requests, **told}))
        return len(told)


def settle(paths: LockPaths) -> None:
    """Join both sides of a lockfile that git has left between conflict markers; picks that clash stay marked.

    Raises Refused, StorageFailed.
    """
    path = paths.lockfile_path
    with writing(paths):
        content = _content(path)
        if content is not None and conflict.is_in(content):
            merged = conflict.settled(content, shown(path))
            with storage(path):
                durable.replace(path, conflict.pieces(merged))


def _content(path: Path) -> bytes | None:
    """The file's bytes, None when there is no such file. Raises Refused."""
    file = _opened(path)
    if file is None:
        return None
    with reading(shown(path)), file:
        return file.read()


def _opened(path: Path) -> BinaryIO | None:
    """The file to be read, None when there is no such file. Raises Refused."""
    with reading(shown(path)), suppress(FileNotFoundError):  # a run that ends now takes its journal away
        if path.exists() and not path.is_file():
            raise Refused.because(shown(path), "this is not a file", expected="a file that kfpipe wrote, or none")
        refuse_larger(path, shown(path), LARGEST_BYTES, fix=locktext.RESTORE)
        return path.open("rb")
    return None


def identity(path: Path) -> tuple[int, ...]:
    """Changes whenever the file is replaced."""
    try:
        facts = path.stat()
    except OSError:
        return ()
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
