"""Slices of sounds: cut to the sample, the same bytes each time, whatever the track is."""

from __future__ import annotations

import io
import struct
import wave
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import pytest

from kfpipe import catalogue
from kfpipe.domain import MediaRole
from kfpipe.errors import Unusable
from kfpipe.media import recordings, slices
from kfpipe.media.cache import DigestCache
from kfpipe.media.prepared import sliced
from kfpipe.media.recipe import slice_recipe
from tests.support import recordings as made

RULES = catalogue.shipped().models["wan2.7-i2v"].recordings[MediaRole.DRIVING_AUDIO]


def counting(path: Path, *, seconds: int, rate_hz: int = 8_000, channels: int = 1) -> Path:
    """A WAV whose samples tell where they are: each is its own number, each channel a little further on."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        numbers = (number + side for number in range(seconds * rate_hz) for side in range(channels))
        file.writeframes(b"".join(struct.pack("<h", number % 30_000) for number in numbers))
    return path


def cut(path: Path, start: str, seconds: int) -> bytes:
    facts = recordings.read(path)
    return slices.cut(path, facts, slice_recipe(facts, Decimal(start), seconds, RULES))


def samples(content: bytes) -> tuple[int, ...]:
    with wave.open(io.BytesIO(content)) as file:
        return struct.unpack(f"<{file.getnframes() * file.getnchannels()}h", file.readframes(file.getnframes()))


@pytest.mark.parametrize(("start", "first"), [("0", 0), ("2.5", 20_000), ("1.000125", 8_001), ("4", 32_000)])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_slice_of_a_wav_is_exact_to_the_sample(tmp_path: Path, start: str, first: int, channels: int) -> None:
    track = counting(tmp_path / "track.wav", seconds=6, channels=channels)
    wanted = tuple((number + side) % 30_000 for number in range(first, first + 16_000) for side in range(channels))
    assert samples(cut(track, start, 2)) == wanted


def clicks(path: Path, format: str, codec: str) -> Path:  # noqa: A002
    """A track of six seconds with a click at 1, 2, 3, 4 and 5 s, each louder than the one before."""
    rate_hz = 44_100
    with av.open(str(path), "w", format=format) as container:
        stream: Any = container.add_stream(codec, rate=rate_hz)
        stream.layout = "mono"
        stream.bit_rate = 128_000
        numbers = [0] * (6 * rate_hz)
        for second in range(1, 6):
            numbers[second * rate_hz : second * rate_hz + 4] = [5_000 * second] * 4
        for begin in range(0, len(numbers), 1152):
            part = numbers[begin : begin + 1152]
            frame = av.AudioFrame(format="s16p", layout="mono", samples=len(part))
            frame.planes[0].update(struct.pack(f"<{len(part)}h", *part).ljust(frame.planes[0].buffer_size, b"\0"))
            frame.pts, frame.sample_rate = begin, rate_hz
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(("start", "at"), [("0.5", 22_050), ("1.9", 4_410), ("3.25", 33_075)])
def test_a_slice_of_an_mp3_lies_where_a_player_hears_it(tmp_path: Path, start: str, at: int) -> None:
    track = clicks(tmp_path / "track.mp3", "mp3", "libmp3lame")
    found = samples(cut(track, start, 2))
    assert len(found) == 88_200
    loudest = max(range(at - 2000, at + 2000), key=lambda place: abs(found[place]))
    assert abs(loudest - at) < 6
    assert cut(track, start, 2) == cut(track, start, 2)


def test_the_parts_of_a_track_follow_one_another_without_a_seam(tmp_path: Path) -> None:
    track = clicks(tmp_path / "track.mp3", "mp3", "libmp3lame")
    assert samples(cut(track, "0", 2)) + samples(cut(track, "2", 3)) == samples(cut(track, "0", 5))


def test_only_a_slice_that_would_be_too_large_is_made_smaller(tmp_path: Path) -> None:
    facts = recordings.read(counting(tmp_path / "many.wav", seconds=3, rate_hz=96_000, channels=3))
    rules = {
        size: slice_recipe(facts, Decimal(0), 2, replace(RULES, max_size_bytes=size))
        for size in (1_152_044, 800_000, 400_000)
    }
    assert [recipe[1:] for recipe in rules.values()] == [(), ("stereo",), ("stereo", "48 kHz")]
    contents = {size: slices.cut(tmp_path / "many.wav", facts, recipe) for size, recipe in rules.items()}
    assert all(len(content) <= size for size, content in contents.items())
    shapes = [(found.channels, found.rate_hz, found.seconds) for found in map(slices.facts_of, contents.values())]
    assert shapes == [(3, 96_000, 2), (2, 96_000, 2), (2, 48_000, 2)]


def test_a_slice_is_made_again_when_its_file_is_gone(tmp_path: Path) -> None:
    track = counting(tmp_path / "track.wav", seconds=6)
    digests = DigestCache(tmp_path / "digests.json")
    known = digests.listen(track)
    recipe = slice_recipe(known.facts, Decimal("1.50"), 3, RULES)
    first = sliced(track, known, recipe, folder=tmp_path, digests=digests)
    content = (tmp_path / first.path).read_bytes()
    for damage in (None, content[:-100]):
        (tmp_path / first.path).unlink() if damage is None else (tmp_path / first.path).write_bytes(damage)
        assert sliced(track, known, recipe, folder=tmp_path, digests=digests) == first
        assert (tmp_path / first.path).read_bytes() == content
    assert recipe == slice_recipe(known.facts, Decimal("1.5"), 3, RULES)


def test_a_track_that_ends_before_the_length_it_states_is_damaged(tmp_path: Path) -> None:
    track = counting(tmp_path / "track.wav", seconds=6)
    facts = recordings.read(track)
    made.sound(track, seconds=2)
    with pytest.raises(Unusable, match="damaged or cut off"):
        slices.cut(track, facts, slice_recipe(facts, Decimal(1), 3, RULES))
