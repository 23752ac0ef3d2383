"""What is left of a plan for some of its takes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from kfpipe.plan.model import Action, Plan, Step, Wish
from kfpipe.plan.narrow import narrowed
from tests.support.makers import key, record, request, step, submitted, take

STREET = replace(step("street"), take=take("street", request=request(prompt="A street.")))
CHAIN = [step("walk", "kitten"), step("home", "walk"), step("kitten"), STREET]


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
    steps = [step("both", "kitten", "street"), step("kitten", action=Action.KEEP), STREET]
    assert actions(left(steps, "both", "street"))["both"] is Action.WAIT


def test_chains_may_be_longer_than_the_stack_is_deep() -> None:
    steps = [step("take0"), *(step(f"take{number}", f"take{number - 1}") for number in range(1, 3000))]
    plan = left(steps, *(one.take_id for one in steps[1:]))
    assert {one.action for one in plan.steps} == {Action.DECIDE}


def test_a_debt_of_the_same_name_is_no_clip_that_is_still_to_come() -> None:
    """The source is rendered; what is followed under its name is an earlier request."""
    debt = replace(step("kitten", action=Action.FOLLOW), take=None, record=record(submitted()))
    steps = [step("walk", "kitten"), step("kitten", action=Action.KEEP), debt]
    assert actions(left(steps, "walk"))["walk"] is Action.WAIT


# ---- twins: takes that ask for the very same clip --------------------------------------------------------------------


def twins(*actions_of: Action, **how: bool) -> list[Step]:
    return [replace(step(f"cat{number}", action=action), **how) for number, action in enumerate(actions_of)]


def everyone(steps: list[Step]) -> Plan:
    return narrowed(Plan(steps=tuple(steps), currency="USD"), lambda _: True)


def test_of_two_takes_that_ask_for_one_clip_the_second_waits_and_costs_nothing() -> None:
    plan = everyone(twins(Action.RENDER, Action.RENDER, Action.RENDER))
    assert list(actions(plan).values()) == [Action.RENDER, Action.WAIT, Action.WAIT]
    assert {one.sources for one in plan.steps[1:]} == {("cat0",)}
    assert plan.steps[1].reasons == ("asks for the same clip as cat0, which is paid for once",)
    assert (plan.cost, plan.cap_cost) == (Decimal("0.50"), Decimal("0.50"))


def test_a_twin_that_is_chosen_alone_is_rendered_itself() -> None:
    plan = left(twins(Action.RENDER, Action.RENDER), "cat1")
    assert actions(plan) == {"cat1": Action.RENDER}


def test_a_twin_of_a_task_under_way_is_not_followed_a_second_time() -> None:
    assert list(actions(everyone(twins(Action.FOLLOW, Action.FOLLOW))).values()) == [Action.FOLLOW, Action.WAIT]
    assert list(actions(everyone(twins(Action.DOWNLOAD, Action.DOWNLOAD))).values()) == [Action.DOWNLOAD, Action.WAIT]


def test_a_twin_that_has_the_clip_or_finds_it_waits_for_nobody() -> None:
    assert list(actions(everyone(twins(Action.KEEP, Action.REUSE, Action.KEEP))).values()) == [
        Action.KEEP,
        Action.REUSE,
        Action.KEEP,
    ]


def test_a_twin_of_what_a_person_has_to_decide_is_not_paid_for_in_its_stead() -> None:
    plan = everyone(twins(Action.DECIDE, Action.RENDER))
    assert actions(plan) == {"cat0": Action.DECIDE, "cat1": Action.DECIDE}
    assert plan.steps[1].reasons == ("asks for the same clip as cat0",)


def test_a_twin_that_a_person_wants_to_try_again_is_rendered_though_the_first_is_left() -> None:
    first, second, third = twins(Action.DECIDE, Action.RENDER, Action.RENDER)
    plan = everyone([first, replace(second, wish=Wish(retry=True)), third])
    assert actions(plan) == {"cat0": Action.DECIDE, "cat1": Action.RENDER, "cat2": Action.WAIT}
    assert plan.steps[2].sources == ("cat1",)


def test_twins_that_are_rendered_again_are_paid_for_once() -> None:
    plan = everyone(twins(Action.RENDER, Action.RENDER, wish=Wish(rerender=True)))
    assert actions(plan) == {"cat0": Action.RENDER, "cat1": Action.WAIT}
    assert plan.cost == Decimal("0.50")
    assert not plan.steps[1].wish.rerender, "or it would be rendered when the first one has its clip"


def test_one_twin_may_be_rendered_again_though_the_first_keeps_its_clip() -> None:
    kept, again, more = twins(Action.KEEP, Action.RENDER, Action.RENDER)
    plan = everyone([kept, replace(again, wish=Wish(rerender=True)), replace(more, wish=Wish(rerender=True))])
    assert actions(plan) == {"cat0": Action.KEEP, "cat1": Action.RENDER, "cat2": Action.WAIT}


def test_takes_with_a_random_seed_are_no_twins() -> None:
    drawn = take(request=request(parameters=replace(request().parameters, seed=None)))
    steps = [replace(one, take=replace(drawn, id=one.take_id)) for one in twins(Action.RENDER, Action.RENDER)]
    assert set(actions(everyone(steps)).values()) == {Action.RENDER}


# ---- debts -----------------------------------------------------------------------------------------------------------


def test_a_request_that_two_takes_ask_for_is_one_debt() -> None:
    steps = [replace(one, record=record(submitted())) for one in twins(Action.FOLLOW, Action.FOLLOW)]
    plan = everyone(steps)
    assert [(debt.key, debt.step.take_id) for debt in plan.debts] == [(key(), "cat0")]
    assert plan.debts[0].may_cost == Decimal("0.50")


def test_the_debt_of_a_twin_that_is_chosen_alone_is_not_forgotten() -> None:
    steps = [replace(one, record=record(submitted())) for one in twins(Action.FOLLOW, Action.FOLLOW)]
    assert [debt.step.take_id for debt in left(steps, "cat1").debts] == ["cat1"]
