"""What a picture file is, by its content: format, sides, alpha, rotation tag, and whether it is whole."""

from __future__ import annotations

import importlib
import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from PIL import ExifTags, Image, UnidentifiedImageError

from kfpipe.errors import Unusable
from kfpipe.media import kinds, wholeness
from kfpipe.media.facts import StillFacts
from kfpipe.media.kinds import FileKind

READ_FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
"""What is opened whatever it begins with, beside what `kinds` names a decoder for. Pillow knows many more, and runs a
program of the system to read some of them."""

LARGEST_BYTES: Final = 256 << 20

_SAME_FORMAT: Final = {"MPO": "JPEG", "HEIF": "HEIC"}
"""By the names that people know. MPO is a JPEG followed by a second picture, as phones write them."""

_OF_PARTS: Final = frozenset(["MPO", "TIFF", "PSD"])
"""Of their further pictures none is a moment later: a preview, a page, a layer."""

_SAVE_AGAIN: Final = "save or copy the picture again"
_ALPHA_MODES: Final = frozenset(["RGBA", "RGBa", "LA", "La", "PA"])
_DEEP_MODES: Final = ("I", "I;16", "I;16B", "I;16L", "I;16N")
UNDECODABLE: Final = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
)
"""What decoders raise for files that nobody has tried before."""

_SUBFILE_TYPE: Final = 0x00FE
_DNG_VERSION: Final = 0xC612
_REDUCED: Final = 1
"""Tags of TIFF, and what one of them says. Sources: TIFF 6.0; DNG specification 1.7."""

_PER_SHADE: Final = 0xFFFF // 0xFF
_TURNED: Final = range(2, 9)


class StillUnreadable(Unusable):
    """The file is not a picture that can be used."""

    expected = "a JPEG, PNG, BMP or WEBP picture"


def read(path: Path) -> StillFacts:
    """As `facts`, of the file at `path`. Raises StillUnreadable, OSError."""
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise StillUnreadable("is empty", fix=_SAVE_AGAIN)
    if size_bytes > LARGEST_BYTES:
        raise StillUnreadable(f"is larger than {LARGEST_BYTES >> 20} MB", fix="save it as JPEG, or scale it down")
    return facts(path.read_bytes())


def facts(content: bytes) -> StillFacts:
    """The facts of the still, which was decoded to its last pixel once. Raises StillUnreadable.

    Pillow's own limit on pixels applies (about 89 million; the largest frame a model takes has 64 million), so that a
    small file cannot fill the memory.
    """
    with loaded(content) as picture:
        found = _facts(picture, len(content))
    flaw = wholeness.flaw(content, found.format)
    if flaw is not None:
        raise StillUnreadable(f"is damaged or cut off: {flaw}", fix=_SAVE_AGAIN)
    return found


@contextmanager
def loaded(content: bytes) -> Iterator[Image.Image]:
    """The picture, with all its pixels. Raises StillUnreadable."""
    kind = kinds.foreign(content)
    if kind is not None and not _can_read(kind):
        raise StillUnreadable(f"is {kind.what}", fix=kind.fix)
    formats = READ_FORMATS if kind is None or kind.format is None else (kind.format,)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of data about the picture, which nothing here relies on
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=formats)
            picture.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise StillUnreadable("has too many pixels to be opened safely", fix="scale it down") from error
    except UNDECODABLE as error:
        raise _unreadable(content, kind, error) from error
    with picture:
        if picture.format == "TIFF" and _is_raw(picture):
            raise StillUnreadable(f"is {kinds.RAW.what}", fix=kinds.RAW.fix)
        yield picture


def _can_read(kind: FileKind) -> bool:
    """Whether there is a decoder for it here; that of HEIC is an extra, and made known to Pillow when it is needed."""
    if kind.format == "HEIF":
        with suppress(ImportError):
            importlib.import_module("pillow_heif").register_heif_opener()
    Image.init()
    return kind.format in Image.OPEN


def _is_raw(picture: Image.Image) -> bool:
    """Whether it is only the preview of what a camera has recorded: raw pictures are TIFF files, too."""
    tags = getattr(picture, "tag_v2", {})
    return _DNG_VERSION in tags or bool(tags.get(_SUBFILE_TYPE, 0) & _REDUCED)


def _unreadable(content: bytes, kind: FileKind | None, error: Exception) -> StillUnreadable:
    if kind is not None:
        return StillUnreadable(f"is {kind.what}, and cannot be decoded", fix=kinds.SAVE_AS)
    if not isinstance(error, UnidentifiedImageError):
        return StillUnreadable("is damaged or cut off", fix=_SAVE_AGAIN)
    if kinds.is_sendable(content):
        return StillUnreadable("is damaged or cut off: it begins as a picture does", fix=_SAVE_AGAIN)
    return StillUnreadable("is not a picture", fix="check the path")


def in_rgb(picture: Image.Image) -> Image.Image:
    """The picture in RGB; 16 bits of grey are scaled to 8, where Pillow would take all but the darkest for white."""
    if picture.mode not in _DEEP_MODES:
        return picture.convert("RGB")
    return picture.convert("I").point(lambda grey: grey / _PER_SHADE + 0.5).convert("L").convert("RGB")


def _facts(picture: Image.Image, size_bytes: int) -> StillFacts:
    kind = _SAME_FORMAT.get(picture.format or "", picture.format or "unknown")
    return StillFacts(
        format=kind,
        mime_type=Image.MIME.get(kind, "application/octet-stream"),
        width_px=picture.width,
        height_px=picture.height,
        size_bytes=size_bytes,
        alpha=picture.mode in _ALPHA_MODES or "transparency" in picture.info,
        animated=picture.format not in _OF_PARTS and getattr(picture, "n_frames", 1) > 1,
        orientation=orientation(picture),
        cmyk=picture.mode == "CMYK",
    )


def orientation(picture: Image.Image) -> int:
    """The rotation tag, wherever it is written; 1 for none, and for one that no viewer heeds."""
    try:
        tag = picture.getexif().get(ExifTags.Base.Orientation)
    except UNDECODABLE:
        return 1
    return tag if isinstance(tag, int) and tag in _TURNED else 1
