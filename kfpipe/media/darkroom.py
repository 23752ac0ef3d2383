"""A still as a recipe wants it: turned upright, laid on a background, scaled, in a format that is taken."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageOps

from kfpipe.media import stills
from kfpipe.media.facts import Recipe, Still
from kfpipe.media.stills import StillUnreadable

ROOM_BYTES: Final = 7_000_000
"""What a prepared picture may have, unless its original has more: below the limit of every model."""

_QUALITIES: Final = (95, 90, 85, 75)
_FULL_COLOUR: Final = 0
"""JPEG with as many colours as pixels: a second compression is not seen."""

_SUFFIXES: Final = {"PNG": ".png", "JPEG": ".jpg"}
_JPEG_MODES: Final = frozenset(["L", "RGB", "CMYK"])
_PNG_MODES: Final = frozenset(["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Developed:
    """A finished picture as a file's content, what it is, and the ending of its name."""

    content: bytes
    still: Still
    suffix: str


def developed(original: Path, sha256: str, recipe: Recipe) -> Developed:
    """What the recipe makes of the file, whose bytes must still be those of the digest.

    Profiles stay, all other data about the picture goes, the rotation tag among it. Raises StillUnreadable, OSError.
    """
    source = original.read_bytes()
    if hashlib.sha256(source).hexdigest() != sha256:
        raise StillUnreadable("changed while it was read", fix="run the command again")
    with stills.loaded(source) as picture:
        is_photo = picture.format in ("JPEG", "MPO")
        profile = picture.info.get("icc_profile")
        finished, limit_bytes = _finished(picture, recipe, max(len(source), ROOM_BYTES))
        content, suffix = _written(finished, limit_bytes, is_photo=is_photo, profile=profile)
    still = Still(facts=stills.facts(content), sha256=hashlib.sha256(content).hexdigest())
    return Developed(content=content, still=still, suffix=suffix)


def _finished(picture: Image.Image, recipe: Recipe, limit_bytes: int) -> tuple[Image.Image, int]:
    """The picture after all verbs, and the bytes it may have."""
    for word in recipe:
        match word.split():
            case ["upright"]:
                picture = ImageOps.exif_transpose(picture)
            case ["flatten", background]:
                picture = _flattened(picture, background)
    return picture, limit_bytes


def _flattened(picture: Image.Image, background: str) -> Image.Image:
    """The picture without transparency, as it looks on a sheet of this colour."""
    above = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", above.size, background), above).convert("RGB")


def _written(picture: Image.Image, limit_bytes: int, *, is_photo: bool, profile: bytes | None) -> tuple[bytes, str]:
    """The first of the ways to write it that fits, else the smallest: a photo as JPEG, all else without any loss."""
    kind, content = "PNG", b""
    for kind, options in _ways(picture, is_photo=is_photo):
        content = _encoded(picture, kind, {**options, "icc_profile": profile})
        if len(content) <= limit_bytes:
            break
    return content, _SUFFIXES[kind]


def _ways(picture: Image.Image, *, is_photo: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    if not is_photo:
        yield "PNG", {}
    if not picture.has_transparency_data:
        for quality in _QUALITIES:
            yield "JPEG", {"quality": quality, "subsampling": _FULL_COLOUR}


def _encoded(picture: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    modes = _JPEG_MODES if kind == "JPEG" else _PNG_MODES
    fit = picture if picture.mode in modes else stills.in_rgb(picture)
    buffer = io.BytesIO()
    fit.save(buffer, kind, exif=b"", **options)
    return buffer.getvalue()
