"""Small clips made on the spot, and the films that they make."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageStat

from kfpipe.domain import MediaInput, MediaRole, PictureSize, Take, Trim
from kfpipe.lock.records import Record
from kfpipe.manifest.model import FilmSettings
from kfpipe.review import timeline
from kfpipe.review.film import edit, writing
from kfpipe.review.film.edit import Edit
from kfpipe.review.timeline import Timeline
from tests.support.makers import parameters, record, render, rendered, request, shots, still, take

SIZE = (64, 36)
STEP = 8
"""By so much is each picture of a clip brighter than the one before: it says which one it is."""


def shade(picture: Image.Image) -> int:
    """How bright the middle of the picture is."""
    width, height = picture.size
    middle = picture.convert("L").crop((width * 3 // 8, height * 3 // 8, width * 5 // 8, height * 5 // 8))
    return round(ImageStat.Stat(middle).mean[0])


def write_clip(
    path: Path,
    count: int,
    *,
    base: int = 40,
    step: int = STEP,
    size: tuple[int, int] = SIZE,
    rate: Fraction = Fraction(30),
    tone_hz: float | None = None,
    layout: str = "stereo",
    sample_rate: int = 48_000,
    pix_fmt: str = "yuv420p",
    times: list[int] | None = None,
    colour: tuple[int, int, int] | None = None,
) -> None:
    """A clip of plain pictures, each of its own shade. `times` are those of its pictures in thousandths."""
    with av.open(str(path), "w", format="mp4") as container:
        video: Any = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "4"})
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        if times is not None:
            video.codec_context.time_base = Fraction(1, 1000)
        sound: Any = None
        if tone_hz is not None:
            sound = container.add_stream("aac", rate=sample_rate, layout=layout)
        for number in range(count):
            value = base + step * number
            frame: Any = av.VideoFrame.from_image(Image.new("RGB", size, colour or (value, value, value)))
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            _add_tone(container, sound, tone_hz or 0, round(count / rate * sample_rate), layout, sample_rate)


def _add_tone(container: Any, stream: Any, hz: float, count: int, layout: str, sample_rate: int) -> None:
    for start in range(0, count, 1024):
        samples = min(1024, count - start)
        frame = av.AudioFrame(format="fltp", layout=layout, samples=samples)
        frame.sample_rate, frame.pts = sample_rate, start
        wave = array("f", (0.4 * math.sin(2 * math.pi * hz * (start + n) / sample_rate) for n in range(samples)))
        for plane in frame.planes:
            plane.update(wave.tobytes().ljust(plane.buffer_size, b"\0"))
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


@dataclass
class Cutting:
    """A folder of clips, and the film that they make in the order in which they were added."""

    folder: Path
    settings: FilmSettings = field(default_factory=FilmSettings)
    pairs: list[tuple[Take, Record | None]] = field(default_factory=list)

    def add(
        self,
        name: str,
        count: int = 12,
        *,
        ends: tuple[str, str] | None = None,
        trim: Trim | None = None,
        size: tuple[int, int] = SIZE,
        shown: tuple[int, int] | None = None,
        rate: Fraction = Fraction(30),
        seconds: Fraction | None = None,
        tone_hz: float | None = None,
        **how: Any,
    ) -> Path:
        """One more clip. `ends` are its first and last still, each of its own unless they are given."""
        path = self.folder / "renders" / f"{name}.mp4"
        path.parent.mkdir(exist_ok=True)
        write_clip(path, count, size=size, rate=rate, tone_hz=tone_hz, **how)
        first, last = ends or (f"{name}-a", f"{name}-b")
        media = (
            MediaInput(role=MediaRole.FIRST_FRAME, medium=still(first, first.encode().hex().ljust(64, "0"))),
            MediaInput(role=MediaRole.LAST_FRAME, medium=still(last, last.encode().hex().ljust(64, "0"))),
        )
        width, height = shown or size
        of = take(name, request=request(media=media), trim=trim)
        file = render(
            f"renders/{name}.mp4",
            width_px=width,
            height_px=height,
            fps=Decimal(round(rate * 1000)) / 1000,
            duration_s=Decimal(round((seconds or count / rate) * 1000)) / 1000,
            audio=tone_hz is not None,
        )
        self.pairs.append((of, record(rendered(of, of_render=file))))
        return path

    def add_missing(self, name: str, seconds: int = 1) -> None:
        """A shot that was never rendered."""
        self.pairs.append((take(name, request=request(parameters=parameters(duration_s=seconds))), None))

    @property
    def timeline(self) -> Timeline:
        return timeline.make("Film", shots(*self.pairs))

    def edited(self) -> Edit:
        return edit.make(self.timeline, self.settings, PictureSize(width_px=64, height_px=36))

    def film(self, music: Path | None = None, name: str = "film.mp4") -> Path:
        """The film as a file."""
        writing.write(self.edited(), self.folder / name, self.folder, music, lambda _: None)
        return self.folder / name


@pytest.fixture
def cutting(tmp_path: Path) -> Cutting:
    return Cutting(folder=tmp_path)


Shades = Callable[[Path], list[int]]


def images(path: Path) -> list[Image.Image]:
    """All pictures of a film."""
    with av.open(str(path)) as file:
        pictures: list[Image.Image] = [frame.to_image() for frame in file.decode(video=0)]  # type: ignore[no-untyped-call]
    return pictures


def shades(path: Path) -> list[int]:
    """How bright each picture of a film is."""
    return [shade(picture) for picture in images(path)]


def samples(path: Path) -> array[float]:
    """The left channel of a film's sound."""
    heard: array[float] = array("f")
    with av.open(str(path)) as file:
        for frame in file.decode(audio=0):
            heard.frombytes(bytes(frame.planes[0])[: 4 * frame.samples])
    return heard


def level(heard: array[float], from_s: float, to_s: float, hz: float | None = None) -> float:
    """How loud it is between two times, or how loud one tone is: its amplitude."""
    part = heard[round(from_s * 48_000) : round(to_s * 48_000)]
    if hz is None:
        return max(map(abs, part), default=0.0)
    angle = 2 * math.pi * hz / 48_000
    real = sum(value * math.cos(angle * n) for n, value in enumerate(part))
    imaginary = sum(value * math.sin(angle * n) for n, value in enumerate(part))
    return 2 * math.hypot(real, imaginary) / len(part)
