"""What is unexpected about a clip that is whole, in words. It was paid for, so it is kept, and people decide."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from kfpipe.domain import PictureSize
from kfpipe.media.containers import ClipFormat
from kfpipe.media.facts import Expected

SIDE_TOLERANCE_PX: Final = 16
"""The service makes both sides multiples of 16; how it rounds is not certain. Source: API reference, 10.3."""

SHAPE_TOLERANCE: Final = Decimal("0.05")
"""How far the shape may be off where the model's rule for sizes is not known, and only the shape was predicted."""

SECONDS_TOLERANCE: Final = Decimal("0.5")
"""Exact lengths are not documented: 6.000 or 5.97. Source: API reference, 10.1."""

CODEC: Final = "h264"

_CODEC_NAMES: Final = {
    "h264": "H.264",
    "hevc": "HEVC",
    "av1": "AV1",
    "vp8": "VP8",
    "vp9": "VP9",
    "mpeg4": "MPEG-4 Visual",
    "prores": "ProRes",
}


def on_size(size: PictureSize, expected: Expected) -> Iterator[str]:
    """At most one remark, also where only the tier is another: its price is."""
    wanted = expected.size
    if wanted is None:
        return
    if expected.is_rough and _is_of_shape(size, wanted):
        return
    off_px = max(abs(size.width_px - wanted.width_px), abs(size.height_px - wanted.height_px))
    if off_px > SIDE_TOLERANCE_PX:
        yield f"{size.width_px}x{size.height_px} px instead of {wanted.width_px}x{wanted.height_px}"


def _is_of_shape(size: PictureSize, wanted: PictureSize) -> bool:
    quotient = Decimal(size.width_px * wanted.height_px) / Decimal(size.height_px * wanted.width_px)
    return abs(quotient - 1) <= SHAPE_TOLERANCE


def on_length(duration_s: Decimal, expected: Expected) -> Iterator[str]:
    """At most one remark."""
    if min(abs(duration_s - length_s) for length_s in expected.lengths_s) > SECONDS_TOLERANCE:
        yield f"{duration_s:f} s instead of {expected.seconds} s"


def on_make(codec: str, container: ClipFormat, videos: int) -> Iterator[str]:
    """How the file is made: `codec` is FFmpeg's name for it, `videos` the number of video streams."""
    if codec != CODEC:
        yield f"{_CODEC_NAMES.get(codec, codec)} instead of {_CODEC_NAMES[CODEC]}"
    if container is not ClipFormat.MP4:
        yield f"{container} instead of {ClipFormat.MP4}, whatever its name says"
    if videos > 1:
        yield f"{videos} video streams; the first one counts"
