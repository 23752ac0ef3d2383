"""How much two pictures look alike: the structural similarity (SSIM) of their luma at 256 pixels of width.

Windows of 8 by 8 pixels, every 4 pixels, all of one weight. Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality
assessment: from error visibility to structural similarity", IEEE Transactions on Image Processing 13 (4), 2004.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

WIDTH_PX: Final = 256
_STRIDE_PX: Final = 4
_PIXELS: Final = 64
_LUMA: Final = (0.01 * 255) ** 2
_CONTRAST: Final = (0.03 * 255) ** 2
"""They keep flat windows from dividing by nothing. Source: the same paper, with K1 = 0.01 and K2 = 0.03."""

_Sums = tuple[int, int, int, int]
"""Of a block: of one picture, of the other, of both squared, of their product."""


def of_still(picture: Image.Image, still: Path) -> Decimal:
    """How much a clip's picture looks like the still that it was asked for, which is scaled to its shape.

    1.00 means the same, two decimals. Raises OSError and whatever Pillow raises for a file that is no picture.
    """
    own = luma(picture)
    with Image.open(still) as file:
        asked = ImageOps.exif_transpose(file).convert("RGB").convert("L").resize(own.size, Image.Resampling.LANCZOS)
    return Decimal(round(similarity(own, asked) * 100)).scaleb(-2)


def luma(picture: Image.Image) -> Image.Image:
    """The picture in shades of grey, 256 pixels wide, at least a window high."""
    height = max(2 * _STRIDE_PX, round(WIDTH_PX * picture.height / picture.width))
    return picture.convert("L").resize((WIDTH_PX, height), Image.Resampling.LANCZOS)


def similarity(one: Image.Image, other: Image.Image) -> float:
    """The mean similarity of two grey pictures of one size, from -1 to 1; what a window does not fill is left out."""
    rows = list(_rows(one.tobytes(), other.tobytes(), *one.size))
    found = [
        _of_window(*(sum(part) for part in zip(*blocks, strict=True)))
        for above, below in pairwise(rows)
        for blocks in zip(above, above[1:], below, below[1:], strict=False)
    ]
    return sum(found) / len(found)


def _rows(one: bytes, other: bytes, width: int, height: int) -> Iterator[list[_Sums]]:
    """The sums of the blocks of 4 by 4 pixels, row by row; four of them make a window."""
    for top in range(0, height - _STRIDE_PX + 1, _STRIDE_PX):
        starts = range(top * width, (top + _STRIDE_PX) * width, width)
        yield [
            _sums(
                b"".join(one[start + left : start + left + _STRIDE_PX] for start in starts),
                b"".join(other[start + left : start + left + _STRIDE_PX] for start in starts),
            )
            for left in range(0, width - _STRIDE_PX + 1, _STRIDE_PX)
        ]


def _sums(one: bytes, other: bytes) -> _Sums:
    squares = sum(a * a for a in one) + sum(b * b for b in other)
    return sum(one), sum(other), squares, sum(a * b for a, b in zip(one, other, strict=True))


def _of_window(one: int, other: int, squares: int, products: int) -> float:
    mean, other_mean = one / _PIXELS, other / _PIXELS
    means = mean * mean + other_mean * other_mean
    shared = products / _PIXELS - mean * other_mean
    spread = squares / _PIXELS - means
    alike_in_luma = (2 * mean * other_mean + _LUMA) / (means + _LUMA)
    return alike_in_luma * (2 * shared + _CONTRAST) / (spread + _CONTRAST)
