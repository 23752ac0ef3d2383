"""A plan on record: it reads back as it was, and names what has moved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from jsonschema import Draft202012Validator

from kfpipe.domain import Take
from kfpipe.files.schemas import schema_file
from kfpipe.lock.states import EMPTY, Lock
from kfpipe.media.facts import DiskFacts
from kfpipe.plan.decide import make
from kfpipe.plan.model import Action, PlanFacts, Whose
from kfpipe.plan.saved import PlannedStep, moved, step_from_json, step_to_json
from tests.support.makers import (
    ACCOUNT,
    NOW,
    failed,
    key,
    records,
    rendered,
    request,
    submitted,
    submitting,
    succeeded,
    take,
    unclear,
)

MONSTER = take("monster", request=request(prompt="A monster."), unit_price=None)
TAKES = [take("kitten"), MONSTER, take("walk", request=request(template="flying", prompt=""))]
GONE, LOST = (take(name, request=request(prompt=name)) for name in ("gone", "lost"))
EARLIER = take("monster", request=request(prompt="An earlier monster."))
LOCK = Lock(
    requests={
        key("kitten"): rendered(TAKES[0], number=1),
        key("walk"): failed(TAKES[2], number=2),
        key("gone"): submitted(GONE, number=3),
        key("lost"): unclear(LOST, number=4),
        key("monster"): submitted(EARLIER, number=5),
    }
)


def steps(takes: Sequence[Take] = TAKES, lock: Lock = LOCK) -> dict[str, PlannedStep]:
    plan = make(
        takes,
        PlanFacts(
            records=records(takes, lock),
            requests=[*lock.requests.items()],
            disk=DiskFacts(clips={}),
            region="singapore",
            now=NOW,
            whose=Whose(account=ACCOUNT),
        ),
        currency="USD",
        output_dir="renders",
    )
    return {step.id: PlannedStep.of(step) for step in plan.steps}


def test_every_step_fits_the_schema_and_reads_back_as_it_was() -> None:
    step_schema = {**schema_file("planfile")["$defs"]["step"], "$defs": schema_file("planfile")["$defs"]}
    for step in steps().values():
        data = json.loads(json.dumps(step_to_json(step)))
        Draft202012Validator(step_schema).validate(data)
        assert step_from_json(data) == step


def test_the_same_plan_has_not_moved() -> None:
    assert moved(steps(), steps()) == {}


def test_what_follows_from_a_cause_is_not_reported_beside_it() -> None:
    agreed, kitten = steps(), steps()["kitten"]
    dear = take("kitten", request=request(model="wan2.2-kf2v-flash"), unit_price=Decimal(9))
    edited = steps([dear], EMPTY)["kitten"]
    assert moved(agreed, {**agreed, "kitten": edited}) == {"kitten": "model wan2.7-i2v -> wan2.2-kf2v-flash"}
    dearer = replace(kitten, cost=Decimal(9), output="clips/kitten.mp4")
    assert moved(agreed, {**agreed, "kitten": dearer}) == {
        "kitten": "cost 0 -> 9; output renders/kitten.mp4 -> clips/kitten.mp4"
    }


def test_a_take_that_left_the_manifest_or_came_back_is_named() -> None:
    assert moved(steps(), steps(TAKES[1:])) == {"kitten": "it is no longer among the takes"}
    assert moved(steps(TAKES[1:]), steps()) == {"kitten": "the plan does not contain this take"}


def test_a_debt_is_a_step_of_its_own_beside_the_take_that_bears_its_name() -> None:
    """Else one would hide the other, and the plan would not say that the take is rendered, and paid for."""
    planned = steps()
    assert (planned["monster"].action, planned[key("monster")].action) == (Action.RENDER, Action.FOLLOW)
    assert planned[key("monster")].id == key("monster")


def test_a_debt_that_is_settled_or_new_since_is_named_by_its_request() -> None:
    settled = Lock(requests={**LOCK.requests, key("gone"): rendered(GONE, number=3)})
    assert moved(steps(), steps(lock=settled)) == {key("gone"): "this request is settled"}
    assert moved(steps(lock=settled), steps()) == {key("gone"): "the plan does not contain this request"}


def test_a_debt_that_has_come_further_is_named_with_both_states() -> None:
    further = Lock(requests={**LOCK.requests, key("gone"): succeeded(GONE, number=3)})
    assert moved(steps(), steps(lock=further)) == {key("gone"): "record submitted (task-3) -> succeeded (task-3)"}


def test_a_request_that_another_one_has_taken_the_place_of_has_moved() -> None:
    """Its state, words and price are as they were, but it is not the one that was agreed to."""
    agreed = steps(TAKES[:1], Lock(requests={key("kitten"): submitting(TAKES[0])}))
    now = steps(TAKES[:1], Lock(requests={key("kitten", 9): submitting(TAKES[0])}))
    assert moved(agreed, now).keys() == {"kitten"}
