"""Whether a picture's file is whole. Decoders are lenient: they show half a picture and leave the rest grey."""

from __future__ import annotations

import io
import re
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from PIL import Image

_PNG_HEADER_BYTES: Final = 8
_RIFF_HEADER_BYTES: Final = 12
_ENDS_EARLY: Final = "it ends before the picture does"
_ZEROS: Final = "its end is nothing but zeros"


def flaw(content: bytes, kind: str) -> str | None:
    """What is wrong with the file of a picture of this format, which could be decoded; None when it is whole."""
    check = _CHECKS.get(kind)
    return None if check is None else check(content)


# ---- PNG -------------------------------------------------------------------------------------------------------------


def _png_flaw(content: bytes) -> str | None:
    """Each chunk has a checksum; decoders compare few of them. What follows the last chunk does not count."""
    at = _PNG_HEADER_BYTES
    while (start := at + 8) <= len(content):
        end = start + int.from_bytes(content[at : at + 4])
        if content[end : end + 4] != zlib.crc32(content[at + 4 : end]).to_bytes(4):
            return _ENDS_EARLY if end + 4 > len(content) else "a checksum in it is wrong"
        if content[at + 4 : start] == b"IEND":
            return None
        at = end + 4
    return _ENDS_EARLY


# ---- WebP ------------------------------------------------------------------------------------------------------------

_LEAST_ZEROS: Final = 64
_ZEROS_PART: Final = 8
"""An eighth of a picture in zeros is none: a plain picture of one colour ends with a twentieth."""


def _webp_flaw(content: bytes) -> str | None:
    size_bytes = int.from_bytes(content[4:8], "little") + 8
    if size_bytes > len(content) + 1:  # a byte of padding at the very end is often left out
        return _ENDS_EARLY
    pixels = content[_RIFF_HEADER_BYTES:size_bytes]
    zeros = len(pixels) - len(pixels.rstrip(b"\0"))
    return _ZEROS if zeros > max(_LEAST_ZEROS, len(pixels) // _ZEROS_PART) else None


# ---- JPEG ------------------------------------------------------------------------------------------------------------

_END: Final = 0xD9
_ALONE: Final = frozenset([0x01, 0xD8])
"""Markers that stand alone; all others begin a segment that says how long it is."""

_MARKER: Final = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
"""What ends the coded pixels: no stuffed byte, no restart. Source: ITU-T T.81, B.1.1."""

_OTHERWISE: Final = b"\x55"
_A_FEW: Final = 16
_GREY: Final = 128


def _jpeg_flaw(content: bytes) -> str | None:
    """The end must be marked in the picture itself: a preview inside it has one of its own, and so may what follows."""
    at = 2
    while (marker := _MARKER.search(content, at)) is not None:
        at, code = marker.end(), marker[1][0]
        if code == _END:
            return _scan_flaw(content, marker.start())
        at += 0 if code in _ALONE else int.from_bytes(content[at : at + 2])
    return _ZEROS if content.endswith(bytes(_LEAST_ZEROS)) else _ENDS_EARLY


def _scan_flaw(content: bytes, end: int) -> str | None:
    """Zeros before the end may be what a plain area comes to, and a last corner of plain grey may be what there was.

    Then the picture needs all of the zeros, and nothing more.
    """
    zeros = end - len(content[:end].rstrip(b"\0"))
    if zeros < _LEAST_ZEROS and not _ends_grey(content):
        return None
    pixels = _pixels(content)

    def are_read(start: int) -> bool:
        return _pixels(content[:start] + _OTHERWISE * (end - start) + content[end:]) != pixels

    if _pixels(content[:end] + _OTHERWISE * _A_FEW + content[end:]) != pixels:
        return _ENDS_EARLY
    is_too_long = zeros >= _LEAST_ZEROS and are_read(end - zeros + 1) and not are_read(end - _A_FEW)
    return _ZEROS if is_too_long else None


def _ends_grey(content: bytes) -> bool:
    """Whether the last corner is as a decoder leaves it that has run out of data, seen in an eighth of the size."""
    with _jpeg(content) as picture:
        picture.draft(picture.mode, (1, 1))
        corner = picture.convert("RGB").getpixel((-1, -1))
    return isinstance(corner, tuple) and all(abs(shade - _GREY) <= 1 for shade in corner)


def _pixels(content: bytes) -> bytes:
    with _jpeg(content) as picture:
        return picture.tobytes()


@contextmanager
def _jpeg(content: bytes) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
            yield picture


_CHECKS: Final[Mapping[str, Callable[[bytes], str | None]]] = {
    "PNG": _png_flaw,
    "JPEG": _jpeg_flaw,
    "WEBP": _webp_flaw,
}
