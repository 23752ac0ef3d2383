"""A plan on record: it reads back as it was, and names what has moved."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from jsonschema import Draft202012Validator

from kfpipe.files.schemas import schema_file
from kfpipe.media.facts import DiskFacts
from kfpipe.plan.decide import make
from kfpipe.plan.model import PlanFacts
from kfpipe.plan.saved import PlannedStep, moved, step_from_json, step_to_json
from tests.support.makers import NOW, failed, record, rendered, request, submitted, take, unclear

TAKES = [take("kitten"), take("monster", unit_price=None), take("walk", request=request(template="flying", prompt=""))]
LOCK = {
    "kitten": record(rendered(TAKES[0])),
    "walk": record(failed()),
    "gone": record(submitted()),
    "lost": record(unclear()),
}


def steps() -> dict[str, PlannedStep]:
    plan = make(
        TAKES,
        PlanFacts(lock=LOCK, disk=DiskFacts(clips={}), region="singapore", now=NOW),
        currency="USD",
        output_dir="renders",
    )
    return {step.take_id: PlannedStep.of(step) for step in plan.steps}


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
    bare = PlanFacts(lock={}, disk=DiskFacts(clips={}), region="singapore", now=NOW)
    dear = take("kitten", request=request(model="wan2.2-kf2v-flash"), unit_price=Decimal(9))
    edited = PlannedStep.of(make([dear], bare, currency="USD", output_dir="renders").steps[0])
    assert moved(agreed, {**agreed, "kitten": edited}) == {"kitten": "model wan2.7-i2v -> wan2.2-kf2v-flash"}
    dearer = replace(kitten, cost=Decimal(9), output="clips/kitten.mp4")
    assert moved(agreed, {**agreed, "kitten": dearer}) == {
        "kitten": "cost 0 -> 9; output renders/kitten.mp4 -> clips/kitten.mp4"
    }


def test_a_take_that_left_the_manifest_or_came_back_is_named() -> None:
    there, gone = steps()["kitten"], replace(steps()["kitten"], fingerprint=None, form=None)
    assert moved({"kitten": there}, {"kitten": gone}) == {"kitten": "it has left the manifest"}
    assert moved({"kitten": gone}, {"kitten": there}) == {"kitten": "it is back in the manifest"}
