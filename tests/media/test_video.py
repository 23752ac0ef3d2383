"""Checks of a clip: damage is refused, a surprise is kept and remarked."""

from __future__ import annotations

import gc
import hashlib
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import VideoFrame
from PIL import Image, ImageStat
from PIL.Image import Transpose

from kfpipe.domain import FrameEnd, PictureSize
from kfpipe.errors import BadRender, NotAVideo
from kfpipe.media.facts import ClipFacts, Expected
from kfpipe.media.video import examine, glimpse, picture, prove
from tests.support import recordings
from tests.support.films import SECONDS, film

EXPECTED = Expected(size=PictureSize(width_px=128, height_px=72), seconds=SECONDS)
PREDICTED = Expected(size=PictureSize(width_px=736, height_px=400), seconds=1)
FACTS = ClipFacts(
    width_px=128,
    height_px=72,
    fps=Decimal(30),
    duration_s=Decimal(2),
    audio=False,
    codec="h264",
    remarks=(),
)
MPEG4 = {"codec": "mpeg4", "noise_bytes": 0}
HEVC = {"codec": "libx265", "encoding": {"x265-params": "log-level=none"}, "noise_bytes": 0}
AV1 = {"codec": "libsvtav1", "noise_bytes": 0}
needs_av1 = pytest.mark.skipif(
    "libsvtav1" not in av.codecs_available or not hasattr(av.Codec, "canonical_name"),
    reason="this PyAV cannot make AV1, or names it after its decoder",
)
VP8 = {"codec": "libvpx", "format": "webm", "noise_bytes": 0}
VP9 = {"codec": "libvpx-vp9", "format": "webm", "noise_bytes": 0}
INDEX_FIRST = {"options": {"movflags": "faststart"}, "noise_bytes": 0}
SEGMENT, CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
FRAGMENTS = {"options": {"movflags": "frag_keyframe+empty_moov"}, "encoding": {"g": "15"}, "noise_bytes": 0}
MATROSKA = {"format": "matroska", "noise_bytes": 0}
LIVE = VP9 | {"options": {"live": "1"}}
"""Written as it is made: neither its length nor that of its parts is known beforehand."""


def made(folder: Path, **how: Any) -> Path:
    path = folder / "clip.mp4"
    film(path, **{"format": "mp4"} | how)
    return path


def check_clip(path: Path, expected: Expected) -> ClipFacts:
    """What the clip holds, by all of its pictures; the first alone proves the same."""
    facts = examine(path, expected).facts
    assert prove(path, expected) == facts
    return facts


def refusal_of(path: Path, expected: Expected = EXPECTED) -> str:
    """Why the file counts as damaged: not as a file of another kind."""
    with pytest.raises(BadRender) as refusal:
        check_clip(path, expected)
    assert not isinstance(refusal.value, NotAVideo)
    return str(refusal.value)


# ---- what a clip is ----------------------------------------------------------------------------------------------


def test_a_clip_that_is_as_expected_bears_no_remark(tmp_path: Path) -> None:
    assert check_clip(made(tmp_path), EXPECTED) == FACTS


def test_sound_is_noticed(tmp_path: Path) -> None:
    assert check_clip(made(tmp_path, audio=True), EXPECTED) == replace(FACTS, audio=True)


def test_a_title_that_is_not_utf_8_does_no_damage(tmp_path: Path) -> None:
    path = recordings.clip(tmp_path / "clip.mp4", seconds=SECONDS, size=(128, 72), title=recordings.LATIN_TITLE)
    assert check_clip(path, EXPECTED).duration_s == SECONDS


@pytest.mark.parametrize("how", [FRAGMENTS, LIVE], ids=["fragments", "live WebM"])
def test_the_length_is_measured_where_the_file_does_not_say_it(tmp_path: Path, how: dict[str, Any]) -> None:
    facts = check_clip(made(tmp_path, **how), EXPECTED)
    assert abs(facts.duration_s - SECONDS) < Decimal("0.05")
    assert not [remark for remark in facts.remarks if remark.endswith(" s")]


