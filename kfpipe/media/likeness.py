"""How much two pictures look alike: the structural similarity (SSIM) of their luma at 256 pixels of width.

Windows of 8 by 8 pixels, every 4 pixels, all of one weight. Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality
assessment: from error visibility to structural similarity", IEEE Transactions on Image Processing 13 (4), 2004.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageMath, ImageOps

WIDTH_PX: Final = 256
_STRIDE_PX: Final = 4
_LUMA: Final = (0.01 * 255) ** 2
_CONTRAST: Final = (0.03 * 255) ** 2
"""They keep flat windows from dividing by nothing. Source: the same paper, with K1 = 0.01 and K2 = 0.03."""


def of_still(picture: Image.Image, still: Path) -> Decimal:
    """How much a clip's picture looks like the still that it was asked for, which is scaled to its shape.

    1.00 means the same, two decimals. Raises OSError and whatever Pillow raises for a file that is no picture.
    """
    own, state = luma(picture), still.stat()
    return _rounded(_similarity(_measured(own), _of_still(still, (state.st_mtime_ns, state.st_size), own.size)))


def of_grey(one: Image.Image, other: Image.Image) -> Decimal:
    """How much two grey pictures look alike, two decimals; the other is scaled to the size of this one."""
    scaled = other if other.size == one.size else other.resize(one.size, Image.Resampling.LANCZOS)
    return _rounded(similarity(one, scaled))


def _rounded(likeness: float) -> Decimal:
    return Decimal(round(likeness * 100)).scaleb(-2)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A grey picture in floating point, and the means of its windows, of the luma and of its squares."""

    picture: Image.Image
    mean: Image.Image
    mean_of_squares: Image.Image


@lru_cache(maxsize=64)
def _of_still(still: Path, _version: tuple[int, int], size: tuple[int, int]) -> _Measured:
    """The still in shades of grey; kept, since many takes are given the same one, and to decode it takes longest."""
    with Image.open(still) as file:
        grey = ImageOps.exif_transpose(file).convert("RGB").convert("L").resize(size, Image.Resampling.LANCZOS)
    return _measured(grey)


def luma(picture: Image.Image) -> Image.Image:
    """The picture in shades of grey, 256 pixels wide, at least a window high."""
    return picture.convert("L").resize(compared_px(*picture.size), Image.Resampling.LANCZOS)


def compared_px(width: int, height: int) -> tuple[int, int]:
    """The sides of a picture of this shape when it is compared."""
    return WIDTH_PX, max(2 * _STRIDE_PX, round(WIDTH_PX * height / width))


def similarity(one: Image.Image, other: Image.Image) -> float:
    """The mean similarity of two grey pictures of one size, from -1 to 1; what a window does not fill is left out."""
    return _similarity(_measured(one), _measured(other))


def _measured(grey: Image.Image) -> _Measured:
    picture = grey.convert("F")
    return _Measured(picture, _windows(picture), _windows(_product(picture, picture)))


def _similarity(one: _Measured, other: _Measured) -> float:
    windows = {
        "x": one.mean,
        "y": other.mean,
        "xx": one.mean_of_squares,
        "yy": other.mean_of_squares,
        "xy": _windows(_product(one.picture, other.picture)),
    }
    found = array("f", _made(_of_windows, **windows).tobytes())
    return sum(found) / len(found)


def _product(one: Image.Image, other: Image.Image) -> Image.Image:
    return _made(lambda of: of["one"] * of["other"], one=one, other=other)


def _made(formula: Callable[[dict[str, Any]], Any], **pictures: Image.Image) -> Image.Image:
    made: Image.Image = ImageMath.lambda_eval(formula, **pictures)
    return made


def _windows(picture: Image.Image) -> Image.Image:
    """The mean of each window: of four blocks of 4 by 4 pixels, which lie in a square."""
    width, height = (side // _STRIDE_PX for side in picture.size)
    blocks = picture.crop((0, 0, width * _STRIDE_PX, height * _STRIDE_PX)).reduce(_STRIDE_PX)
    corners = {
        f"at{left}{top}": blocks.crop((left, top, left + width - 1, top + height - 1))
        for left, top in ((0, 0), (1, 0), (0, 1), (1, 1))
    }
    return _made(lambda of: (of["at00"] + of["at10"] + of["at01"] + of["at11"]) / 4, **corners)


def _of_windows(of: dict[str, Any]) -> Any:
    means = of["x"] * of["x"] + of["y"] * of["y"]
    shared = of["xy"] - of["x"] * of["y"]
    spread = of["xx"] + of["yy"] - means
    alike_in_luma = (of["x"] * of["y"] * 2 + _LUMA) / (means + _LUMA)
    return alike_in_luma * (shared * 2 + _CONTRAST) / (spread + _CONTRAST)
