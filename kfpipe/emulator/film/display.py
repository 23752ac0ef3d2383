"""A picture of a clip that was handed over, as players show it: phones store what the sensor sees, and a matrix."""

import struct
from typing import Any

import av
from PIL import Image

_NINE_INTEGERS = struct.Struct("=9i")


def as_shown(frame: av.VideoFrame) -> Image.Image:
    """The picture turned and mirrored as the frame's display matrix says, in RGB.

    A point (x, y) is displayed at (a x + c y, b x + d y). Source: ISO/IEC 14496-12, 6.2.2.
    """
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    data: Any = frame.side_data.get("DISPLAYMATRIX")  # the stubs know it as text
    matrix = b"" if data is None else bytes(data)
    if len(matrix) != _NINE_INTEGERS.size:
        return picture
    a, b, _, c, d, *_ = _NINE_INTEGERS.unpack(matrix)
    across, down = a, d
    if abs(b) + abs(c) > abs(a) + abs(d):
        picture = picture.transpose(Image.Transpose.TRANSPOSE)
        across, down = c, b
    if across < 0:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if down < 0:
        picture = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return picture