def test_a_length_that_is_stated_too_short_is_not_believed(tmp_path: Path) -> None:
    path = made(tmp_path)
    content = bytearray(path.read_bytes())
    place = content.index(b"mdhd") + 20
    content[place : place + 4] = (int.from_bytes(content[place : place + 4]) // 2).to_bytes(4)
    path.write_bytes(content)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.duration
        assert float(stream.duration * stream.time_base) == 1
    assert check_clip(path, EXPECTED) == FACTS


@pytest.mark.parametrize("how", [{}, HEVC, VP8, VP9, LIVE, FRAGMENTS], ids=str)
def test_either_end_of_any_clip_can_be_cut(tmp_path: Path, how: dict[str, Any]) -> None:
    path = made(tmp_path, **how)
    first, last = (picture(path, end) for end in (FrameEnd.FIRST, FrameEnd.LAST))
    assert (first.width, first.height, last.width, last.height) == (128, 72, 128, 72)
    begin, end = (ImageStat.Stat(frame.to_image()).mean[0] for frame in (first, last))
    assert (begin < 5, end > 50) == (True, True)  # the film grows redder, from 0 to 59


@pytest.mark.parametrize("how", recordings.TURNS, ids=lambda how: how.name)
def test_a_clip_is_what_players_show_of_it(tmp_path: Path, how: Transpose) -> None:
    path = recordings.clip(tmp_path / "clip.mp4", seconds=0.4, size=(96, 64), marked=True)
    first, last = (picture(path, end).to_image().transpose(how) for end in FrameEnd)
    facts = check_clip(recordings.turn(path, how), EXPECTED)
    assert (facts.width_px, facts.height_px) == first.size
    assert [picture(path, end).to_image() for end in FrameEnd] == [first, last]


# ---- what is unexpected ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "remarks"),
    [
        ({"size": (560, 560)}, ["560x560 px instead of 736x400"]),
        ({"size": (400, 736)}, ["400x736 px instead of 736x400"]),
        ({"size": (1472, 800)}, ["1472x800 px instead of 736x400"]),
        ({"size": (736, 420)}, ["736x420 px instead of 736x400"]),
        ({"size": (720, 416)}, []),
        ({"size": (736, 400)}, []),
    ],
    ids=str,
)
def test_a_size_is_remarked_unless_rounding_explains_it(
    tmp_path: Path, how: dict[str, Any], remarks: list[str]
) -> None:
    facts = check_clip(made(tmp_path, seconds=1, **how), PREDICTED)
    assert (facts.width_px, facts.height_px) == how["size"]
    assert [*facts.remarks] == remarks


def test_a_clip_that_players_turn_to_the_predicted_size_bears_no_remark(tmp_path: Path) -> None:
    path = made(tmp_path, seconds=1, size=(400, 736))
    assert check_clip(recordings.turn(path, Transpose.ROTATE_90), PREDICTED).remarks == ()


def test_any_size_will_do_where_none_can_be_predicted(tmp_path: Path) -> None:
    facts = check_clip(made(tmp_path, size=(72, 128)), Expected(size=None, seconds=SECONDS))
    assert (facts.height_px, facts.remarks) == (128, ())


@pytest.mark.parametrize(
    ("seconds", "remarks"),
    [
        (1.4, ("1.4 s instead of 2 s",)),
        (1.6, ()),
        (2.4, ()),
        (3.0, ("3 s instead of 2 s",)),
        (4.4, ("4.4 s instead of 2 s",)),
        (4.6, ()),
        (5.2, ()),
    ],
)
def test_a_length_is_remarked_unless_it_was_asked_for_or_billed(
    tmp_path: Path, seconds: float, remarks: tuple[str, ...]
) -> None:
    facts = check_clip(made(tmp_path, seconds=seconds), replace(EXPECTED, billed_seconds=5))
    assert (float(facts.duration_s), facts.remarks) == (pytest.approx(seconds, abs=0.02), remarks)


@pytest.mark.parametrize(
    ("how", "codec", "remarks"),
    [
        (HEVC, "hevc", ["HEVC instead of H.264"]),
        (MPEG4, "mpeg4", ["MPEG-4 Visual instead of H.264"]),
        ({"codec": "mpeg2video", "noise_bytes": 0}, "mpeg2video", ["mpeg2video instead of H.264"]),
        ({"format": "mov"}, "h264", ["MOV instead of MP4, whatever its name says"]),
        (MATROSKA, "h264", ["Matroska instead of MP4, whatever its name says"]),
        pytest.param(AV1, "av1", ["AV1 instead of H.264"], marks=needs_av1),
        (VP8, "vp8", ["VP8 instead of H.264", "WebM instead of MP4, whatever its name says"]),
        (VP9, "vp9", ["VP9 instead of H.264", "WebM instead of MP4, whatever its name says"]),
        (LIVE, "vp9", ["VP9 instead of H.264", "WebM instead of MP4, whatever its name says"]),
        ({"videos": 2}, "h264", ["2 video streams; the first one counts"]),
    ],
    ids=str,
)
def test_an_unexpected_make_is_remarked(tmp_path: Path, how: dict[str, Any], codec: str, remarks: list[str]) -> None:
    facts = check_clip(made(tmp_path, **how), EXPECTED)
    assert (facts.codec, [*facts.remarks]) == (codec, remarks)
    assert (facts.width_px, facts.height_px, facts.fps) == (128, 72, 30)


