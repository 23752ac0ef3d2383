"""Small sounds and clips, made on the spot."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av

_SAMPLES_PER_SECOND = 8_000


def sound(path: Path, *, seconds: int) -> Path:
    """Silence, as WAV."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(_SAMPLES_PER_SECOND)
        file.writeframes(b"\x80" * (_SAMPLES_PER_SECOND * seconds))
    return path


def clip(path: Path, *, seconds: int, size: tuple[int, int] = (320, 240), format: str = "mp4") -> Path:  # noqa: A002
    """A grey film, as MP4 or MOV."""
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream("h264", rate=10)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for number in range(10 * seconds):
            picture = av.VideoFrame(*size, "yuv420p")
            for plane in picture.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            picture.pts, picture.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path
