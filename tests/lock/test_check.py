"""What a lockfile says that cannot be true."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from kfpipe.errors import Problem, Severity
from kfpipe.lock import check as audit
from kfpipe.lock import text as locktext
from kfpipe.lock.states import Lock
from tests.support.makers import record, render, rendered, result, submitted, take, task


def told(lock: Lock) -> list[Problem]:
    return [*audit.problems(b"".join(locktext.pieces(lock)), "shots.lock.json")]


def clip(name: str, **changes: object) -> Lock:
    entry = replace(rendered(take(name), of_render=render(f"renders/{name}.mp4")), task=task(f"task-{name}"))
    return {name: replace(record(entry), **changes)}  # type: ignore[arg-type]


SOUND: Lock = clip("kitten@seed=1") | clip("kitten@seed=2") | clip("walk")


def test_a_sound_record_raises_no_question() -> None:
    assert told(SOUND) == []


def test_a_cost_that_is_not_what_its_seconds_come_to_is_shown_where_it_stands() -> None:
    wrong = record(rendered(take("walk"), of_result=result(cost=Decimal("0.05"))))
    (problem,) = told({"walk": wrong})
    assert "the cost 0.05" in problem.what
    assert problem.expected == "5 s x 0.10 = 0.50"
    assert problem.position is not None


def test_a_price_that_nobody_knows_is_not_counted() -> None:
    assert told({"walk": record(rendered(take("walk", unit_price=None), of_result=result(cost=None)))}) == []


def test_one_task_cannot_be_two_takes() -> None:
    walk = record(replace(rendered(take("walk"), of_render=render("renders/walk.mp4")), task=task("task-kitten")))
    (problem,) = told(clip("kitten") | {"walk": walk})
    assert "task-kitten is already on record for 'kitten'" in problem.what


def test_one_file_cannot_be_two_clips() -> None:
    walk = record(replace(rendered(take("walk"), of_render=render("renders/kitten.mp4")), task=task("task-walk")))
    (problem,) = told(clip("kitten") | {"walk": walk})
    assert problem.expected == "one file for each take"


def test_a_shot_has_one_choice() -> None:
    twice = clip("kitten@seed=1", picked=True) | clip("kitten@seed=2", picked=True)
    (problem,) = told(twice)
    assert problem.fix == "`kfpipe pick MANIFEST kitten TAKE` chooses one"


def test_earlier_requests_are_looked_at_as_well() -> None:
    earlier = rendered(take("walk"), of_result=result(cost=Decimal(9)))
    (problem,) = told({"walk": record(submitted(take("walk"), serial=2), previous=(earlier,))})
    assert "the cost 9" in problem.what


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n"])
def test_another_spelling_of_the_same_is_a_warning(ending: bytes) -> None:
    content = b"".join(locktext.pieces(SOUND)).rstrip(b"\n") + ending
    (problem,) = audit.problems(content, "shots.lock.json")
    assert (problem.severity, problem.fix) == (Severity.WARNING, "kfpipe lock fmt shots.lock.json")