def test_one_clip_may_bear_several_remarks(tmp_path: Path) -> None:
    facts = check_clip(made(tmp_path, size=(560, 560), seconds=3, **VP9), EXPECTED)
    assert facts.remarks == (
        "560x560 px instead of 128x72",
        "3 s instead of 2 s",
        "VP9 instead of H.264",
        "WebM instead of MP4, whatever its name says",
    )


@pytest.mark.skipif(not hasattr(av.stream.Stream, "disposition"), reason="this PyAV knows no covers")
def test_a_cover_is_no_second_video(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        cover: Any = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = 0x400
        stream: Any = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv420p"
        container.mux(cover.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 64)))))
        container.mux(cover.encode(None))
        for _ in range(60):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (128, 72)))))
        container.mux(stream.encode(None))
    assert check_clip(path, EXPECTED) == FACTS


@pytest.mark.parametrize(
    "rest", [bytes(5), bytes(500), b"\0\0\0\1free" + bytes(8), b"\xff\xfe signed \xff" * 9], ids=len
)
@pytest.mark.parametrize("how", [INDEX_FIRST, VP9], ids=str)
def test_what_stands_behind_the_clip_does_not_matter(tmp_path: Path, how: dict[str, Any], rest: bytes) -> None:
    path = made(tmp_path, **how)
    before = check_clip(path, EXPECTED)
    path.write_bytes(path.read_bytes() + rest)
    assert check_clip(path, EXPECTED) == before


# ---- damage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [{"noise_bytes": 500}, INDEX_FIRST, FRAGMENTS, HEVC, VP8, VP9, LIVE, MATROSKA],
    ids=["noise behind it", "index first", "fragments", "HEVC", "VP8", "VP9", "live WebM", "Matroska"],
)
def test_a_clip_that_is_cut_off_anywhere_is_damaged_and_never_remarked(tmp_path: Path, how: dict[str, Any]) -> None:
    path = made(tmp_path, **how)
    content = path.read_bytes()
    ends = [*range(0, 40, 3), *range(40, len(content), len(content) // 40), *range(len(content) - 12, len(content))]
    for end in ends:
        if content[end + 4 : end + 8] in (b"moof", b"mfra"):
            continue  # a clip in fragments is a whole one after each of them
        path.write_bytes(content[:end])
        assert refusal_of(path), end


@pytest.mark.parametrize("begun", [b"\0\0\1\0mdat", b"\0\0\0\1mdat\0\0"], ids=["short length", "long length"])
def test_a_clip_that_is_cut_off_in_a_later_part_is_damaged(tmp_path: Path, begun: bytes) -> None:
    path = made(tmp_path)
    path.write_bytes(path.read_bytes() + begun)
    assert refusal_of(path) == "the clip breaks off before its end"


@pytest.mark.parametrize("odd_bytes", range(1, 8))
def test_a_clip_in_fragments_is_cut_off_when_the_next_one_has_begun(tmp_path: Path, odd_bytes: int) -> None:
    path = made(tmp_path, **FRAGMENTS)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"moof") - 4 + odd_bytes])
    assert refusal_of(path)


def test_a_clip_without_its_second_half_is_damaged_though_all_lengths_add_up(tmp_path: Path) -> None:
    path = made(tmp_path, **INDEX_FIRST)
    truncate_in_agreement(path, packets_of(path)[30][0])
    assert refusal_of(path) == "the clip breaks off before its end"


