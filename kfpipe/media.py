"""Bringing a finished clip home: download, check, and put in place, without ever losing an older one."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from kfpipe.clip import ClipFacts, Expected, check_clip
from kfpipe.errors import BadRender, ServiceUnclear
from kfpipe.files import durable
from kfpipe.files.durable import storage
from kfpipe.files.jsontext import NotJson, parse
from kfpipe.provider import Body, Provider

__all__ = ["ClipFacts", "Expected", "FetchedClip", "check_clip", "fetch", "put_back", "set_aside"]

LARGEST_BYTES_PER_SECOND: Final = 16 << 20
"""Of a clip; more than ten times what H.264 needs at the largest size on offer. An endless body ends here."""

PREVIOUS: Final = ".previous"
"""Folder beside the renders for what a later render has replaced."""

_WRITE_BYTES: Final = 256 << 10
"""Chunks are gathered up to this before a thread is asked to write them."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedClip(ClipFacts):
    """A clip that was checked and lies in its place."""

    sha256: str
    size_bytes: int


async def fetch(provider: Provider, url: str, *, target: Path, partial: Path, expected: Expected) -> FetchedClip:
    """Download the clip to `partial`, going on where an earlier attempt broke off; check it; move it to `target`.

    Both must lie on one disk. A file at `target` with other content moves to `.previous`. Raises `BadRender` when this
    is not the clip, and then the next attempt starts anew; StorageFailed; and whatever the provider raises, with
    `ServiceUnclear` for a body that ends early: the next attempt goes on from there.
    """
    sha256, size_bytes = await _download(provider, url, partial, max(expected.lengths_s) * LARGEST_BYTES_PER_SECOND)
    try:
        facts = await _on_disk(partial, check_clip, partial, expected)
    except BadRender:
        await _on_disk(partial, partial.unlink)
        raise
    await _on_disk(target, _place, partial, target, sha256)
    return FetchedClip(**asdict(facts), sha256=sha256, size_bytes=size_bytes)


async def put_back(source: Path, target: Path, sha256: str) -> None:
    """Move a clip with this digest from `source` to its place at `target`. What lies there moves to `.previous`."""
    if source != target:
        await _on_disk(target, _place, source, target, sha256)


async def _on_disk(path: Path, work: Callable[..., T], *args: object) -> T:
    """Do blocking work in a thread; a trouble with the disk becomes StorageFailed at `path`."""
    with storage(path):
        return await anyio.to_thread.run_sync(work, *args)


# ---- download ----------------------------------------------------------------------------------------------------


async def _download(provider: Provider, url: str, path: Path, most_bytes: int) -> tuple[str, int]:
    """SHA-256 and length of the whole file, which is then on the disk."""
    partial = await _on_disk(path, _Partial.found, path)
    try:
        async with provider.download(url, offset_bytes=partial.size_bytes, tag=partial.tag) as body:
            await _receive(body, partial, path, most_bytes)
        await _on_disk(path, partial.finish)
    except BadRender:
        await _on_disk(path, partial.discard)
        raise
    except BaseException:
        with anyio.CancelScope(shield=True):
            await _on_disk(path, partial.keep)
        raise
    return partial.digest.hexdigest(), partial.size_bytes


async def _receive(body: Body, partial: _Partial, path: Path, most_bytes: int) -> None:
    announced_bytes = most_bytes if body.size_bytes is None else body.size_bytes
    if announced_bytes > most_bytes:
        raise BadRender(f"the service announces a file of {announced_bytes} bytes")
    if body.offset_bytes != partial.size_bytes:
        if body.offset_bytes != 0:
            raise ServiceUnclear(f"asked to go on from byte {partial.size_bytes}, got byte {body.offset_bytes}")
        await _on_disk(path, partial.restart)
    elif partial.size_bytes and body.tag != partial.tag:
        raise BadRender("the file has changed since the download began")
    partial.tag = body.tag
    async for chunk in body.chunks:
        if partial.size_bytes + len(chunk) > announced_bytes:
            raise BadRender(f"the file goes on past its {announced_bytes} bytes")
        if partial.gather(chunk) >= _WRITE_BYTES:
            await _on_disk(path, partial.write)
    if body.size_bytes is not None and partial.size_bytes < body.size_bytes:
        raise ServiceUnclear(f"the download broke off after {partial.size_bytes} of {body.size_bytes} bytes")


