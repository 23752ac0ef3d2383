"""A finished clip over HTTP: whole or in part, so that a download that was cut off can continue."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate

import anyio
from starlette.responses import Response, StreamingResponse

from kfpipe.emulator.film.scene import Film

_CHUNK_BYTES = 64 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiling:
    """What a scripted fault does to a body on its way; nothing by default."""

    bytes_per_second: int | None = None
    corrupt_at_byte: int | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    start: int
    stop: int


def response(film: Film, headers: Mapping[str, str], spoiling: Spoiling) -> Response:
    """200 with the whole clip, 206 with one range of it, or 416. Several ranges at once get the whole."""
    etag, modified = f'"{film.md5}"', formatdate(film.made_at, usegmt=True)
    common = {"ETag": etag, "Last-Modified": modified, "Accept-Ranges": "bytes", "Content-Type": "video/mp4"}
    part: _Part | None = None
    if headers.get("if-range", etag) in (etag, modified):
        part = _part(headers.get("range", ""), film.size_bytes)
    if part is None:
        return _streamed(film, _Part(0, film.size_bytes), 200, common, spoiling)
    if part.start >= part.stop:
        return Response(status_code=416, headers={**common, "Content-Range": f"bytes */{film.size_bytes}"})
    common["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{film.size_bytes}"
    return _streamed(film, part, 206, common, spoiling)


def _part(header: str, size: int) -> _Part | None:
    """The range a header asks for, empty if it is outside; None if it cannot be read."""
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(0) == "bytes=-":
        return None
    start, end = match.groups()
    if not start:
        return _Part(max(0, size - int(end)), size)
    return _Part(int(start), min(size, int(end) + 1) if end else size)


def _streamed(film: Film, part: _Part, status: int, headers: Mapping[str, str], spoiling: Spoiling) -> Response:
    length = {"Content-Length": str(part.stop - part.start)}
    return StreamingResponse(_chunks(film, part, spoiling), status, {**headers, **length})


async def _chunks(film: Film, part: _Part, spoiling: Spoiling) -> AsyncIterator[bytes]:
    chunk_bytes = _CHUNK_BYTES if spoiling.bytes_per_second is None else max(1, spoiling.bytes_per_second // 10)
    position = part.start
    with film.path.open("rb") as file:
        file.seek(position)
        while chunk := file.read(min(chunk_bytes, part.stop - position)):
            yield _spoiled(chunk, position, spoiling)
            position += len(chunk)
            if spoiling.bytes_per_second is not None:
                await anyio.sleep(len(chunk) / spoiling.bytes_per_second)


def _spoiled(chunk: bytes, position: int, spoiling: Spoiling) -> bytes:
    at = spoiling.corrupt_at_byte
    if at is None or not position <= at < position + len(chunk):
        return chunk
    index = at - position
    return chunk[:index] + bytes([chunk[index] ^ 0xFF]) + chunk[index + 1 :]
