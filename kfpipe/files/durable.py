"""Writing that survives a power cut; paths and disk errors in plain words."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from kfpipe.errors import StorageFailed

_REASONS: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than the system allows",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EIO: "the disk reports an error",
    errno.EXDEV: "it is on a different disk from its temporary file",
}


def reason(error: OSError) -> str:
    """Why the system refused, in plain words."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error) or type(error).__name__


def shown(path: Path) -> str:
    """The path as messages show it: relative to the current folder, where that is possible."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Inside, an `OSError` becomes `StorageFailed` at `path`."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(str(path), reason(error)) from error


def sync(descriptor: int) -> None:
    """Return when the file's content is on the disk, not only in the drive's cache. Raises OSError."""
    if sys.platform == "darwin":
        import fcntl  # not on every system

        with suppress(OSError):  # not on every file system
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Return when the folder's names are on the disk. Windows has no such call, nor the need. Raises OSError."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make the folder and those above it, and return when their names are on the disk. Raises OSError."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def replace(path: Path, pieces: Iterable[bytes], *, mode: int | None = None) -> None:
    """Give the file new content, whole or not at all. A link is followed. Raises OSError.

    The file keeps its mode; `mode` is another one to give it.
    """
    with replacing(path, mode=mode) as temporary, temporary.open("wb") as file:
        file.writelines(pieces)


@contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """An empty file beside `path`, which takes its place when the block ends well, and goes away when it does not.

    A link is followed, and the mode is kept, as by `replace`. Raises OSError.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb", opener=partial(os.open, mode=0o666 if mode is None else mode)):
            pass
        yield temporary
        with temporary.open("rb+") as file:
            sync(file.fileno())
        if mode is None and target.exists():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(target.parent)


def remove_leftovers(path: Path) -> None:
    """Delete the temporaries that killed processes left next to the file. A write under way fails. Raises OSError."""
    target = path.resolve()
    for sibling in target.parent.iterdir():
        if sibling.name.startswith(f".{target.name}.") and sibling.name.endswith(".tmp"):
            sibling.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The digest of a file's bytes, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_state_dir(folder: Path) -> None:
    """Make the folder of a project's private state, which git ignores. Raises OSError."""
    make_folder(folder)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        replace(ignore, [b"*\n"])