class _Partial:
    """A download as it grows; methods that touch the disk may raise OSError.

    Beside a file that can be continued stands a note of its version and length. It is written last and taken away
    first: what a crash or a power cut left behind has none, is not trusted, and is downloaded again.
    """

    def __init__(self, path: Path, *, tag: str | None) -> None:
        self.tag = tag
        self.digest = hashlib.sha256()
        self.size_bytes = 0
        self._gathered = bytearray()
        self._path = path
        self._file = path.open("w+b" if tag is None else "r+b")

    @classmethod
    def found(cls, path: Path) -> _Partial:
        """What an earlier attempt has left, if it can be continued; else an empty file."""
        _make_own_folder(path.parent)
        if path.is_symlink():
            path.unlink()
        partial = cls(path, tag=_take_note(path))
        while chunk := partial._file.read(_WRITE_BYTES):
            partial._count(chunk)
        return partial

    def restart(self) -> None:
        self._file.seek(0)
        self._file.truncate()
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def gather(self, chunk: bytes) -> int:
        """Take a chunk into memory; returns how many bytes wait there."""
        self._gathered += chunk
        self._count(chunk)
        return len(self._gathered)

    def write(self) -> None:
        self._file.write(self._gathered)
        self._gathered.clear()

    def finish(self) -> None:
        """Return when everything is on the disk."""
        self.write()
        self._file.flush()
        durable.sync(self._file.fileno())
        self._file.close()

    def keep(self) -> None:
        """Close the file so that a later attempt can go on from it; where that fails, it will start anew."""
        with suppress(OSError):
            self.finish()
            if self.tag is not None:
                note = {"tag": self.tag, "size_bytes": self.size_bytes}
                _note_path(self._path).write_text(json.dumps(note), encoding="utf-8")
        with suppress(OSError):
            self._file.close()

    def discard(self) -> None:
        self._file.close()
        self._path.unlink()

    def _count(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        self.size_bytes += len(chunk)


def _note_path(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.tag")


def _take_note(partial: Path) -> str | None:
    """The version of a file that can be continued; the note is gone afterwards."""
    path = _note_path(partial)
    try:
        note = parse(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, NotJson):
        note = None
    path.unlink(missing_ok=True)
    match note:
        case {"tag": str(tag), "size_bytes": int(size_bytes)}:
            return tag if partial.is_file() and partial.stat().st_size == size_bytes else None
    return None


# ---- place -------------------------------------------------------------------------------------------------------


def _place(partial: Path, target: Path, sha256: str) -> None:
    """Move the file to its place. A file with other content there is set aside, never overwritten."""
    durable.make_folder(target.parent)
    if target.exists():
        older = _sha256(target)
        if older == sha256:
            partial.unlink()
            return
        set_aside(target, older)
    partial.replace(target)
    durable.sync_folder(target.parent)


def _make_own_folder(folder: Path) -> None:
    """Make a folder that is kfpipe's alone. Raises OSError also where a link lies, planted perhaps by a stranger."""
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "a symbolic link is there instead of a folder")
    durable.make_folder(folder)


def set_aside(clip: Path, sha256: str) -> Path:
    """Move a clip that is no longer wanted to `.previous` beside it; where it is now. Raises OSError."""
    folder = clip.parent / PREVIOUS
    _make_own_folder(folder)
    stem = f"{clip.stem}.{sha256[:12]}"
    names = (f"{stem}{clip.suffix}" if number == 1 else f"{stem}.{number}{clip.suffix}" for number in count(1))
    free = next(path for name in names if not (path := folder / name).exists() or _sha256(path) == sha256)
    clip.replace(free)
    durable.sync_folder(folder)
    return free


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
