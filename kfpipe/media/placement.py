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

from kfpipe.files import durable
from kfpipe.files.durable import sha256_of, storage
from kfpipe.media.renders import PARTIAL, PREVIOUS

T = TypeVar("T")

PROBE_BYTES: Final = 64 << 10
"""What a disk must take before a clip is paid for: not all of it, but more than none."""


async def bring(source: Path, target: Path, sha256: str, *, moved: bool) -> None:
    """Bring a clip with this digest from `source` to its place at `target`. What is there moves to `.previous`.

    Where it is not `moved`, it is copied, by way of a temporary file beside the target.
    """
    if source != target:
        await in_thread(target, place if moved else _copied, source, target, sha256)


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
    """Move the file to its place. A file with other content there is set aside, never overwritten."""
    durable.make_folder(target.parent)
    if target.exists():
        older = sha256_of(target)
        if older == sha256:
            partial.unlink()
            durable.sync_folder(target.parent)  # whoever put it there may have died before that
            return
        set_aside(target, older)
    partial.replace(target)
    durable.sync_folder(target.parent)


def make_own_folder(folder: Path) -> None:
    """Make a folder that is kfpipe's alone. Raises OSError also where there is a link: someone may have planted it."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "a symbolic link is there instead of a folder")
    durable.make_folder(folder)


def set_aside(clip: Path, sha256: str) -> Path:
    """Move a clip that is no longer wanted to `.previous` next to it; returns where it is now. Raises OSError."""
    folder = clip.parent / PREVIOUS
    make_own_folder(folder)
    stem = f"{clip.stem}.{sha256[:12]}"
    names = (f"{stem}{clip.suffix}" if number == 1 else f"{stem}.{number}{clip.suffix}" for number in count(1))
    free = next(path for name in names if not (path := folder / name).exists() or sha256_of(path) == sha256)
    clip.replace(free)
    durable.sync_folder(folder)
    return free
