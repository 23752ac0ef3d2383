"""Where one shot of a film gives way to the next: decoded to the frame."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from kfpipe.domain import CutFrom, FrameEnd, MediaRole, PictureSize, Trim
from kfpipe.errors import Refused
from kfpipe.manifest.model import FilmSettings, Transition
from tests.review.film.conftest import Cutting, images, shade, shades

A = [40 + 8 * n for n in range(12)]
B = [48 + 8 * n for n in range(10)]


def dissolve(seconds: str) -> FilmSettings:
    return FilmSettings(transition=Transition.DISSOLVE, transition_s=Decimal(seconds))


def near(found: list[int], expected: list[int]) -> bool:
    return len(found) == len(expected) and all(
        abs(one - other) <= 3 for one, other in zip(found, expected, strict=True)
    )


def test_every_picture_of_every_clip_is_shown_once_in_order(cutting: Cutting) -> None:
    cutting.add("one", 12)
    cutting.add("two", 10, base=48)
    found = shades(cutting.film())
    assert near(found, A + B), found


def test_the_still_that_two_neighbours_share_is_shown_once(cutting: Cutting) -> None:
    cutting.add("one", 12, ends=("a", "b"))
    cutting.add("two", 10, base=48, ends=("b", "c"))
    cutting.add("three", 10, base=48, ends=("d", "b"))
    found = shades(cutting.film())
    assert near(found, A + B[1:] + B), found


def test_a_picture_cut_from_the_clip_before_is_shown_once(cutting: Cutting) -> None:
    cutting.add("one", 12)
    cutting.add("two", 10, base=48)
    of, known = cutting.pairs[1]
    cut = (MediaRole.FIRST_FRAME, CutFrom(take_id="one", end=FrameEnd.LAST))
    cutting.pairs[1] = (replace(of, cuts=(cut,)), known)
    assert cutting.edited().frames == 21


@pytest.mark.parametrize(
    ("first", "second"),
    [(Trim(end_s=Decimal("0.2")), None), (None, Trim(start_s=Decimal("0.2")))],
    ids=["out", "in"],
)
def test_a_shared_still_that_a_trim_cuts_away_is_not_missed(
    cutting: Cutting, first: Trim | None, second: Trim | None
) -> None:
    cutting.add("one", 12, ends=("a", "b"), trim=first)
    cutting.add("two", 12, ends=("b", "c"), trim=second)
    expected = A[: 6 if first else 12] + A[6 if second else 0 :]
    assert near(found := shades(cutting.film()), expected), found


def test_the_same_pictures_of_different_stills_are_both_kept(cutting: Cutting) -> None:
    cutting.add("one", 12)
    cutting.add("two", 12, base=40 + 8 * 11, step=-8)
    assert cutting.edited().frames == 24


def test_a_clip_of_one_shared_picture_keeps_it(cutting: Cutting) -> None:
    cutting.add("one", 12, ends=("a", "b"))
    cutting.add("two", 1, ends=("b", "b"))
    assert len(shades(cutting.film())) == 13


def test_a_dissolve_overlaps_and_shortens_the_film(cutting: Cutting) -> None:
    cutting.settings = dissolve("0.1")
    cutting.add("one", 12, base=40, step=0, ends=("a", "b"))
    cutting.add("two", 12, base=200, step=0, ends=("b", "c"))
    cutting.add("three", 12, base=40, step=0, ends=("c", "a"))
    found = shades(cutting.film())
    assert near(found, [40] * 9 + [80, 120, 160] + [200] * 6 + [160, 120, 80] + [40] * 9), found


def test_all_clips_too_short_for_their_dissolves_are_named_at_once(cutting: Cutting) -> None:
    cutting.settings = dissolve("0.3")
    for name, count in (("one", 8), ("two", 17), ("three", 30)):
        cutting.add(name, count)
    with pytest.raises(Refused) as refusal:
        cutting.edited()
    told = [problem.what for problem in refusal.value.problems]
    assert len(told) == 2 and "'one'" in "".join(told) and "'two'" in "".join(told)


# ---- sizes and rates -----------------------------------------------------------------------------------------------


def test_the_most_frequent_size_is_the_films_and_others_keep_their_shape(cutting: Cutting) -> None:
    cutting.add("wide", 3, base=200, step=0)
    cutting.add("tall", 3, base=200, step=0, size=(36, 64))
    cutting.add("wide2", 3, base=200, step=0)
    *_, tall, _, _, _ = (pictures := images(cutting.film()))
    assert pictures[0].size == (64, 36)
    row = [tall.convert("L").getpixel((column, 18)) for column in range(64)]
    bars = [column for column, value in enumerate(row) if value < 60]
    assert bars[0] == 0 and bars[-1] == 63 and 40 <= len(bars) <= 46  # 36:64 in 36 lines is 20 wide
    assert row[32] > 190


def test_the_size_can_be_set_and_is_even(cutting: Cutting) -> None:
    cutting.add("one", 2, size=(66, 38))
    cutting.settings = FilmSettings(size=PictureSize(width_px=128, height_px=72))
    assert images(cutting.film())[0].size == (128, 72)
    cutting.settings = FilmSettings()
    odd = replace(cutting.timeline.cuts[0].clip.entry.render, width_px=67, height_px=39)
    of, known = cutting.pairs[0]
    assert known is not None
    cutting.pairs[0] = (of, replace(known, entry=replace(known.entry, render=odd)))  # type: ignore[type-var]
    assert images(cutting.film())[0].size == (66, 38)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(24), Fraction(60), Fraction(16), Fraction(25)])
def test_other_rates_are_conformed_without_drift(cutting: Cutting, rate: Fraction) -> None:
    cutting.add("usual", 5)
    for number in range(3):
        cutting.add(f"other{number}", 20, rate=rate, base=40)
        cutting.add(f"usual{number}", 5)
    film = cutting.edited()
    found = shades(cutting.film())
    assert (film.rate, len(found)) == (30, film.frames)
    other = round(20 / rate * 30)
    for number in range(3):
        begins = 5 + number * (other + 5)
        clip = found[begins : begins + other]
        assert clip == sorted(clip)
        assert abs(clip[0] - 40) <= 3 and abs(clip[-1] - (40 + 8 * 19)) <= 3
        middle = 40 + 8 * (other // 2 * rate / 30)
        assert abs(clip[other // 2] - middle) <= 11


def test_a_variable_rate_is_followed_by_its_times(cutting: Cutting) -> None:
    times = [0, 33, 67, 300, 333, 367]
    cutting.add("usual", 3)
    cutting.add("odd", 6, times=times, seconds=Fraction(4, 10), rate=Fraction(30))
    found = shades(cutting.film())[3:]
    assert near(found, [40, 48] + [56] * 7 + [64, 72, 80]), found


def test_the_same_film_has_the_same_bytes(cutting: Cutting) -> None:
    cutting.settings = dissolve("0.1")
    cutting.add("one", 12, tone_hz=440)
    cutting.add("two", 12, size=(36, 64))
    cutting.add_missing("three")
    assert cutting.film(name="a.mp4").read_bytes() == cutting.film(name="b.mp4").read_bytes()


def test_a_slate_is_as_long_as_the_take_would_be_and_shows_its_id(cutting: Cutting) -> None:
    cutting.add("one", 3, base=200, step=0)
    cutting.add_missing("two", 2)
    pictures = images(cutting.film())
    assert len(pictures) == 3 + 60
    assert shade(pictures[3]) < 80 and max(pictures[30].convert("L").tobytes()) > 150
