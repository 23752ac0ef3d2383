"""Putting clips in their places: never over another one, and never through a link planted by someone else."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from kfpipe.errors import StorageFailed
from kfpipe.files import durable, lfs
from kfpipe.files.durable import sha256_of, storage
from kfpipe.media.renders import PARTIAL, PREVIOUS, REFUSED

T = TypeVar("T")

PROBE_BYTES: Final = 64 << 10
"""What a disk must take before a clip is paid for: not all of it, but more than none."""


async def bring(source: Path, target: Path, sha256: str, *, moved: bool) -> None:
    """Bring a clip with this digest from `source` to its place at `target`. What is there moves to `.previous`.

    Where it is not `moved`, it is copied, by way of a temporary file beside the target; so is what a link leads to, and
    what git keeps.
    """
    if source != target:
        await in_thread(target, _moved if moved else _copied, source, target, sha256)


def _moved(source: Path, target: Path, sha256: str) -> None:
    is_movable = not source.is_symlink() and ".git" not in source.parts
    (place if is_movable else _copied)(source, target, sha256)


def _copied(source: Path, target: Path, sha256: str) -> None:
    folder = target.parent / PARTIAL
    make_own_folder(folder)
    temporary = folder / f"{sha256[:32]}{target.suffix}"
    temporary.unlink(missing_ok=True)
    shutil.copyfile(source, temporary)
    with temporary.open("r+b") as file:
        durable.sync(file.fileno())
    place(temporary, target, sha256)
    with suppress(OSError):
        folder.rmdir()


async def in_thread(path: Path, work: Callable[..., T], *args: object) -> T:
    """Do blocking work in a thread; a disk error becomes StorageFailed at `path`."""
    with storage(path):
        return await anyio.to_thread.run_sync(work, *args)


def try_folder(folder: Path) -> None:
    """Return when a clip that arrives in the folder can be put on the disk. Raises OSError."""
    shelf = folder / PARTIAL
    make_own_folder(shelf)
    probe = shelf / ".probe"
    probe.unlink(missing_ok=True)
    try:
        with probe.open("xb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            durable.sync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)
    with suppress(OSError):
        shelf.rmdir()


def place(partial: Path, target: Path, sha256: str) -> None:
    """Move the file to its place. A file with other content there is set aside, never overwritten.

    Only a Git LFS pointer to the very file gives way to it.
    """
    durable.make_folder(target.parent)
    if target.exists() and lfs.pointed_at(target) != sha256:
        older = sha256_of(target)
        if older == sha256:
            partial.unlink()
            durable.sync_folder(target.parent)  # whoever put it there may have died before that
            return
        set_aside(target, older)
    partial.replace(target)
    durable.sync_folder(target.parent)


def refuse_outside(folder: Path, root: Path) -> None:
    """Raise StorageFailed where the folder has become a link that leads out of the project, since that was checked."""
    if not folder.resolve().is_relative_to(root):
        raise StorageFailed(str(folder), "it leads out of the project through a symbolic link")


def make_own_folder(folder: Path) -> None:
    """Make a folder that is kfpipe's alone. Raises OSError also where there is a link: someone may have planted it."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "a symbolic link is there instead of a folder")
    durable.make_folder(folder)


def set_aside(clip: Path, sha256: str) -> Path:
    """Move a clip that is no longer wanted to `.previous` next to it; returns where it is now. Raises OSError."""
    return _shelved(clip, clip.parent / PREVIOUS, clip.name, sha256)


def refuse(partial: Path, target: Path, sha256: str) -> Path:
    """Move a download that is no video to `.refused` next to where the clip would be; returns where it is now.

    Its bytes are on the disk by then. Raises OSError.
    """
    with partial.open("r+b") as file:
        durable.sync(file.fileno())
    return _shelved(partial, target.parent / REFUSED, target.name, sha256)


def _shelved(file: Path, folder: Path, name: str, sha256: str) -> Path:
    """Move the file to a folder of kfpipe's own, named after its digest; never over one with other content."""
    make_own_folder(folder)
    stem, suffix = f"{Path(name).stem}.{sha256[:12]}", Path(name).suffix
    names = (f"{stem}{suffix}" if number == 1 else f"{stem}.{number}{suffix}" for number in count(1))
    free = next(path for name in names if not (path := folder / name).exists() or sha256_of(path) == sha256)
    file.replace(free)
    durable.sync_folder(folder)
    return free
