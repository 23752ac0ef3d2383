"""Pictures the way a video encoder wants them: brightness and two half-sized colour planes, in video range.

Planes hold half the bytes of an RGB picture, so that moving and blending them costs half as much, and they go
into the encoder as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import av
from PIL import Image

# BT.601 in video range, which every player assumes when nothing else is said.
_LUMA = [round(16 + value * 219 / 255) for value in range(256)]
_CHROMA = [round(128 + (value - 128) * 224 / 255) for value in range(256)]
_WHITE = 235

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Planes:
    luma: Image.Image
    blue: Image.Image
    red: Image.Image

    @property
    def size(self) -> tuple[int, int]:
        return self.luma.size


@dataclass(frozen=True, slots=True)
class Stamp:
    """White lettering at a fixed place; the mask carries its opacity."""

    mask: Image.Image
    left_px: int
    top_px: int


def from_picture(picture: Image.Image) -> Planes:
    """The planes of an RGB picture with even sides."""
    luma, blue, red = picture.convert("YCbCr").split()
    return Planes(luma.point(_LUMA), blue.point(_CHROMA).reduce(2), red.point(_CHROMA).reduce(2))


def blend(one: Planes, other: Planes, weight: float) -> Planes:
    """`one` at weight 0, `other` at weight 1."""
    if weight <= 0 or one is other:
        return one
    if weight >= 1:
        return other
    return Planes(
        Image.blend(one.luma, other.luma, weight),
        Image.blend(one.blue, other.blue, weight),
        Image.blend(one.red, other.red, weight),
    )


def zoomed(planes: Planes, box: Box) -> Planes:
    """The part of the picture inside `box` (fractions of its sides), filling the frame."""
    if box == (0.0, 0.0, 1.0, 1.0):
        return planes
    return Planes(_cut(planes.luma, box), _cut(planes.blue, box), _cut(planes.red, box))


def stamped(planes: Planes, stamps: Sequence[Stamp]) -> Planes:
    if not stamps:
        return planes
    luma = planes.luma.copy()
    for stamp in stamps:
        luma.paste(_WHITE, (stamp.left_px, stamp.top_px), stamp.mask)
    return Planes(luma, planes.blue, planes.red)


def to_video_frame(planes: Planes) -> av.VideoFrame:
    frame = av.VideoFrame(*planes.size, "yuv420p")
    for target, source in zip(frame.planes, (planes.luma, planes.blue, planes.red), strict=True):
        target.update(_rows_padded(source, target.line_size, target.buffer_size))
    return frame


def _rows_padded(plane: Image.Image, line_bytes: int, size_bytes: int) -> bytes:
    """The plane's bytes, each row as long as the encoder's memory layout has it."""
    width, height = plane.size
    data = plane.tobytes()
    if width != line_bytes:
        gap = bytes(line_bytes - width)
        data = b"".join(data[row * width : (row + 1) * width] + gap for row in range(height))
    return data.ljust(size_bytes, b"\0")


def _cut(plane: Image.Image, box: Box) -> Image.Image:
    width, height = plane.size
    left, top, right, bottom = box
    return plane.resize(
        plane.size, Image.Resampling.BILINEAR, box=(left * width, top * height, right * width, bottom * height)
    )
