"""What is heard of a film, measured."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import av
import pytest

from kfpipe.domain import Trim
from kfpipe.errors import Refused
from kfpipe.manifest.model import FilmSettings, Transition
from tests.review.film.conftest import Cutting, level, samples, write_clip

LOW, HIGH = 440.0, 1000.0


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Two seconds of a high tone."""
    write_clip(tmp_path / "tone.mp4", 60, tone_hz=HIGH)
    with av.open(str(tmp_path / "tone.mp4")) as source, av.open(str(tmp_path / "music.wav"), "w") as target:
        stream = target.add_stream("pcm_s16le", rate=48_000)
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
    return tmp_path / "music.wav"


def test_a_clip_without_sound_is_silent_and_others_are_heard_in_their_time(cutting: Cutting) -> None:
    cutting.add("one", 15, tone_hz=LOW)
    cutting.add("two", 15)
    cutting.add_missing("three")
    cutting.add("four", 15, tone_hz=HIGH)
    heard = samples(cutting.film())
    assert abs(len(heard) - 2.5 * 48_000) <= 1024
    assert 0.35 < level(heard, 0.1, 0.4, LOW) < 0.45
    assert level(heard, 0.55, 1.95) < 0.01
    assert level(heard, 2.1, 2.4, HIGH) > 0.35 and level(heard, 2.1, 2.4, LOW) < 0.02


def test_sound_fades_at_a_cut_without_a_click(cutting: Cutting) -> None:
    cutting.add("one", 15, tone_hz=LOW, trim=Trim(end_s=Decimal("0.4")))
    cutting.add("two", 15, tone_hz=HIGH, trim=Trim(start_s=Decimal("0.1")))
    heard = samples(cutting.film())
    assert level(heard, 0.2, 0.37, LOW) > 0.35 and level(heard, 0.2, 0.37, HIGH) < 0.02
    assert 0.1 < level(heard, 0.395, 0.405, LOW) < 0.38 and 0.1 < level(heard, 0.395, 0.405, HIGH) < 0.38
    assert level(heard, 0.43, 0.6, HIGH) > 0.35 and level(heard, 0.43, 0.6, LOW) < 0.02


def test_sound_dissolves_with_the_pictures(cutting: Cutting) -> None:
    cutting.settings = FilmSettings(transition=Transition.DISSOLVE, transition_s=Decimal("0.2"))
    cutting.add("one", 15, tone_hz=LOW)
    cutting.add("two", 15, tone_hz=HIGH)
    heard = samples(cutting.film())
    assert abs(len(heard) - 0.8 * 48_000) <= 1024
    assert level(heard, 0.1, 0.28, HIGH) < 0.02 and level(heard, 0.52, 0.7, LOW) < 0.02
    low, high = level(heard, 0.35, 0.45, LOW), level(heard, 0.35, 0.45, HIGH)
    assert 0.2 < low < 0.35 and 0.2 < high < 0.35


def test_music_lies_under_the_clips_and_fades_out_with_the_film(cutting: Cutting, music: Path) -> None:
    cutting.add("one", 15, tone_hz=LOW)
    cutting.add("two", 15)
    heard = samples(cutting.film(music))
    assert abs(len(heard) - 48_000) <= 1024
    clip, under = level(heard, 0.1, 0.2, LOW), level(heard, 0.1, 0.2, HIGH)
    assert clip > 0.35 and 0.05 < under < clip / 2
    assert level(heard, 0.6, 0.7, HIGH) > 0.02 and level(heard, 0.6, 0.7, LOW) < 0.02
    assert level(heard, 0.97, 1.0) < 0.02


def test_the_film_does_not_wait_for_music_that_ends_before(cutting: Cutting, music: Path) -> None:
    cutting.add("one", 75)
    heard = samples(cutting.film(music))
    assert abs(len(heard) - 2.5 * 48_000) <= 1024
    assert level(heard, 0.1, 0.2, HIGH) > 0.3  # alone, it has its own level
    assert level(heard, 2.1, 2.5) < 0.01


@pytest.mark.parametrize(("layout", "rate"), [("mono", 44_100), ("5.1", 48_000), ("stereo", 22_050)])
def test_any_sound_is_conformed(cutting: Cutting, layout: str, rate: int) -> None:
    cutting.add("one", 15, tone_hz=LOW, layout=layout, sample_rate=rate)
    heard = samples(cutting.film())
    assert level(heard, 0.1, 0.4, LOW) > 0.2
    assert level(heard, 0.1, 0.4) < 0.98


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"#EXTM3U\nhttp://127.0.0.1/a.ts\n", "is not a sound file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is only a Git LFS pointer to the music"),
        (b"ID3" + bytes(5000), "cannot be decoded|there is no sound in"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "cannot be decoded|there is no sound in"),
    ],
)
def test_music_that_is_no_sound_is_refused_before_anything_is_encoded(
    cutting: Cutting, tmp_path: Path, content: bytes, told: str
) -> None:
    cutting.add("one", 3)
    (tmp_path / "music.mp3").write_bytes(content)
    with pytest.raises(Refused, match=told) as refusal:
        cutting.film(tmp_path / "music.mp3")
    assert [problem.file for problem in refusal.value.problems] == ["film.music"]
    assert not (tmp_path / "film.mp4").exists()


def test_a_video_without_sound_is_no_music(cutting: Cutting, tmp_path: Path) -> None:
    write_clip(tmp_path / "silent.mp4", 3)
    cutting.add("one", 3)
    with pytest.raises(Refused, match=r"there is no sound in silent\.mp4"):
        cutting.film(tmp_path / "silent.mp4")
