"""Small sounds and clips, made on the spot."""

from __future__ import annotations

import struct
import wave
from fractions import Fraction
from pathlib import Path

import av

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


def clip(
    path: Path,
    *,
    seconds: int,
    size: tuple[int, int] = (320, 240),
    format: str = "mp4",  # noqa: A002
    title: bytes = b"",
) -> Path:
    """A grey film, as MP4 or MOV. The title is that of the file and that of its only stream."""
    room = "_" * len(title)
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream("h264", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if title:
            container.metadata["title"] = stream.metadata["handler_name"] = room
        for number in range(10 * seconds):
            picture = av.VideoFrame(*size, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    if title:
        path.write_bytes(path.read_bytes().replace(room.encode(), title))
    return path
