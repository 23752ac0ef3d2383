"""Clips as a service may deliver them, made on the spot."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from PIL import Image

SECONDS = 2
SIZE = (128, 72)


def film(
    path: Path,
    *,
    seconds: float = SECONDS,
    size: tuple[int, int] = SIZE,
    codec: str = "libx264",
    videos: int = 1,
    audio: bool = False,
    shade: int = 0,
    encoding: dict[str, str] | None = None,
    noise_bytes: int = 1_000_000,
    **muxing: Any,
) -> bytes:
    """A clip that moves, of about a megabyte: behind it is a box of noise, which only an MP4 or MOV can bear."""
    with _with_its_own_priority(), av.open(str(path), "w", **muxing) as container:
        streams: list[Any] = []
        for _ in range(videos):
            stream = container.add_stream(codec, rate=30, options=encoding)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            streams.append(stream)
        sound: Any = container.add_stream("aac", rate=44_100) if audio else None
        for number in range(round(seconds * 30)):
            picture = Image.new("RGB", size, ((shade + number) % 256, 90, 90))
            for stream in streams:
                container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        if sound is not None:
            samples = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            samples.rate = 44_100
            for plane in samples.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(sound.encode(samples))
            container.mux(sound.encode(None))
        for stream in streams:
            container.mux(stream.encode(None))
    if noise_bytes:
        noise = random.Random(shade).randbytes(noise_bytes)
        path.write_bytes(path.read_bytes() + struct.pack(">I4s", len(noise) + 8, b"free") + noise)
    return path.read_bytes()


@contextmanager
def _with_its_own_priority() -> Iterator[None]:
    """This process is afterwards what it was: to root's, SVT-AV1 gives real-time priority over the whole machine.

    The process would keep it, and hand it down to each browser and each database that tests start.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    os.sched_setscheduler(0, policy, param)
