"""What is left of a plan for some of its takes."""

from __future__ import annotations

from decimal import Decimal

from kfpipe.plan.model import Action, Plan, Step
from kfpipe.plan.narrow import narrowed
from tests.support.makers import step

CHAIN = [step("walk", "kitten"), step("home", "walk"), step("kitten"), step("street")]


def left(steps: list[Step], *chosen: str) -> Plan:
    return narrowed(Plan(steps=tuple(steps), currency="USD"), set(chosen).__contains__)


def actions(plan: Plan) -> dict[str, Action]:
    return {one.take_id: one.action for one in plan.steps}


def test_only_the_chosen_takes_are_left_with_their_price() -> None:
    plan = left(CHAIN, "street", "kitten")
    assert [one.take_id for one in plan.steps] == ["kitten", "street"]
    assert plan.cost == Decimal("1.00")


def test_a_chain_that_is_chosen_as_a_whole_still_waits_in_its_order() -> None:
    assert actions(left(CHAIN, "walk", "home", "kitten")) == {
        "walk": Action.WAIT,
        "home": Action.WAIT,
        "kitten": Action.RENDER,
    }


def test_a_take_whose_source_was_not_chosen_spends_nothing_and_names_it() -> None:
    plan = left(CHAIN, "walk")
    (walk,) = plan.steps
    assert walk.action is Action.DECIDE
    assert walk.reasons == ("continues from kitten, which has no clip: add -s kitten",)
    assert plan.cost == 0


def test_what_hangs_on_a_take_that_is_held_up_is_held_up_too() -> None:
    plan = left(CHAIN, "home", "walk")
    assert actions(plan) == {"walk": Action.DECIDE, "home": Action.DECIDE}
    assert plan.steps[1].reasons == ("continues from walk, which this run leaves as it is",)


def test_a_source_that_has_its_clip_need_not_be_chosen() -> None:
    steps = [step("both", "kitten", "street"), step("kitten", action=Action.KEEP), step("street")]
    assert actions(left(steps, "both", "street"))["both"] is Action.WAIT


def test_chains_may_be_longer_than_the_stack_is_deep() -> None:
    steps = [step("take0"), *(step(f"take{number}", f"take{number - 1}") for number in range(1, 3000))]
    plan = left(steps, *(one.take_id for one in steps[1:]))
    assert {one.action for one in plan.steps} == {Action.DECIDE}
