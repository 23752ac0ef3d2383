"""Downloading a finished clip: resumed where it broke off, checked, and put in place without losing an older one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final

import anyio

from kfpipe.errors import BadRender, NotAVideo, ServiceUnclear
from kfpipe.files import durable
from kfpipe.files.durable import storage
from kfpipe.files.jsontext import NotJson, parse_json
from kfpipe.files.read import first_bytes
from kfpipe.media.facts import ClipFacts, Expected
from kfpipe.media.placement import in_thread, make_own_folder, place, refuse, refuse_outside
from kfpipe.provider import Body, Provider
from kfpipe.provider.checksums import Checksum

LARGEST_BYTES_PER_SECOND: Final = 16 << 20
"""Of a clip; more than ten times what H.264 needs at the largest size on offer. An endless body ends here."""

_WRITE_BYTES: Final = 256 << 10
"""Chunks are gathered up to this before a thread is asked to write them."""

_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedClip(ClipFacts):
    """A clip whose bytes are proven whole, in its place. `is_vouched`: they have the checksum that the store states."""

    sha256: str
    size_bytes: int
    is_vouched: bool


class Disputed(BadRender):
    """All that speaks against a file is a tag that may be no checksum; `sha256` is what arrived."""

    def __init__(self, reason: str, *, sha256: str) -> None:
        self.sha256 = sha256
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to come, and where to.

    `target` and `partial` must be on one disk. `with_all`: a clip counts as whole only when it was decoded to its last
    picture. `keep_refused`: what arrived complete and cannot be read is kept. `believed` are the digests of files that
    arrived before just as they do now, whatever the store's tag of them may mean. `is_first`: nobody has tried before,
    so that there is nothing to continue from. Where there is a `root`, nothing is written outside of it.
    """

    target: Path
    partial: Path
    expected: Expected
    with_all: bool = False
    keep_refused: bool = False
    believed: frozenset[str] = frozenset()
    is_first: bool = False
    root: Path | None = None


async def fetch(provider: Provider, url: str, errand: Errand) -> FetchedClip:
    """Download the clip to `partial`, continuing where an earlier attempt broke off; prove it whole; move it to
    `target`.

    A file at `target` with other content moves to `.previous`. A whole clip that is not as expected is put in place
    like any other, and `remarks` say what is unexpected.

    Raises `BadRender` when this is no whole clip, and then the next attempt starts over; `Disputed` when all that
    speaks against it is a tag that may be no checksum; StorageFailed; and whatever the provider raises, with
    `ServiceUnclear` for a body that ends early: the next attempt continues from there. With `keep_refused`, which is
    meant for the last attempt, a file that arrived complete is not deleted when it cannot be read: it moves to
    `.refused`, and `NotAVideo` says where it is.
    """
    partial = _Partial(errand) if errand.is_first else await in_thread(errand.partial, _Partial.found, errand)
    try:
        async with provider.download(url, offset_bytes=partial.size_bytes, tag=partial.tag) as body:
            await _receive(body, partial, errand.partial, max(errand.expected.lengths_s) * LARGEST_BYTES_PER_SECOND)
        return await in_thread(errand.partial, _delivered, partial, body, errand)
    except BadRender:
        await in_thread(errand.partial, partial.discard)
        raise
    except BaseException:
        with anyio.CancelScope(shield=True):
            await in_thread(errand.partial, partial.keep)
        raise


def _delivered(partial: _Partial, body: Body, errand: Errand) -> FetchedClip:
    """The file that was received to its end, on the disk, proven whole and put in its place: all in one thread."""
    partial.finish()
    sha256 = _digest(errand.partial)
    try:
        is_vouched = _is_vouched(errand, body.checksum, sha256)
        facts = _proven(errand)
    except BadRender as refusal:
        if errand.keep_refused and body.size_bytes is not None and not _is_page(errand.partial):
            with storage(errand.target):
                kept = refuse(errand.partial, errand.target, sha256)
            raise NotAVideo(str(refusal), path=kept, sha256=sha256) from refusal
        if isinstance(refusal, NotAVideo):
            raise BadRender(str(refusal)) from refusal  # without a path: nothing is left there
        raise
    with storage(errand.target):
        if errand.root is not None:
            refuse_outside(errand.target.parent, errand.root)
        place(errand.partial, errand.target, sha256)
    return FetchedClip(**asdict(facts), sha256=sha256, size_bytes=partial.size_bytes, is_vouched=is_vouched)


