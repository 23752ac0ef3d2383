"""Downloading a finished clip: resumed where it broke off, checked, and put in place without losing an older one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import anyio

from kfpipe.domain import FrameEnd
from kfpipe.errors import BadRender, NotAVideo, ServiceUnclear, StorageFailed
from kfpipe.files import durable
from kfpipe.files.jsontext import NotJson, parse_json
from kfpipe.files.read import first_bytes
from kfpipe.lock.states import Fidelity
from kfpipe.media import ends
from kfpipe.media.facts import ClipFacts, Expected
from kfpipe.media.placement import in_thread, make_own_folder, place, refuse
from kfpipe.media.posters import Posters
from kfpipe.provider import Body, Provider

LARGEST_BYTES_PER_SECOND: Final = 16 << 20
"""Of a clip; more than ten times what H.264 needs at the largest size on offer. An endless body ends here."""


_WRITE_BYTES: Final = 256 << 10
"""Chunks are gathered up to this before a thread is asked to write them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedClip(ClipFacts):
    """A clip that was checked and is in its place."""

    sha256: str
    size_bytes: int
    fidelity: Fidelity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Download:
    """A file that was received to its end; `announced` when it has the length that the service had stated."""

    sha256: str
    size_bytes: int
    announced: bool


async def fetch(
    provider: Provider,
    url: str,
    *,
    target: Path,
    partial: Path,
    expected: Expected,
    posters: Posters,
    stills: Mapping[FrameEnd, Path],
    keep_refused: bool = False,
) -> FetchedClip:
    """Download the clip to `partial`, continuing where an earlier attempt broke off; check it; move it to `target`.

    Its poster is cut on the way, and its first and last pictures are compared with `stills`.

    Both must be on one disk. A file at `target` with other content moves to `.previous`. A whole clip that is not as
    expected is put in place like any other, and `remarks` say what is unexpected.

    Raises `BadRender` when this is no whole clip, and then the next attempt starts over; StorageFailed; and whatever
    the provider raises, with `ServiceUnclear` for a body that ends early: the next attempt continues from there. With
    `keep_refused`, which is meant for the last attempt, a file that arrived complete is not deleted when it cannot be
    read: it moves to `.refused`, and `NotAVideo` says where it is.
    """
    got = await _download(provider, url, partial, max(expected.lengths_s) * LARGEST_BYTES_PER_SECOND)
    try:
        facts, fidelity = await in_thread(partial, _checked, partial, expected, posters, got.sha256, stills)
    except BadRender as refusal:
        if keep_refused and got.announced and not await in_thread(partial, _is_page, partial):
            kept = await in_thread(target, refuse, partial, target, got.sha256)
            raise NotAVideo(str(refusal), path=kept, sha256=got.sha256) from refusal
        await in_thread(partial, partial.unlink)
        raise BadRender(str(refusal)) from refusal  # without a path: nothing is left there
    await in_thread(target, place, partial, target, got.sha256)
    return FetchedClip(**asdict(facts), sha256=got.sha256, size_bytes=got.size_bytes, fidelity=fidelity)


def _is_page(path: Path) -> bool:
    """Whether this is a page of some gateway between here and the store, which has the clip still."""
    return first_bytes(path, 256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _checked(
    path: Path, expected: Expected, posters: Posters, sha256: str, stills: Mapping[FrameEnd, Path]
) -> tuple[ClipFacts, Fidelity | None]:
    """What the clip holds, and how much it looks like its stills. Raises `BadRender` when it is not whole."""
    from kfpipe.media import pictures, video  # PyAV is slow to load, and only a clip that is here needs it

    clip = video.examine(path, expected)
    with suppress(StorageFailed, *pictures.UNDRAWN):  # a poster can be cut later, a clip that was paid for counts
        posters.keep(sha256, pictures.poster(clip.glimpse.middle))
        ends.keep(posters.folder, sha256, clip.glimpse)
    return clip.facts, pictures.fidelity(clip.glimpse, stills)


async def _download(provider: Provider, url: str, path: Path, most_bytes: int) -> _Download:
    """The whole file, which is then on the disk."""
    partial = await in_thread(path, _Partial.found, path)
    try:
        async with provider.download(url, offset_bytes=partial.size_bytes, tag=partial.tag) as body:
            await _receive(body, partial, path, most_bytes)
            announced = body.size_bytes is not None
        await in_thread(path, partial.finish)
    except BadRender:
        await in_thread(path, partial.discard)
        raise
    except BaseException:
        with anyio.CancelScope(shield=True):
            await in_thread(path, partial.keep)
        raise
    return _Download(sha256=partial.digest.hexdigest(), size_bytes=partial.size_bytes, announced=announced)


async def _receive(body: Body, partial: _Partial, path: Path, most_bytes: int) -> None:
    """Write the body behind what is there already, or from the start where the server begins again.

    Raises `ServiceUnclear` when it broke off and can go on, `BadRender` when the file is another or grows too long.
    """
    announced_bytes = most_bytes if body.size_bytes is None else body.size_bytes
    if announced_bytes > most_bytes:
        raise BadRender(f"the service announces a file of {announced_bytes} bytes")
    if body.offset_bytes != partial.size_bytes:
        if body.offset_bytes != 0:
            raise ServiceUnclear(f"asked to continue from byte {partial.size_bytes}, got byte {body.offset_bytes}")
        await in_thread(path, partial.restart)
    elif partial.size_bytes and body.tag != partial.tag:
        raise BadRender("the file has changed since the download began")
    partial.tag = body.tag
    async for chunk in body.chunks:
        if partial.size_bytes + len(chunk) > announced_bytes:
            raise BadRender(f"the file continues past its {announced_bytes} bytes")
        if partial.gather(chunk) >= _WRITE_BYTES:
            await in_thread(path, partial.write)
    if body.size_bytes is not None and partial.size_bytes < body.size_bytes:
        raise ServiceUnclear(f"the download broke off after {partial.size_bytes} of {body.size_bytes} bytes")


class _Partial:
    """A download as it grows; methods that touch the disk may raise OSError.

    Next to a file that can be continued is a note of its version and length. It is written last and removed
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
        make_own_folder(path.parent)
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
        """Take a chunk into memory; returns how many bytes are waiting."""
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
        """Close the file so that a later attempt can continue it; where that fails, it will start over."""
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
        note = parse_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, NotJson):
        note = None
    path.unlink(missing_ok=True)
    match note:
        case {"tag": str(tag), "size_bytes": int(size_bytes)}:
            return tag if partial.is_file() and partial.stat().st_size == size_bytes else None
    return None