def test_the_same_goes_for_a_webm(tmp_path: Path) -> None:
    path = made(tmp_path, **VP9 | {"encoding": {"g": "10"}, "options": {"cluster_time_limit": "300"}})
    truncate_in_agreement(path, path.read_bytes().index(CLUSTER, path.stat().st_size // 2))
    assert refusal_of(path) == "the clip breaks off before its end"


@pytest.mark.parametrize("encoding", [{"g": "10"}, {"preset": "ultrafast", "g": "1"}], ids=str)
def test_a_clip_without_the_end_of_its_last_picture_is_damaged_though_all_lengths_add_up(
    tmp_path: Path, encoding: dict[str, str]
) -> None:
    path = made(tmp_path, **INDEX_FIRST | {"encoding": encoding})
    place, size_bytes = packets_of(path)[-1]
    truncate_in_agreement(path, place + size_bytes - 5)
    assert refusal_of(path)


def packets_of(path: Path) -> list[tuple[int, int]]:
    """Place and length of each picture."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.pos is not None]


def truncate_in_agreement(path: Path, end: int) -> None:
    """Cut the file off, and let its outermost part state the length that is left: none at all, in a WebM."""
    content = path.read_bytes()[:end]
    if content.startswith(b"\x1a\x45\xdf\xa3"):
        place, length = content.index(SEGMENT) + 4, b"\x01" + b"\xff" * 7
    else:
        place = content.index(b"mdat") - 4
        length = (end - place).to_bytes(4)
    path.write_bytes(content[:place] + length + content[place + len(length) :])


@pytest.mark.parametrize(("first", "last"), [(0, 10), (35, 60), (59, 60)])
@pytest.mark.parametrize("how", [{"noise_bytes": 0}, HEVC], ids=["H.264", "HEVC"])
def test_a_clip_whose_first_or_last_picture_is_spoilt_is_damaged(
    tmp_path: Path, how: dict[str, Any], first: int, last: int
) -> None:
    path = made(tmp_path, **how)
    content = bytearray(path.read_bytes())
    for place, size_bytes in packets_of(path)[first:last]:
        content[place : place + size_bytes] = b"\xff" * size_bytes
    path.write_bytes(content)
    assert refusal_of(path)


@pytest.mark.parametrize("how", [{"noise_bytes": 0}, VP9], ids=["MP4", "WebM"])
@pytest.mark.parametrize("seed", range(20))
def test_damage_in_the_file_is_refused_or_harmless_never_a_crash(
    tmp_path: Path, how: dict[str, Any], seed: int
) -> None:
    path = made(tmp_path, **how)
    noise = random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(40):
        content[noise.randrange(len(content))] = noise.randrange(256)
    path.write_bytes(content)
    try:
        check_clip(path, EXPECTED)
    except BadRender as refusal:
        assert str(refusal)


def test_a_missing_file_is_not_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        check_clip(tmp_path / "clip.mp4", EXPECTED)


# ---- no video ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        random.Random(0).randbytes(100_000),
        b"<html>so sorry</html>" * 5_000,
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        b"#EXTM3U\nhttp://127.0.0.1/secret\n",
    ],
    ids=["noise", "page", "still", "playlist"],
)
def test_what_is_no_video_says_where_its_bytes_are(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(NotAVideo, match="not an MP4, MOV or WebM") as refusal:
        check_clip(path, EXPECTED)
    assert (refusal.value.path, refusal.value.sha256) == (path, hashlib.sha256(content).hexdigest())


def test_a_playlist_in_disguise_opens_no_other_file(tmp_path: Path) -> None:
    film(tmp_path / "secret.mp4")
    (tmp_path / "clip.mp4").write_text("ffconcat version 1.0\nfile secret.mp4\n", encoding="utf-8")
    with pytest.raises(NotAVideo):
        check_clip(tmp_path / "clip.mp4", EXPECTED)


def test_a_sound_is_no_video(tmp_path: Path) -> None:
    path = made(tmp_path, videos=0, audio=True)
    with pytest.raises(NotAVideo, match="no video"):
        check_clip(path, EXPECTED)


@pytest.mark.parametrize("how", [{}, VP9], ids=["MP4", "WebM"])
def test_a_single_picture_is_no_video(tmp_path: Path, how: dict[str, Any]) -> None:
    with pytest.raises(NotAVideo, match="single picture"):
        check_clip(made(tmp_path, seconds=1 / 30, **how), EXPECTED)


def test_pictures_of_a_clip_take_no_memory_once_they_were_looked_at(tmp_path: Path) -> None:
    film(clip := tmp_path / "clip.mp4")
    gc.collect()
    gc.disable()
    try:
        glimpse(clip)
        assert not [kept for kept in gc.get_objects() if isinstance(kept, VideoFrame)]
    finally:
        gc.enable()
