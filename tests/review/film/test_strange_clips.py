"""Clips that are not as the service delivers them: conformed, or refused with their names."""

from __future__ import annotations

import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from kfpipe.errors import Refused
from tests.review.film.conftest import Cutting, images, shade, shades


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv422p10le", "yuv420p10le", "yuvj420p"])
def test_pictures_of_another_depth_or_range_look_the_same(cutting: Cutting, pix_fmt: str) -> None:
    cutting.add("one", 3, colour=(200, 80, 40))
    cutting.add("two", 3, colour=(200, 80, 40), pix_fmt=pix_fmt)
    usual, *_, odd = images(cutting.film())
    pixels = [picture.getpixel((30, 18)) for picture in (usual, odd)]
    assert all(abs(one - other) <= 8 for one, other in zip(*pixels, strict=True)), pixels  # type: ignore[arg-type]


def turned(path: Path) -> None:
    """Says in the file that its pictures are shown a quarter to the right."""
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    quarter = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 36 << 16, 0, 1 << 30)
    content = path.read_bytes()
    at = content.index(upright, content.index(b"tkhd"))
    path.write_bytes(content[:at] + quarter + content[at + len(quarter) :])


def test_a_turned_clip_is_shown_upright(cutting: Cutting) -> None:
    turned(cutting.add("one", 3, size=(64, 36), shown=(36, 64), base=200, step=0))
    first = images(cutting.film())[0]
    assert first.size == (36, 64)
    corners = [first.convert("L").getpixel(at) for at in ((1, 1), (34, 62))]
    assert all(isinstance(value, int) and value > 190 for value in corners)


def test_a_clip_of_one_picture_is_one_frame(cutting: Cutting) -> None:
    cutting.add("one", 1, base=200)
    cutting.add("two", 2)
    found = shades(cutting.film())
    assert len(found) == 3 and found[0] > 190


def test_odd_sides_are_made_even(cutting: Cutting) -> None:
    cutting.add("one", 2, size=(65, 37), pix_fmt="yuv444p", base=200, step=0)
    (first, _) = images(cutting.film())
    assert (first.size, shade(first) > 190) == ((64, 36), True)


def test_a_smaller_and_slower_clip_fills_the_picture(cutting: Cutting) -> None:
    cutting.add("one", 3)
    cutting.add("two", 3, size=(32, 18), rate=Fraction(25))
    assert {picture.size for picture in images(cutting.film())} == {(64, 36)}


@pytest.mark.parametrize("damage", ["middle", "cut", "empty", "text"])
def test_a_damaged_clip_is_refused_by_name(cutting: Cutting, damage: str) -> None:
    cutting.add("fine", 3)
    path = cutting.add("broken", 40, step=5)
    content = path.read_bytes()
    start = content.index(b"mdat") + 4
    middle = start + (content.index(b"moov") - start) // 2
    changed = {
        "middle": content[: middle - 400] + b"\xa5" * 800 + content[middle + 400 :],
        "cut": content[:middle],
        "empty": b"",
        "text": b"#EXTM3U\nhttp://127.0.0.1/a.ts\n",
    }
    path.write_bytes(changed[damage])
    with pytest.raises(Refused, match="the clip of 'broken'"):
        cutting.film()


def test_a_clip_that_ends_long_before_its_record_is_refused(cutting: Cutting) -> None:
    cutting.add("short", 10, seconds=Fraction(3))
    with pytest.raises(Refused, match=r"the clip of 'short' .* breaks off before its end"):
        cutting.film()


def test_a_missing_last_picture_is_made_up_for(cutting: Cutting) -> None:
    cutting.add("one", 10, seconds=Fraction(12, 30))
    found = shades(cutting.film())
    assert len(found) == 12 and all(one <= other for one, other in pairwise(found))


def test_all_clips_that_cannot_be_decoded_are_named_at_once(cutting: Cutting) -> None:
    for name in ("one", "two", "three", "four"):
        path = cutting.add(name, 12, tone_hz=440)
        if name in ("two", "four"):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Refused) as refusal:
        cutting.film()
    told = [(problem.file, "decoded" in problem.what) for problem in refusal.value.problems]
    assert sorted(told) == [("renders/four.mp4", True), ("renders/two.mp4", True)]
