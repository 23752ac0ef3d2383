"""Small sounds and clips, made on the spot."""

from __future__ import annotations

import struct
import wave
from fractions import Fraction
from pathlib import Path

import av
from PIL.Image import Transpose

_SAMPLES_PER_SECOND = 8_000

LATIN_TITLE = "Café de Flore".encode("latin-1")
"""Not UTF-8, as older tools write their titles."""


def sound(path: Path, *, seconds: int, title: bytes = b"") -> Path:
    """Silence, as WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(_SAMPLES_PER_SECOND)
        file.writeframes(b"\x80" * (_SAMPLES_PER_SECOND * seconds))
    if title:
        name = title.ljust(len(title) + len(title) % 2, b"\0")
        notes = struct.pack("<4sI4s4sI", b"LIST", 12 + len(name), b"INFO", b"INAM", len(name)) + name
        content = path.read_bytes() + notes
        path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8) + content[8:])
    return path


def encoded(
    path: Path,
    *,
    format: str,  # noqa: A002
    codec: str,
    samples: str,
    rate: int = 44_100,
    size: int = 1152,
    frames: int = 100,
) -> Path:
    """Silence in any container and coding that FFmpeg writes; `samples` is the format that the encoder takes."""
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = "mono"  # type: ignore[attr-defined]
        for number in range(frames):
            frame = av.AudioFrame(format=samples, layout="mono", samples=size)
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            frame.pts, frame.sample_rate = size * number, rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


TURNS = {
    Transpose.ROTATE_270: (0, 1, -1, 0),
    Transpose.ROTATE_180: (-1, 0, 0, -1),
    Transpose.ROTATE_90: (0, -1, 1, 0),
    Transpose.FLIP_LEFT_RIGHT: (-1, 0, 0, 1),
    Transpose.FLIP_TOP_BOTTOM: (1, 0, 0, -1),
    Transpose.TRANSPOSE: (0, 1, 1, 0),
    Transpose.TRANSVERSE: (0, -1, -1, 0),
}
"""The matrices by which a player turns and mirrors a clip, by Pillow's names; Pillow counts anticlockwise."""


def turn(path: Path, how: Transpose) -> Path:
    """Give an MP4 or MOV a display matrix, as phones do."""
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44
    a, b, c, d = (65_536 * number for number in TURNS[how])
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def clip(
    path: Path,
    *,
    seconds: float,
    size: tuple[int, int] = (320, 240),
    format: str = "mp4",  # noqa: A002
    title: bytes = b"",
    marked: bool = False,
) -> Path:
    """A grey film, as MP4 or MOV; `marked` ones are dark in the upper left quarter, and white in the upper right one.

    The title is that of the file and that of its only stream.
    """
    room = "_" * len(title)
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream("h264", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if title:
            container.metadata["title"] = stream.metadata["handler_name"] = room
        for number in range(round(10 * seconds)):
            picture = av.VideoFrame(*size, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            if marked:
                luma = picture.planes[0]
                row = (b"\x20" * (size[0] // 2) + b"\xe0" * (size[0] // 2)).ljust(luma.line_size, b"\x80")
                luma.update((row * (size[1] // 2)).ljust(luma.buffer_size, b"\x80"))
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    if title:
        path.write_bytes(path.read_bytes().replace(room.encode(), title))
    return path
