"""What a lockfile says that cannot be true."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from kfpipe.errors import Problem, Refused, Severity
from kfpipe.lock import check as audit
from kfpipe.lock import text as locktext
from kfpipe.lock.join import join
from kfpipe.lock.states import Lock, Rendered
from tests.support.makers import key, render, rendered, result, submitted, take, task


def content(lock: Lock) -> bytes:
    return b"".join(locktext.pieces(lock))


def told(lock: Lock) -> list[Problem]:
    return [*audit.problems(content(lock), "shots.lock.json")]


def clip(name: str, **changes: object) -> Rendered:
    entry = replace(rendered(take(name), of_render=render(f"renders/{name}.mp4")), task=task(f"task-{name}"))
    return replace(entry, **changes)  # type: ignore[arg-type]


def ledger(**clips: Rendered) -> Lock:
    return Lock(requests={key(name): entry for name, entry in clips.items()})


SOUND = Lock(requests={key(name): clip(name) for name in ("kitten@seed=1", "kitten@seed=2", "walk")})


def test_a_sound_record_raises_no_question() -> None:
    assert told(SOUND) == []


def test_a_cost_that_is_not_what_its_seconds_come_to_is_shown_where_it_stands() -> None:
    lock = ledger(walk=clip("walk", result=result(cost=Decimal("0.05"))))
    (problem,) = told(lock)
    assert "the cost 0.05" in problem.what
    assert problem.expected == "5 s x 0.10 = 0.50"
    assert problem.position is not None
    assert '"cost": "0.05"' in content(lock).decode().splitlines()[problem.position.line - 1]


def test_a_price_that_nobody_knows_is_not_counted() -> None:
    nameless = rendered(take("walk", unit_price=None), of_result=result(cost=None))
    assert told(ledger(walk=nameless)) == []


def test_one_task_cannot_be_of_two_requests() -> None:
    lock = ledger(kitten=clip("kitten"), walk=clip("walk", task=task("task-kitten")))
    with pytest.raises(Refused) as refused:
        told(lock)
    (problem,) = refused.value.problems
    assert problem.what == "its task task-kitten is already on record for 'kitten/0000000001'"
    assert problem.position is not None
    assert "task-kitten" in content(lock).decode().splitlines()[problem.position.line - 1]
    assert problem.fix


def test_takes_that_ask_for_the_same_may_share_a_file() -> None:
    assert told(ledger(kitten=clip("kitten"), walk=clip("walk", render=render("renders/kitten.mp4")))) == []


def test_two_tasks_of_one_request_are_named_with_their_place() -> None:
    both = join(ledger(walk=clip("walk")).requests, ledger(walk=clip("walk", task=task("task-other"))).requests)
    lock = Lock(requests=both)
    (problem,) = told(lock)
    assert "it has two tasks on record: task-walk and task-other" in problem.what or (
        "it has two tasks on record: task-other and task-walk" in problem.what
    )
    assert problem.position is not None
    assert content(lock).decode().splitlines()[problem.position.line - 2].strip() == '"contradicted_by": ['
    assert "kfpipe reconcile" in problem.fix if problem.fix else False


def test_two_clips_of_one_task_are_named() -> None:
    other = clip("walk", render=render("renders/walk.mp4", sha256="d" * 64))
    lock = Lock(requests=join(ledger(walk=clip("walk")).requests, ledger(walk=other).requests))
    (problem,) = told(lock)
    assert problem.what == "there are two different clips of its task task-walk on record"


def test_every_request_is_looked_at_also_one_that_a_later_one_has_followed() -> None:
    earlier = rendered(take("walk"), of_result=result(cost=Decimal(9)))
    lock = Lock(requests={key("walk"): earlier, key("walk", 2): submitted(take("walk"), number=2)})
    (problem,) = told(lock)
    assert "the cost 9" in problem.what


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n"])
def test_another_spelling_of_the_same_is_a_warning(ending: bytes) -> None:
    (problem,) = audit.problems(content(SOUND).rstrip(b"\n") + ending, "shots.lock.json")
    assert (problem.severity, problem.fix) == (Severity.WARNING, "kfpipe lock fmt shots.lock.json")