def _is_vouched(errand: Errand, checksum: Checksum | None, sha256: str) -> bool:
    """Whether the file has the checksum that the store states; false where that says nothing of its bytes.

    Raises `BadRender`, `Disputed`.
    """
    if checksum is None or sha256 in errand.believed:
        return False
    with errand.partial.open("rb") as file:
        if checksum.agrees(_pieces(file)):
            return True
    reason = f"the file does not have the {checksum.kind} that the store states"
    raise BadRender(reason) if checksum.is_certain else Disputed(reason, sha256=sha256)


def _proven(errand: Errand) -> ClipFacts:
    """What the clip holds. Raises `BadRender` when it is not whole."""
    from kfpipe.media import video  # PyAV is slow to load, and only a clip that is here needs it

    if errand.with_all:
        return video.examine(errand.partial, errand.expected).facts
    return video.prove(errand.partial, errand.expected)


def _is_page(path: Path) -> bool:
    """Whether this is a page of some gateway between here and the store, which has the clip still."""
    return first_bytes(path, 256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in _pieces(file):
            digest.update(piece)
    return digest.hexdigest()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_READ_BYTES):
        yield piece


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

    def __init__(self, errand: Errand, *, tag: str | None = None, size_bytes: int = 0) -> None:
        """Continued from there where it has a tag; else it begins as an empty file. Opened when there is a need."""
        self.tag = tag
        self.size_bytes = size_bytes
        self._gathered = bytearray()
        self._errand = errand
        self._path = errand.partial
        self._mode = "wb" if tag is None else "ab"
        self._file: IO[bytes] | None = None

    @classmethod
    def found(cls, errand: Errand) -> _Partial:
        """What an earlier attempt has left, if it can be continued; else an empty file."""
        _clear_the_way(errand)
        tag = _take_note(errand.partial)
        return cls(errand) if tag is None else cls(errand, tag=tag, size_bytes=errand.partial.stat().st_size)

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            _clear_the_way(self._errand)
            _note_path(self._path).unlink(missing_ok=True)
            self._file = self._path.open(self._mode)
        return self._file

    def restart(self) -> None:
        file = self._opened()
        file.seek(0)
        file.truncate()
        self.size_bytes = 0

    def gather(self, chunk: bytes) -> int:
        """Take a chunk into memory; returns how many bytes are waiting."""
        self._gathered += chunk
        self.size_bytes += len(chunk)
        return len(self._gathered)

    def write(self) -> None:
        self._opened().write(self._gathered)
        self._gathered.clear()

    def finish(self) -> None:
        """Return when everything is on the disk."""
        self.write()
        file = self._opened()
        file.flush()
        durable.sync(file.fileno())
        file.close()

    def keep(self) -> None:
        """Close the file so that a later attempt can continue it; where that fails, it will start over."""
        with suppress(OSError, ValueError):  # it is closed already once it was received to its end
            self.finish()
            if self.tag is not None:
                note = {"tag": self.tag, "size_bytes": self.size_bytes}
                _note_path(self._path).write_text(json.dumps(note), encoding="utf-8")
        self._close()

    def discard(self) -> None:
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


def _clear_the_way(errand: Errand) -> None:
    """Have a folder for the partial file, and no link in its place."""
    if errand.root is not None:
        refuse_outside(errand.partial.parent, errand.root)
    make_own_folder(errand.partial.parent)
    if errand.partial.is_symlink():
        errand.partial.unlink()


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
