"""Sounds and clips to start from, by their content."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL.Image import Transpose

from kfpipe import catalogue
from kfpipe.domain import MediaRole
from kfpipe.errors import Severity, Unusable
from kfpipe.media import cache
from kfpipe.media import recordings as reading
from kfpipe.media.facts import RecordingFacts
from kfpipe.media.recordings import RecordingUnreadable
from kfpipe.media.signatures import AnotherFormat
from kfpipe.takes import media_rules
from tests.support import recordings

WAN27 = catalogue.shipped().models["wan2.7-i2v"]
VOICE = RecordingFacts(
    format="WAV", mime_type="audio/wav", size_bytes=1000, seconds=Decimal(5), width_px=None, height_px=None
)
CLIP = RecordingFacts(
    format="MP4", mime_type="video/mp4", size_bytes=1000, seconds=Decimal(5), width_px=1280, height_px=720
)


AAC = {"codec": "aac", "samples": "fltp", "size": 1024}
OPUS = {"codec": "libopus", "samples": "flt", "rate": 48_000, "size": 960}


def mp3(path: Path, **how: Any) -> Path:
    return recordings.encoded(path, **{"format": "mp3", "codec": "libmp3lame", "samples": "s16p"} | how)


def with_cover(path: Path) -> Path:
    """An MP3 that begins with the picture of an album."""
    size = 100_000
    syncsafe = bytes(size >> 7 * power & 0x7F for power in (3, 2, 1, 0))
    cover = (b"APIC" + syncsafe + b"\0\0\0image/jpeg\0\x03\0").ljust(size, b"\xff")
    path.write_bytes(b"ID3\x04\0\0" + syncsafe + cover + mp3(path).read_bytes())
    return path


def test_a_sound_is_known_by_its_content(tmp_path: Path) -> None:
    facts = reading.read(recordings.sound(tmp_path / "voice.bin", seconds=3))
    assert (facts.format, facts.mime_type, facts.seconds) == ("WAV", "audio/wav", 3)
    assert (facts.width_px, facts.height_px) == (None, None)


def test_an_mp3_shows_its_length(tmp_path: Path) -> None:
    facts = reading.read(mp3(tmp_path / "voice.mp3"))
    assert facts.format == "MP3"
    assert abs(facts.seconds - Decimal("2.6")) < Decimal("0.2")


def test_an_mp3_is_known_behind_its_cover(tmp_path: Path) -> None:
    facts = reading.read(with_cover(tmp_path / "voice.wav"))
    assert (facts.format, facts.mime_type) == ("MP3", "audio/mpeg")
    assert abs(facts.seconds - Decimal("2.6")) < Decimal("0.2")


@pytest.mark.parametrize(
    ("how", "what"),
    [
        (AAC | {"format": "ipod"}, "AAC sound in MP4 (M4A)"),
        (AAC | {"format": "mov"}, "AAC sound in MOV"),
        (AAC | {"format": "adts"}, "AAC sound"),
        (AAC | {"format": "matroska"}, "AAC sound in Matroska"),
        ({"format": "ipod", "codec": "alac", "samples": "s16p", "size": 4096}, "Apple Lossless sound in MP4 (M4A)"),
        (OPUS | {"format": "ogg"}, "Ogg Opus sound"),
        (OPUS | {"format": "webm"}, "Opus sound in WebM"),
        ({"format": "ogg", "codec": "flac", "samples": "s16"}, "Ogg FLAC sound"),
        ({"format": "flac", "codec": "flac", "samples": "s16"}, "FLAC sound"),
        ({"format": "aiff", "codec": "pcm_s16be", "samples": "s16"}, "AIFF sound"),
        ({"format": "caf", "codec": "pcm_s16le", "samples": "s16"}, "CAF sound"),
        ({"format": "mp2", "codec": "mp2", "samples": "s16"}, "MPEG layer II sound (MP2)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("has_notes", [False, True], ids=["bare", "with notes"])
def test_a_sound_of_another_kind_is_named(tmp_path: Path, how: dict[str, Any], what: str, has_notes: bool) -> None:
    path = recordings.encoded(tmp_path / "voice.mp3", **how, frames=20)
    if has_notes and what in ("AAC sound", "FLAC sound", "MPEG layer II sound (MP2)"):
        path.write_bytes(b"ID3\x03\0\0\0\0\1\0".ljust(10 + 128, b"\0") + path.read_bytes())
    with pytest.raises(AnotherFormat) as refusal:
        reading.read(path)
    assert refusal.value.reason == f"is {what}"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"OggS\0\2" + bytes(22) + b"\x01vorbis", "Ogg Vorbis sound"),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "a Windows Media file (WMA or WMV)"),
        (b"RIFF\x10\0\0\0AVI LIST", "an AVI video"),
        ((b"G@\0\x10").ljust(188, b"\xff") * 3, "an MPEG video"),
        (b"BW64\xff\xff\xff\xffWAVEds64", "RF64 sound (a WAV for large files)"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\n<!DOCTYPE html>", "a web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 1\n",
            "only a Git LFS pointer",
        ),
    ],
)
def test_what_is_no_sound_that_a_model_takes_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "voice.mp3"
    path.write_bytes(content)
    with pytest.raises(Unusable, match=rf"^is {re.escape(what)}"):
        reading.read(path)


@pytest.mark.parametrize("make", [mp3, with_cover, lambda path: recordings.sound(path, seconds=3)])
@pytest.mark.parametrize("left", [0.3, 0.8])
def test_a_sound_that_is_cut_off_is_not_taken_for_a_shorter_one(
    tmp_path: Path, make: Callable[[Path], Path], left: float
) -> None:
    content = make(tmp_path / "voice").read_bytes()
    start = content.find(b"\xff\xfb")  # behind a cover
    path = tmp_path / "cut"
    path.write_bytes(content[: round(max(start, 0) + left * (len(content) - max(start, 0)))])
    with pytest.raises(RecordingUnreadable, match="damaged or cut off"):
        reading.read(path)


def test_an_mp3_that_does_not_state_its_length_is_measured(tmp_path: Path) -> None:
    path = mp3(tmp_path / "voice.mp3")
    content = path.read_bytes()
    start = content.index(b"\xff\xfb")
    path.write_bytes(content[content.index(b"\xff\xfb", start + 4) :])
    assert abs(reading.read(path).seconds - Decimal("2.6")) < Decimal("0.2")


def test_a_wav_that_was_written_without_knowing_its_end_is_measured(tmp_path: Path) -> None:
    path = recordings.sound(tmp_path / "voice.wav", seconds=3)
    content = bytearray(path.read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert reading.read(path).seconds == 3


def test_a_sound_without_a_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingUnreadable, match="no sound"):
        reading.read(recordings.sound(tmp_path / "voice.wav", seconds=0))


@pytest.mark.parametrize(
    ("codec", "samples", "coding"),
    [
        ("pcm_s16le", "s16", None),
        ("pcm_s24le", "s32", None),
        ("pcm_f32le", "flt", "floating-point samples"),
        ("adpcm_ms", "s16", "ADPCM"),
        ("pcm_mulaw", "s16", "mu-law samples"),
        ("libmp3lame", "fltp", "MP3"),
    ],
)
def test_a_wav_that_holds_no_plain_samples_gets_a_warning(
    tmp_path: Path, codec: str, samples: str, coding: str | None
) -> None:
    facts = reading.read(recordings.encoded(tmp_path / "voice.wav", format="wav", codec=codec, samples=samples))
    assert (facts.format, facts.coding) == ("WAV", coding)
    found = list(media_rules.recording_findings((), WAN27, MediaRole.DRIVING_AUDIO, facts))
    assert [finding.severity for finding in found] == [Severity.WARNING] * (coding is not None)


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
        (b"RIFF\x00\x00\x00\x00WAVE nonsense", "damaged"),
        (b"\x00\x00\x00\x18ftypisom nonsense", "damaged"),
        (b"ID3\x04\0\0\0\0\0\5nonsense", "damaged"),
    ],
)
def test_what_is_no_recording_is_refused_with_a_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(Unusable, match=reason):
        reading.read(path)


def test_a_clip_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = recordings.clip(tmp_path / "walk.mp4", seconds=2)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(RecordingUnreadable, match="cut off"):
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
    assert (not list(media_rules.clip_findings((), duration_s, CLIP.seconds))) is fine
