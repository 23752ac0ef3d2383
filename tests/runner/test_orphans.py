"""Which tasks of the account may belong to a request without an answer."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from kfpipe.domain import TaskStatus
from kfpipe.provider import ListedTask, TaskReport
from kfpipe.runner.orphans import candidates, owners
from tests.support.makers import NOW, parameters, request, submitting, take

ASKED_AT = NOW - timedelta(minutes=10)


def listed(task_id: str, status: TaskStatus = TaskStatus.RUNNING, *, after_s: float = 1) -> ListedTask:
    created_at = ASKED_AT + timedelta(seconds=after_s)
    return ListedTask(task_id=task_id, request_id=None, model="wan2.7-i2v", status=status, created_at=created_at)


def report(**changes: object) -> TaskReport:
    fields: dict[str, object] = {
        "task_id": "t",
        "status": TaskStatus.SUCCEEDED,
        "orig_prompt": "A kitten looks up.",
        "billed_seconds": Decimal(5),
        "resolution": "720P",
    }
    return TaskReport(**{**fields, **changes})  # type: ignore[arg-type]


def test_candidates_have_no_owner_and_did_not_fail_oldest_first() -> None:
    tasks = [
        listed("young", after_s=20),
        listed("old", after_s=5),
        listed("known"),
        listed("failed", TaskStatus.FAILED),
        listed("canceled", TaskStatus.CANCELED),
    ]
    assert [task.task_id for task in candidates(tasks, known={"known"})] == ["old", "young"]


def test_clocks_that_differ_hide_nothing() -> None:
    assert candidates([listed("own", after_s=-23 * 3600)], known=set())


def test_the_prompt_shows_whose_task_it_is() -> None:
    monster = take("monster", request=request(prompt="A monster looks up."))
    orphans = {"kitten": submitting(), "monster": submitting(monster)}
    assert owners(report(), orphans) == ["kitten"]
    assert owners(report(orig_prompt="A monster looks up."), orphans) == ["monster"]
    assert owners(report(orig_prompt="Somebody else's."), orphans) == []


def test_the_resolution_must_fit_as_well() -> None:
    assert owners(report(resolution="1080P"), {"kitten": submitting()}) == []


def test_seconds_tell_two_requests_apart_but_exclude_nobody() -> None:
    """A clip that is billed for another length than asked for is still the request's own."""
    longer = submitting(take("b", request=request(parameters=parameters(duration_s=10))))
    assert owners(report(billed_seconds=Decimal(10)), {"a": submitting(), "b": longer}) == ["b"]
    assert owners(report(billed_seconds=Decimal(6)), {"a": submitting()}) == ["a"]


def test_what_the_service_does_not_report_excludes_nobody() -> None:
    silent = report(orig_prompt=None, billed_seconds=None, resolution=None)
    orphans = {"a": submitting(), "b": submitting(take("b"))}
    assert owners(silent, orphans) == ["a", "b"]
