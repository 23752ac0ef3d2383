"""A finished clip over HTTP: whole or in part, so that a download that was cut off can continue.

The store states the clip's checksums with every answer, those of the whole file with a part of it, too.
Sources: Alibaba Cloud, "GetObject" and "Check data integrity by using CRC-64".
"""

import base64
import lzma
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import Any

import anyio
from starlette.responses import Response, StreamingResponse

from kfpipe.emulator.film.scene import Film

CRC64, MD5 = "x-oss-hash-crc64ecma", "Content-MD5"
CHECKSUMS = (CRC64, MD5, "ETag")
"""The headers that tell a file's content from any other."""

_CHUNK_BYTES = 64 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiling:
    """What a scripted fault does to a body on its way; nothing by default."""

    bytes_per_second: int | None = None
    corrupt: range = range(0)  # the bytes of the file that arrive turned


@dataclass(frozen=True, slots=True)
class _Part:
    start: int
    stop: int


def response(film: Film, headers: Mapping[str, str], spoiling: Spoiling) -> Response:
    """200 with the whole clip, 206 with one range of it, or 416. Several ranges at once get the whole."""
    etag, modified = f'"{film.md5}"', formatdate(film.made_at, usegmt=True)
    common = {"ETag": etag, "Last-Modified": modified, "Accept-Ranges": "bytes", "Content-Type": "video/mp4"}
    common |= {"x-oss-object-type": "Normal", CRC64: _crc64(_Content(film.md5, film.path)), MD5: _base64(film.md5)}
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
    first = max(spoiling.corrupt.start - position, 0)
    last = min(spoiling.corrupt.stop - position, len(chunk))
    return chunk if first >= last else chunk[:first] + bytes(byte ^ 0xFF for byte in chunk[first:last]) + chunk[last:]


def _base64(md5: str) -> str:
    return base64.b64encode(bytes.fromhex(md5)).decode()


_XZ: dict[str, Any] = {
    "check": lzma.CHECK_CRC64,
    "filters": [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 12, "nice_len": 4, "depth": 1}],
}
_XZ_FOOTER_BYTES = 12


@dataclass(frozen=True, slots=True)
class _Content:
    """A file's bytes, which are the same wherever they lie: emulators of one process often deliver the same clips."""

    md5: str
    path: Path = field(compare=False)


@lru_cache(maxsize=1 << 10)
def _crc64(content: _Content) -> str:
    """The file's CRC-64, which is the checksum that an .xz file carries: it stands right before the index."""
    packed = lzma.compress(content.path.read_bytes(), lzma.FORMAT_XZ, **_XZ)
    index_bytes = (int.from_bytes(packed[-8:-4], "little") + 1) * 4
    end = len(packed) - _XZ_FOOTER_BYTES - index_bytes
    return str(int.from_bytes(packed[end - 8 : end], "little"))
