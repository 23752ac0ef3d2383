"""The board: what the review page is told of plan and clips."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from kfpipe.domain import Take
from kfpipe.lock.states import Rendered
from kfpipe.plan.model import Action, Plan, Step
from kfpipe.review import board
from kfpipe.review.board import Board, Playable
from kfpipe.review.timeline import Gap, Join
from tests.support import makers
from tests.support.ledgers import FAITHFUL

KITTEN = makers.take("kitten")


def step(*entries: object, action: Action = Action.KEEP, **changes: object) -> Step:
    latest, *earlier = reversed(entries) if entries else (None,)
    record = None if latest is None else makers.record(latest, *earlier, is_wanted=True)  # type: ignore[arg-type]
    return Step(
        take_id=KITTEN.id, shot_id=KITTEN.shot_id, action=action, reasons=("it is so",), take=KITTEN, record=record,
        output=KITTEN.output, **changes,
    )  # type: ignore[arg-type]  # fmt: skip


def made(one: Step, clip: Rendered | None = None, **amounts: Decimal | None) -> Board:
    clips = {} if clip is None else {one.take_id: Playable(entry=clip, path=clip.render.path)}
    caps = {"cap": None, "total": None, **amounts}
    return board.make(Plan(steps=(one,), currency="USD"), clips, title="Film", cap=caps["cap"], total=caps["total"])


def test_a_clip_and_a_still_are_named_by_their_bytes_and_no_path_is_told() -> None:
    clip = makers.rendered(KITTEN)
    shown = made(step(clip), clip)
    [take] = shown.shots[0].takes
    assert take.clip is not None and take.clip.sha256 == "c" * 64 and not take.clip.is_earlier
    assert shown.files["c" * 64].path == clip.render.path and shown.files["c" * 64].mime_type == "video/mp4"
    assert [still.picture in shown.files for still in take.stills if still.picture] == [True] * len(take.stills)
    assert "renders/" not in str(shown.shots[0].as_json())


@pytest.mark.parametrize(("least", "is_marked"), [("0.71", False), ("0.72", True), ("0", False), ("1", True)])
def test_a_clip_below_the_bound_at_either_end_is_marked_and_both_values_are_told(least: str, is_marked: bool) -> None:
    clip = makers.rendered(KITTEN)
    clip = replace(clip, render=replace(clip.render, fidelity=FAITHFUL))
    clips, plan = {KITTEN.id: Playable(entry=clip, path=clip.render.path)}, Plan(steps=(step(clip),), currency="USD")
    shown = board.make(plan, clips, title="Film", cap=None, total=None, min_fidelity=Decimal(least))
    [take] = shown.shots[0].takes
    assert (take.fidelity, take.has_drifted) == (("0.98", "0.71"), is_marked)


def test_while_a_take_is_rendered_again_its_earlier_clip_is_shown() -> None:
    clip, again = makers.rendered(KITTEN), makers.submitted(KITTEN, number=2)
    now = step(clip, again, action=Action.FOLLOW)
    assert [one.entry for one in board.playable(now)] == [clip]
    [take] = made(now, clip).shots[0].takes
    assert take.is_under_way and take.clip is not None and take.clip.is_earlier


def test_why_there_is_no_clip_is_told() -> None:
    failed = makers.failed(KITTEN, code="InternalError", message="it broke")
    assert made(step(failed)).shots[0].takes[0].trouble == "InternalError: it broke"
    gone = made(step(makers.rendered(KITTEN))).shots[0].takes[0]
    assert gone.clip is None and "not where it was put" in gone.trouble
    assert made(step(action=Action.RENDER)).shots[0].takes[0].trouble == ""


def test_the_cap_is_what_is_left_to_spend() -> None:
    one = step(action=Action.RENDER)
    assert made(one).money.cap is None
    assert made(one, cap=Decimal("12.5"), total=Decimal(3)).money.cap == "3.00"
    assert made(one, cap=Decimal("0.075")).money.cap == "0.075"
    assert made(one).money.estimate == f"{KITTEN.cost:.2f}"


def test_a_shot_of_several_models_tells_what_they_are_compared_by() -> None:
    other = makers.take("kitten@seed=2", request=makers.request(model="wan3.0-video"))
    steps = tuple(
        Step(take_id=of.id, shot_id=of.shot_id, action=Action.KEEP, reasons=(), take=of, record=None, output=of.output)
        for of in (KITTEN, other)
    )
    shown = board.make(Plan(steps=steps, currency="USD"), {}, title="Film", cap=None, total=None)
    told = shown.shots[0].as_json()["models"]
    assert [(one["model"], one["takes"], one["unit_price"]) for one in told] == [
        ("wan2.7-i2v", 1, "0.10"),
        ("wan3.0-video", 1, "0.10"),
    ]
    assert made(step()).shots[0].models == ()


def test_a_shot_tells_of_its_cut_to_the_next_one() -> None:
    other = makers.take("monster")
    steps = tuple(
        Step(take_id=of.id, shot_id=of.shot_id, action=Action.KEEP, reasons=(), take=of, record=None, output=of.output)
        for of in (KITTEN, other)
    )
    join = Join(before=gap(KITTEN), after=gap(other), fidelity=Decimal("0.79"))
    shown = board.make(Plan(steps=steps, currency="USD"), {}, title="Film", cap=None, total=None, joins=[join])
    first, last = (shot.as_json()["cut"] for shot in shown.shots)
    assert last is None
    assert first == {
        "take": "kitten", "to_shot": "monster", "to_take": "monster", "fidelity": "0.79", "shares_still": False,
        "has_drifted": False,
    }  # fmt: skip


def gap(of: Take) -> Gap:
    return Gap(shot_id=of.shot_id, seconds=Decimal(5), reason="it has no clip", choices=(), take=of)
