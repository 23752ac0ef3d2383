"""Which clip stands for each shot, and for how many frames."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from kfpipe.domain import CutFrom, FrameEnd, MediaInput, MediaRole, Take, Trim
from kfpipe.lock.records import Record
from kfpipe.media.facts import FileState
from kfpipe.review import timeline
from kfpipe.review.timeline import Cut, Gap, Join, Slot, timecode
from tests.support.makers import failed, parameters, record, render, rendered, request, shots, still, submitted, take

ONE, TWO, THREE = (take(f"cat@seed={seed}") for seed in (1, 2, 3))


def only_slot(*pairs: tuple[Take, Record | None], **how: object) -> Slot:
    (slot,) = timeline.make("Film", shots(*pairs, **how)).slots  # type: ignore[arg-type]
    return slot


def clip(of: Take, **changes: object) -> Record:
    return record(rendered(of, of_render=render(**changes)))


def test_the_only_clip_of_a_shot_stands_for_it() -> None:
    slot = only_slot((ONE, None), (TWO, clip(TWO)), (THREE, record(failed(THREE))))
    assert isinstance(slot, Cut)
    assert (slot.shot_id, slot.clip.take, slot.others) == ("cat", TWO, ())


def test_a_shot_that_the_order_leaves_out_is_no_part_of_the_timeline() -> None:
    outside = replace(take("outtake"), in_film=False)
    made = timeline.make("Film", shots((ONE, clip(ONE)), (outside, clip(outside))))
    assert ([slot.shot_id for slot in made.slots], made.left_out) == (["cat"], ("outtake",))


def test_of_several_clips_the_picked_one_stands_and_the_others_are_reported() -> None:
    slot = only_slot((ONE, clip(ONE)), (TWO, replace(clip(TWO), picked=True)), (THREE, clip(THREE)))
    assert isinstance(slot, Cut)
    assert (slot.clip.take, [other.take for other in slot.others]) == (TWO, [ONE, THREE])


@pytest.mark.parametrize(
    ("pairs", "reason", "choices"),
    [
        ([(ONE, None)], "it has no clip: it was never rendered", ()),
        ([(ONE, record(submitted(ONE)))], "it has no clip: it is submitted", ()),
        ([(ONE, None), (TWO, None)], "none of its 2 takes has a clip", ()),
        ([(ONE, clip(ONE)), (TWO, clip(TWO))], "it has 2 clips, and none is picked", (ONE.id, TWO.id)),
        (
            [(ONE, clip(ONE)), (TWO, record(failed(TWO), picked=True))],
            "the picked take cat@seed=2 has no clip: it is failed",
            (ONE.id,),
        ),
    ],
)
def test_a_shot_without_a_clear_choice_is_a_gap(
    pairs: list[tuple[Take, Record | None]], reason: str, choices: tuple[str, ...]
) -> None:
    missing = pairs[-1][0] if "clips" not in reason and "takes" not in reason else None
    assert only_slot(*pairs) == Gap(shot_id="cat", seconds=5, reason=reason, choices=choices, take=missing)


def test_a_draft_is_no_rival_of_what_the_manifest_asks_for() -> None:
    draft = replace(clip(ONE), is_wanted=False)
    slot = only_slot((ONE, draft), (TWO, clip(TWO)))
    assert isinstance(slot, Cut) and slot.clip.take == TWO
    slot = only_slot((ONE, draft), (TWO, clip(TWO)), (THREE, clip(THREE)))
    assert isinstance(slot, Gap) and slot.choices == (TWO.id, THREE.id)
    slot = only_slot((ONE, draft), (TWO, replace(clip(TWO), is_wanted=False)))
    assert isinstance(slot, Gap) and slot.choices == (ONE.id, TWO.id)


def test_a_file_that_is_not_as_it_was_rendered_is_no_clip() -> None:
    slot = only_slot((ONE, clip(ONE)), files={ONE.id: FileState.ALTERED})
    assert isinstance(slot, Gap) and slot.reason == "it has no clip: renders/cat@seed=1.mp4 is altered"


def test_a_file_outside_of_the_project_is_no_clip() -> None:
    slot = only_slot((ONE, clip(ONE)), link=lambda _: None)
    assert isinstance(slot, Gap) and slot.reason == "it has no clip: renders/cat@seed=1.mp4 leads out of the project"


@pytest.mark.parametrize("fps", ["0", "0.4", "100000"])
def test_a_rate_that_cannot_be_counted_in_is_no_clip(fps: str) -> None:
    slot = only_slot((ONE, clip(ONE, fps=Decimal(fps))))
    assert isinstance(slot, Gap) and slot.reason.endswith("frames per second is not a plausible rate")


@pytest.mark.parametrize(
    ("fps", "seconds", "rate", "frames"),
    [
        ("30", "5", Fraction(30), 150),
        ("16", "5.063", Fraction(16), 81),
        ("29.970", "5.005", Fraction(30000, 1001), 150),
        ("23.976", "5.005", Fraction(24000, 1001), 120),
        ("12.5", "2", Fraction(25, 2), 25),
        ("1", "6", Fraction(1), 6),
        ("30", "0.001", Fraction(30), 1),
    ],
)
def test_frames_are_counted_exactly(fps: str, seconds: str, rate: Fraction, frames: int) -> None:
    slot = only_slot((ONE, clip(ONE, fps=Decimal(fps), duration_s=Decimal(seconds))))
    assert isinstance(slot, Cut)
    assert (slot.clip.rate, slot.clip.frames) == (rate, frames)


def test_each_shot_begins_where_the_one_before_it_ends() -> None:
    dog, owl = take("dog", request=request(parameters=parameters(duration_s=3))), take("owl")
    made = timeline.make("Film", shots((ONE, clip(ONE)), (dog, None), (owl, clip(owl, duration_s=Decimal("2.5")))))
    assert [(slot.shot_id, start) for slot, start in made.with_starts()] == [("cat", 0), ("dog", 150), ("owl", 240)]
    assert (made.rate, made.seconds) == (30, Fraction(21, 2))


def test_clips_of_different_rates_keep_their_own() -> None:
    owl = take("owl")
    made = timeline.make("Film", shots((ONE, clip(ONE, fps=Decimal(24))), (owl, clip(owl))))
    assert [made.frames(slot) for slot in made.slots] == [120, 150]
    assert (made.rate, made.seconds) == (24, 10)


def test_a_timecode_counts_whole_frames() -> None:
    assert timecode(0, Fraction(30)) == "00:00:00:00"
    assert timecode(3600 * 25 + 61 * 25 + 24, Fraction(25)) == "01:01:01:24"
    assert timecode(30, Fraction(30000, 1001)) == "00:00:01:00"


def pair(first: Trim | None = None, second: Trim | None = None, stills: str = "same") -> Join:
    """Where one clip ends on the still with which the next one begins; alike by 0.5."""
    begins = still("b.png", ("b" if stills == "same" else "d") * 64)
    media = (MediaInput(role=MediaRole.FIRST_FRAME, medium=begins),)
    owl = take("owl", request=request(media=media), trim=second)
    cat = replace(ONE, trim=first)
    made = timeline.make("Film", shots((cat, clip(cat)), (owl, clip(owl))))
    (join,) = replace(made, fidelities=(Decimal("0.5"),)).joins
    return join


def test_only_a_picture_that_two_shots_were_given_can_drift() -> None:
    assert pair().shares_still and pair().has_drifted(Decimal("0.51")) and not pair().has_drifted(Decimal("0.5"))
    assert not pair(stills="other").shares_still and not pair(stills="other").has_drifted(Decimal(1))
    assert not replace(pair(), fidelity=None).has_drifted(Decimal(1))


@pytest.mark.parametrize(
    "trims", [{"first": Trim(end_s=Decimal(4))}, {"second": Trim(start_s=Decimal("0.5"))}], ids=["out", "in"]
)
def test_a_still_that_a_trim_takes_away_cannot_drift(trims: dict[str, Trim]) -> None:
    join = pair(**trims)
    assert join.shares_still and not join.has_drifted(Decimal(1)) and not join.repeats_picture


def test_a_take_that_goes_on_from_an_older_clip_was_to_meet_the_new_one() -> None:
    cut = CutFrom(take_id=ONE.id, end=FrameEnd.LAST)
    walk = take("walk", continues=((MediaRole.FIRST_FRAME, cut),))
    (join,) = timeline.make("Film", shots((ONE, clip(ONE)), (walk, clip(walk)))).joins
    assert join.shares_still and not join.repeats_picture
