"""A clip's pictures, decoded: as a PNG with a digest of what was decoded, and as a poster."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Colorspace, Interpolation
from PIL import Image

from kfpipe.domain import FrameEnd
from kfpipe.lock.states import Fidelity
from kfpipe.media import likeness, video
from kfpipe.media.stills import UNDECODABLE

POSTER_PX: Final = (480, 1080)
"""The sides of a poster at most."""

_POSTER_QUALITY: Final = 82

UNDRAWN: Final = (FFmpegError, *UNDECODABLE)
"""What may come of a clip that plays and a still that has changed since: no picture of it, and no harm to the clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """`png` is the picture in RGB. `sha256` is the digest, in hex, of the planes as they were decoded."""

    png: bytes
    width_px: int
    height_px: int
    sha256: str


def cut(clip: Path, end: FrameEnd) -> Picture:
    """The clip's first or last picture. Raises `BadRender` for a clip that cannot be decoded, OSError."""
    frame = video.picture(clip, end)
    return Picture(png=_png(frame), width_px=frame.width, height_px=frame.height, sha256=_digest(frame))


def greys(glimpse: video.Glimpse) -> dict[FrameEnd, Image.Image]:
    """The clip's first and last pictures as they are compared; one that cannot be drawn is left out."""
    drawn: dict[FrameEnd, Image.Image] = {}
    for end, frame in ((FrameEnd.FIRST, glimpse.first), (FrameEnd.LAST, glimpse.last)):
        with suppress(*UNDRAWN):
            drawn[end] = grey(frame)
    return drawn


def grey(frame: VideoFrame) -> Image.Image:
    """The picture as it is compared with others, small and in shades of grey."""
    return likeness.luma(rgb(frame, likeness.compared_px(frame.width, frame.height)))


def fidelity(ends: Mapping[FrameEnd, Image.Image], stills: Mapping[FrameEnd, Path]) -> Fidelity:
    """How much a clip with these ends (see `greys`) looks like the stills; None for one that cannot be read."""
    found: dict[FrameEnd, Decimal] = {}
    for end, still in stills.items():
        with suppress(KeyError, Image.DecompressionBombError, *UNDRAWN):
            found[end] = likeness.of_still(ends[end], still)
    return Fidelity(first=found.get(FrameEnd.FIRST), last=found.get(FrameEnd.LAST))


def poster(frame: VideoFrame) -> bytes:
    """The picture as a small JPEG."""
    buffer = io.BytesIO()
    rgb(frame, _within(POSTER_PX, frame)).save(buffer, "JPEG", quality=_POSTER_QUALITY, optimize=True)
    return buffer.getvalue()


def _within(most: tuple[int, int], frame: VideoFrame) -> tuple[int, int]:
    """The sides of the picture in its shape, where they are longer than that."""
    part = min(1.0, *(limit / side for limit, side in zip(most, (frame.width, frame.height), strict=True)))
    return max(1, round(frame.width * part)), max(1, round(frame.height * part))


def _png(frame: VideoFrame) -> bytes:
    buffer = io.BytesIO()
    rgb(frame).save(buffer, "PNG")
    return buffer.getvalue()


def rgb(frame: VideoFrame, size: tuple[int, int] | None = None) -> Image.Image:
    """The picture in RGB, rounded to nearest: the usual fast conversion is darker by up to 2 of 255.

    It is scaled to `size`, if given, while it is still in planes, by FFmpeg: that takes a fraction of the time.
    """
    if size is None:
        even = frame.reformat(format="yuv420p")
    else:
        even = frame.reformat(*size, format="yuv444p", interpolation=Interpolation.LANCZOS)
    luma, *chroma = (_plane(plane) for plane in even.planes)
    wide = (
        plane if plane.size == luma.size else plane.resize(luma.size, Image.Resampling.BILINEAR) for plane in chroma
    )
    is_hd = frame.colorspace == Colorspace.ITU709
    return Image.merge("RGB", (luma, *wide)).convert("RGB", _BT709 if is_hd else _BT601)


def _plane(plane: VideoPlane) -> Image.Image:
    return Image.frombuffer("L", (plane.width, plane.height), bytes(plane), "raw", "L", plane.line_size, 1)


def _to_rgb(red: float, green_blue: float, green_red: float, blue: float) -> tuple[float, ...]:
    """Rows of (Y, Cb, Cr, constant) for red, green and blue, from video range to full range."""
    gain = 255 / 219
    rows = ((0.0, red), (-green_blue, -green_red), (blue, 0.0))
    return tuple(number for cb, cr in rows for number in (gain, cb, cr, 0.5 - 16 * gain - 128 * (cb + cr)))


_BT601: Final = _to_rgb(1.596027, 0.391762, 0.812968, 2.017232)
_BT709: Final = _to_rgb(1.792741, 0.213249, 0.532909, 2.112402)
"""How luma and colour differences make red, green and blue. Source: ITU-R BT.601 and BT.709."""


def _digest(frame: VideoFrame) -> str:
    """SHA-256 of the picture's planes, without the padding that decoders add to their rows."""
    digest = hashlib.sha256(f"{frame.format.name} {frame.width}x{frame.height}".encode())
    for plane in frame.planes:
        rows = memoryview(plane)
        for row in range(plane.height):
            start = row * plane.line_size
            digest.update(rows[start : start + plane.width])
    return digest.hexdigest()
