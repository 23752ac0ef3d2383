"""What the plan says of each take, why, and what it adds up to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from kfpipe.domain import CutFrom, FrameEnd, MediaRole, Take
from kfpipe.lock.states import Entry, Lock, Record
from kfpipe.lock.transitions import without_signature
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan.decide import make
from kfpipe.plan.model import Action, Plan, PlanFacts, Step
from tests.support.makers import (
    NOW,
    failed,
    parameters,
    record,
    rendered,
    request,
    result,
    submitted,
    submitting,
    succeeded,
    take,
    unclear,
)

DEAD = result(url_expires_at=NOW - timedelta(hours=1))


def plan_of(takes: list[Take], lock: Lock, files: dict[str, FileState] | None = None, **options: object) -> Plan:
    facts = PlanFacts(lock=lock, disk=DiskFacts(clips=files or {}), region="singapore", now=NOW)
    return make(takes, facts, currency="USD", output_dir="renders", **options)  # type: ignore[arg-type]


def step_of(entry: Entry | Record | None, file: FileState = FileState.MATCHES, **options: object) -> Step:
    lock = {} if entry is None else {"kitten": entry if isinstance(entry, Record) else record(entry)}
    return plan_of([take()], lock, {"kitten": file}, **options).steps[0]


@pytest.mark.parametrize(
    ("entry", "file", "action"),
    [
        (None, FileState.MISSING, Action.RENDER),
        (submitting(), FileState.MISSING, Action.ADOPT),
        (submitted(), FileState.MISSING, Action.FOLLOW),
        (succeeded(), FileState.MISSING, Action.DOWNLOAD),
        (succeeded(of_result=DEAD), FileState.MISSING, Action.DOWNLOAD),
        (without_signature(succeeded(of_result=DEAD)), FileState.MISSING, Action.DECIDE),
        (rendered(), FileState.MATCHES, Action.KEEP),
        (rendered(of_result=DEAD), FileState.MATCHES, Action.KEEP),
        (rendered(), FileState.MISSING, Action.DOWNLOAD),
        (rendered(), FileState.ALTERED, Action.DOWNLOAD),
        (rendered(of_result=DEAD), FileState.MISSING, Action.DECIDE),
        (failed(code="InternalError.Algo"), FileState.MISSING, Action.RENDER),
        (failed(code="DataInspectionFailed"), FileState.MISSING, Action.DECIDE),
        (failed(code="SomethingNobodyKnows"), FileState.MISSING, Action.DECIDE),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "asked") else str(value),
)
def test_each_state_has_its_next_act(entry: Entry | None, file: FileState, action: Action) -> None:
    assert step_of(entry, file).action is action


def test_only_what_may_be_billed_has_a_cost() -> None:
    assert step_of(None).cost == Decimal("0.50")
    assert step_of(submitting()).cost == Decimal("0.50")
    assert step_of(submitted()).cost == 0
    assert step_of(rendered()).cost == 0
    assert step_of(failed(code="DataInspectionFailed")).cost == 0


def test_a_changed_request_names_what_changed_with_old_and_new_values() -> None:
    before = take(request=request(parameters=parameters(seed=3, resolution="1080P"), prompt="A puppy looks up."))
    step = step_of(rendered(before))
    assert step.action is Action.RENDER
    assert step.reasons == (
        "resolution 1080P -> 720P",
        "seed 3 -> 7",
        "prompt 'A puppy looks...' -> 'A kitten looks...'",
    )


def test_a_changed_still_is_named_by_its_role_and_file() -> None:
    before = take(request=request(media=request().media[:1]))
    assert step_of(rendered(before)).reasons == ("last_frame none -> frames/b.png (bbbbbbbb)",)


def test_a_seed_that_is_to_be_drawn_now_is_named() -> None:
    wanted = take(request=request(parameters=parameters(seed=None)))
    assert plan_of([wanted], {"kitten": record(rendered(take()))}).steps[0].reasons == ("seed 7 -> random",)


def test_a_seed_that_was_drawn_is_not_named_beside_what_has_changed() -> None:
    before, wanted = (
        take(request=request(parameters=parameters(seed=None, resolution=step))) for step in ("1080P", "720P")
    )
    entry = rendered(before, parameters=parameters(seed=1234, resolution="1080P"))
    assert plan_of([wanted], {"kitten": record(entry)}).steps[0].reasons == ("resolution 1080P -> 720P",)


def test_another_effect_is_named_with_the_earlier_one() -> None:
    before, wanted = (take(request=request(prompt="", template=name)) for name in ("flying", "dancing"))
    assert plan_of([wanted], {"kitten": record(rendered(before))}).steps[0].reasons == ("template flying -> dancing",)


def test_a_changed_take_follows_its_running_task_first() -> None:
    before = take(request=request(parameters=parameters(seed=3)))
    assert step_of(submitted(before)).reasons == ("seed 3 -> 7", "the clip of its earlier task is downloaded first")


def test_a_drawn_seed_is_no_change_of_a_take_that_asked_for_a_random_one() -> None:
    wanted = take(request=request(parameters=parameters(seed=None)))
    entry = rendered(wanted, parameters=parameters(seed=1234))
    assert plan_of([wanted], {"kitten": record(entry)}, {"kitten": FileState.MATCHES}).steps[0].action is Action.KEEP


def test_a_failure_that_may_pass_is_tried_as_often_as_allowed() -> None:
    twice = record(failed(serial=2), previous=(failed(serial=1),))
    assert step_of(twice).reasons[-1] == "attempt 3 of 3"
    thrice = record(failed(serial=3), previous=(failed(serial=1), failed(serial=2)))
    assert step_of(thrice).action is Action.DECIDE


def test_failures_of_another_request_do_not_count() -> None:
    other = take(request=request(prompt="Earlier words."))
    tried = record(failed(serial=4), previous=tuple(failed(other, serial=serial) for serial in (1, 2, 3)))
    assert step_of(tried).action is Action.RENDER


def test_retry_and_rerender_turn_decisions_into_renders() -> None:
    refused = failed(code="DataInspectionFailed")
    assert step_of(refused, retry=lambda take_id: take_id == "kitten").action is Action.RENDER
    assert step_of(rendered(), retry=lambda _: True).action is Action.KEEP
    assert step_of(rendered(), rerender=lambda _: True).action is Action.RENDER
    assert step_of(submitted(), rerender=lambda _: True).action is Action.FOLLOW


def test_an_unclear_take_is_never_retried_since_it_may_be_billed_already() -> None:
    assert step_of(unclear(), retry=lambda _: True).action is Action.DECIDE
    assert step_of(unclear(), rerender=lambda _: True).action is Action.DECIDE


def test_an_edited_manifest_does_not_hide_that_an_answer_was_lost() -> None:
    edited = take(request=request(prompt="Other words."))
    (step,) = plan_of([edited], {"kitten": record(unclear())}).steps
    assert (step.action, step.reasons[0]) == (Action.DECIDE, "its answer was lost")
    (departed,) = plan_of([], {"kitten": record(unclear())}).steps
    assert departed.action is Action.DECIDE


@pytest.mark.parametrize("entry", [submitting(), submitted(), succeeded(), rendered(), unclear(), failed()])
def test_what_only_the_emulator_has_rendered_is_no_clip_of_the_service(entry: Entry) -> None:
    rehearsed = record(replace(entry, asked=replace(entry.asked, region="emulator")))
    (step,) = plan_of([take()], {"kitten": rehearsed}, {"kitten": FileState.MATCHES}).steps
    assert (step.action, step.reasons) == (Action.RENDER, ("so far rendered only with the emulator",))
    (departed,) = plan_of([], {"kitten": rehearsed}).steps
    assert departed.action is Action.FORGET


@pytest.mark.parametrize("entry", [submitting(), submitted(), unclear()])
def test_a_task_of_another_region_is_left_to_a_run_that_goes_there(entry: Entry) -> None:
    elsewhere = record(replace(entry, asked=replace(entry.asked, region="beijing")))
    edited = take(request=request(prompt="Other words."))
    for takes in ([take()], [edited], []):
        (step,) = plan_of(takes, {"kitten": elsewhere}, retry=lambda _: True).steps
        assert step.action is Action.DECIDE
        assert step.reasons[-1] == "a run with --region beijing downloads its clip"


def going_on_from(source: str, take_id: str = "walk") -> Take:
    return take(take_id, cuts=((MediaRole.FIRST_FRAME, CutFrom(take_id=source, end=FrameEnd.LAST)),))


def test_a_take_whose_source_is_stuck_still_downloads_what_was_paid_for() -> None:
    stuck = record(failed(code="DataInspectionFailed"))
    takes = [take(), going_on_from("kitten"), going_on_from("walk", "home")]
    plan = plan_of(takes, {"kitten": stuck, "walk": record(submitted())})
    kitten, walk, home = plan.steps
    assert (kitten.action, walk.action, home.action) == (Action.DECIDE, Action.FOLLOW, Action.DECIDE)
    assert plan.put_off == (walk,)
    assert (walk.ready, walk.cost) == (None, 0)
    assert home.reasons == ("continues from walk, which only a later run renders again",)


def test_a_take_that_waits_says_when_a_new_picture_would_render_it_again() -> None:
    takes = [take(), going_on_from("kitten")]
    plan = plan_of(takes, {"walk": record(rendered())})
    assert plan.steps[1].action is Action.WAIT
    assert plan.steps[1].reasons == ("continues from kitten", "rendered again if its picture changes")


def test_a_take_that_left_the_manifest_is_kept_on_record_and_what_was_paid_is_downloaded() -> None:
    plan = plan_of([], {"a": record(rendered()), "b": record(submitted()), "c": record(succeeded())})
    assert [(step.take_id, step.action) for step in plan.steps] == [
        ("a", Action.FORGET),
        ("b", Action.FOLLOW),
        ("c", Action.DOWNLOAD),
    ]
    assert plan.cost == 0
    assert plan.steps[1].output == "renders/b.mp4"
    assert plan.steps[1].model == "wan2.7-i2v"


def test_totals_add_up_by_model_and_name_what_has_no_price() -> None:
    flash = replace(request(), model="wan2.2-kf2v-flash")
    takes = [take("a"), take("b"), take("c", request=flash, unit_price=None), take("d")]
    plan = plan_of(takes, {"d": record(rendered(takes[3]))}, {"d": FileState.MATCHES})
    first, second = plan.totals()
    assert (first.model, first.takes, first.renders, first.seconds, first.cost) == (
        "wan2.7-i2v", 3, 2, 10, Decimal("1.00"),
    )  # fmt: skip
    assert (second.model, second.cost, second.unpriced) == ("wan2.2-kf2v-flash", 0, 1)
    assert plan.cost == Decimal("1.00")
    assert [step.take_id for step in plan.unpriced] == ["c"]


def test_the_plan_keeps_manifest_order_and_lists_the_departed_last() -> None:
    plan = plan_of([take("z"), take("a")], {"m": record(rendered())})
    assert [step.take_id for step in plan.steps] == ["z", "a", "m"]
