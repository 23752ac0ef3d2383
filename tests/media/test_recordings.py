"""Sounds and clips to start from, by their content."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import av
import pytest
from PIL.Image import Transpose

from kfpipe import catalogue
from kfpipe.domain import MediaRole
from kfpipe.media import cache
from kfpipe.media import recordings as reading
from kfpipe.media.facts import RecordingFacts
from kfpipe.media.recordings import RecordingUnreadable
from kfpipe.takes import media_rules
from tests.support import recordings

WAN27 = catalogue.shipped().models["wan2.7-i2v"]
VOICE = RecordingFacts(
    format="WAV", mime_type="audio/wav", size_bytes=1000, seconds=Decimal(5), width_px=None, height_px=None
)
CLIP = RecordingFacts(
    format="MP4", mime_type="video/mp4", size_bytes=1000, seconds=Decimal(5), width_px=1280, height_px=720
)


def mp3(path: Path) -> Path:
    with av.open(str(path), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=44_100)
        stream.layout = "mono"  # type: ignore[attr-defined]
        for number in range(100):
            samples = av.AudioFrame(format="s16p", layout="mono", samples=1152)
            samples.planes[0].update(bytes(samples.planes[0].buffer_size))
            samples.pts, samples.sample_rate = 1152 * number, 44_100
            container.mux(stream.encode(samples))
        container.mux(stream.encode())
    return path


def test_a_sound_is_known_by_its_content(tmp_path: Path) -> None:
    facts = reading.read(recordings.sound(tmp_path / "voice.bin", seconds=3))
    assert (facts.format, facts.mime_type, facts.seconds) == ("WAV", "audio/wav", 3)
    assert (facts.width_px, facts.height_px) == (None, None)


def test_an_mp3_shows_its_length(tmp_path: Path) -> None:
    facts = reading.read(mp3(tmp_path / "voice.mp3"))
    assert facts.format == "MP3"
    assert abs(facts.seconds - Decimal("2.6")) < Decimal("0.2")


@pytest.mark.parametrize(("kind", "name"), [("mp4", "MP4"), ("mov", "MOV")])
def test_a_clip_shows_its_length_and_its_sides(tmp_path: Path, kind: str, name: str) -> None:
    facts = reading.read(recordings.clip(tmp_path / f"walk.{kind}", seconds=2, format=kind))
    assert (facts.format, facts.seconds, facts.width_px, facts.height_px) == (name, 2, 320, 240)


@pytest.mark.parametrize("kind", ["mp4", "mov"])
@pytest.mark.parametrize("how", [Transpose.ROTATE_270, Transpose.TRANSVERSE], ids=lambda how: how.name)
def test_the_sides_of_a_clip_are_those_that_players_show(tmp_path: Path, how: Transpose, kind: str) -> None:
    path = recordings.clip(tmp_path / "walk", seconds=0.2, format=kind)
    facts = reading.read(recordings.turn(path, how))
    assert (facts.width_px, facts.height_px) == (240, 320)


@pytest.mark.parametrize("kind", ["mp4", "mov"])
def test_a_clip_may_have_a_title_that_is_not_utf_8(tmp_path: Path, kind: str) -> None:
    path = recordings.clip(tmp_path / "walk", seconds=2, format=kind, title=recordings.LATIN_TITLE)
    assert path.read_bytes().count(recordings.LATIN_TITLE) == 2
    assert reading.read(path).seconds == 2


def test_a_sound_may_have_a_title_that_is_not_utf_8(tmp_path: Path) -> None:
    path = recordings.sound(tmp_path / "voice.wav", seconds=3, title=recordings.LATIN_TITLE)
    assert reading.read(path).seconds == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"remember the milk", "not a sound or clip"),
        (b"#EXTM3U\nhttp://127.0.0.1/secret", "not a sound or clip"),
        (b"ffconcat version 1.0\nfile /etc/passwd", "not a sound or clip"),
        (b"RIFF\x00\x00\x00\x00WAVE nonsense", "damaged|streams|long"),
        (b"\x00\x00\x00\x18ftypisom nonsense", "damaged"),
        (b"ID3 nonsense", "damaged|streams|long"),
    ],
)
def test_what_is_no_recording_is_refused_with_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(RecordingUnreadable, match=reason):
        reading.read(path)


def test_a_clip_without_pictures_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44_100)
        samples = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
        for plane in samples.planes:
            plane.update(bytes(plane.buffer_size))
        samples.sample_rate = 44_100
        container.mux(stream.encode(samples))
        container.mux(stream.encode())
    with pytest.raises(RecordingUnreadable, match="0 streams"):
        reading.read(path)


def test_a_recording_is_read_once_while_it_stays_as_it_is(tmp_path: Path) -> None:
    path = recordings.sound(tmp_path / "voice.wav", seconds=3)
    os.utime(path, (1, 1))
    digests = cache.DigestCache(tmp_path / "state" / "digests.json")
    known = digests.listen(path)
    digests.save()
    assert cache.DigestCache(tmp_path / "state" / "digests.json").listen(path) == known
    assert known.facts.seconds == 3


@pytest.mark.parametrize(
    ("role", "recording", "fine"),
    [
        (MediaRole.DRIVING_AUDIO, replace(VOICE, seconds=Decimal(2)), True),
        (MediaRole.DRIVING_AUDIO, replace(VOICE, seconds=Decimal("1.999")), False),
        (MediaRole.DRIVING_AUDIO, replace(VOICE, seconds=Decimal(30)), True),
        (MediaRole.DRIVING_AUDIO, replace(VOICE, seconds=Decimal("30.001")), False),
        (MediaRole.DRIVING_AUDIO, replace(VOICE, size_bytes=15 * 2**20), True),
        (MediaRole.DRIVING_AUDIO, replace(VOICE, size_bytes=15 * 2**20 + 1), False),
        (MediaRole.DRIVING_AUDIO, CLIP, False),
        (MediaRole.FIRST_CLIP, replace(CLIP, seconds=Decimal(10)), True),
        (MediaRole.FIRST_CLIP, replace(CLIP, seconds=Decimal("10.1")), False),
        (MediaRole.FIRST_CLIP, replace(CLIP, width_px=240, height_px=240, format="MOV"), True),
        (MediaRole.FIRST_CLIP, replace(CLIP, width_px=239, height_px=240), False),
        (MediaRole.FIRST_CLIP, replace(CLIP, width_px=4096, height_px=512), True),
        (MediaRole.FIRST_CLIP, replace(CLIP, width_px=4097, height_px=2000), False),
        (MediaRole.FIRST_CLIP, replace(CLIP, width_px=4096, height_px=511), False),
        (MediaRole.FIRST_CLIP, replace(CLIP, size_bytes=100 * 2**20), True),
        (MediaRole.FIRST_CLIP, replace(CLIP, size_bytes=100 * 2**20 + 1), False),
    ],
)
def test_recordings_are_legal_up_to_their_limits(role: MediaRole, recording: RecordingFacts, fine: bool) -> None:
    assert (not list(media_rules.recording_findings(("here",), WAN27, role, recording))) is fine


@pytest.mark.parametrize(("duration_s", "fine"), [(5, False), (6, True)])
def test_a_continued_clip_must_get_longer(duration_s: int, fine: bool) -> None:
    assert (not list(media_rules.clip_findings((), duration_s, CLIP))) is fine
