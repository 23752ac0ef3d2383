"""A still as a recipe wants it: turned upright, laid on a background, scaled, in a format that is taken."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageCms, ImageOps

from kfpipe.media import stills
from kfpipe.media.facts import Recipe, Still
from kfpipe.media.stills import StillUnreadable

ROOM_BYTES: Final = 7_000_000
"""What a prepared picture may have, unless its original has more: below the limit of every model."""

_QUALITIES: Final = (95, 90, 85, 75)
_FULL_COLOUR: Final = 0
"""JPEG with as many colours as pixels: a second compression is not seen."""

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture of each orientation upright. Source: EXIF 2.3, tag 0112."""

_SMALLER: Final = 0.85
_SCALED_MODES: Final = frozenset(["L", "RGB", "RGBA", "CMYK"])
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
        content, suffix = _finished(picture, recipe, max(len(source), ROOM_BYTES))
    still = Still(facts=stills.facts(content), sha256=hashlib.sha256(content).hexdigest())
    return Developed(content=content, still=still, suffix=suffix)


def _finished(picture: Image.Image, recipe: Recipe, limit_bytes: int) -> tuple[bytes, str]:
    """The picture after all verbs as a file's content, and the ending of its name."""
    is_photo, profile = picture.format in ("JPEG", "MPO"), picture.info.get("icc_profile")
    least_px = None
    for word in recipe:
        match word.split():
            case ["convert"]:
                picture, profile = _for_screens(picture, profile)
            case ["upright"]:
                picture = _upright(picture)
            case ["flatten", background]:
                picture = _flattened(picture, background)
            case ["resize", sides, most_bytes]:
                least_px, most_px = map(int, sides.split("-"))
                picture, limit_bytes = _in_range(picture, least_px, most_px), min(limit_bytes, int(most_bytes))
    content, suffix = _written(picture, limit_bytes, is_photo=is_photo, profile=profile)
    while least_px is not None and len(content) > limit_bytes and min(picture.size) * _SMALLER >= least_px:
        picture = ImageOps.scale(picture, _SMALLER)
        content, suffix = _written(picture, limit_bytes, is_photo=is_photo, profile=profile)
    return content, suffix


def _upright(picture: Image.Image) -> Image.Image:
    turn = _TURNS.get(stills.orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _for_screens(picture: Image.Image, profile: bytes | None) -> tuple[Image.Image, bytes | None]:
    """The picture in colours for screens, and its profile; that of colours of print is used up in turning them."""
    if picture.mode != "CMYK":
        return picture, profile
    if profile is not None:
        with suppress(ImageCms.PyCMSError, OSError):
            screen = ImageCms.createProfile("sRGB")
            found = ImageCms.profileToProfile(picture, io.BytesIO(profile), screen, outputMode="RGB")
            if found is not None:
                return found, None
    return picture.convert("RGB"), None


def _in_range(picture: Image.Image, least_px: int, most_px: int) -> Image.Image:
    """Scaled so that the shorter side is long enough, or the longer one short enough; never both."""
    short, long = sorted(picture.size)
    if least_px <= short and long <= most_px:
        return picture
    sides = [side * least_px / short if short < least_px else side * most_px / long for side in picture.size]
    plain = (
        picture
        if picture.mode in _SCALED_MODES
        else picture.convert("RGBA")
        if picture.has_transparency_data
        else stills.in_rgb(picture)
    )
    return plain.resize((round(sides[0]), round(sides[1])), Image.Resampling.LANCZOS)


def _flattened(picture: Image.Image, background: str) -> Image.Image:
    """The picture without transparency, as it looks on a sheet of this colour."""
    above = (stills.in_rgb(picture) if picture.mode.startswith("I") else picture).convert("RGBA")
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
    bare = fit.copy()
    bare.info = {name: value for name, value in fit.info.items() if name == "transparency"}
    buffer = io.BytesIO()
    bare.save(buffer, kind, **options)
    return buffer.getvalue()
