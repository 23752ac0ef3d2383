"""Whose task is it, of several requests with one prompt whose answers were lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from kfpipe.domain import TaskStatus
from kfpipe.lock.join import Requests
from kfpipe.provider import ListedTask, TaskReport
from kfpipe.runner.adopter import Absent, Adopter, Ambiguous, Found
from kfpipe.runner.interlock import Interlock
from tests.support.makers import NOW, submitting

pytestmark = pytest.mark.anyio

MODEL = "wan2.7-i2v"
FIRST, SECOND = submitting(number=1), submitting(number=2)


class Account:
    """Its list, and reports of tasks that have succeeded, all made from the prompt of the requests."""

    def __init__(self, *task_ids: str) -> None:
        self.listed = list(task_ids)
        self.while_followed: Callable[[], None] = lambda: None
        self.was_read = anyio.Event()

    async def list_tasks(self, model: str, *, page: int, size: int) -> tuple[Sequence[ListedTask], bool]:
        tasks = [
            ListedTask(
                task_id=task_id,
                request_id=None,
                model=model,
                status=TaskStatus.RUNNING,
                created_at=NOW + timedelta(seconds=number),
            )
            for number, task_id in enumerate(self.listed)
        ]
        self.was_read.set()
        return tasks[::-1], False

    async def until_final(self, task_id: str, *_: Any, **__: Any) -> TaskReport:
        self.while_followed()
        return TaskReport(task_id=task_id, status=TaskStatus.SUCCEEDED, orig_prompt=FIRST.asked.prompt)


def adopter_in(account: Account, interlock: Interlock | None = None, **known_to_the_run: Any) -> Adopter:
    shared: dict[str, Any] = {
        "ledger": SimpleNamespace(seen={}, requests=Requests()),
        "known": set(),
        "sent_at_s": {},
        "submitted_at_s": {},
        "first_seen_s": {},
    }
    context: Any = SimpleNamespace(
        provider=account,
        random=Random(1),
        settings=SimpleNamespace(is_detached=False, list_patience_s=0.0, neighbours=set),
        now=lambda: NOW,
        **shared | known_to_the_run,
    )
    follower: Any = account
    return Adopter(context, follower, interlock or Interlock(), MODEL)


async def found(adopter: Adopter, key: str) -> str:
    answer = await adopter.find(key)
    assert isinstance(answer, Found)
    return answer.task.task_id


@pytest.mark.parametrize("order", [("cat/1", "cat/2"), ("cat/2", "cat/1")], ids=" ".join)
async def test_as_many_tasks_as_twins_belong_to_them_in_the_order_in_which_they_were_made(
    order: tuple[str, str],
) -> None:
    adopter = adopter_in(Account("task-1", "task-2"))
    adopter.expect("cat/1", FIRST)
    adopter.expect("cat/2", SECOND)
    assert {key: await found(adopter, key) for key in order} == {"cat/1": "task-1", "cat/2": "task-2"}


@pytest.mark.parametrize("tasks", [("task-1",), ("task-1", "task-2", "task-3")], ids=len)
async def test_where_tasks_are_fewer_or_more_than_twins_a_person_decides(tasks: tuple[str, ...]) -> None:
    adopter = adopter_in(Account(*tasks))
    adopter.expect("cat/1", FIRST)
    adopter.expect("cat/2", SECOND)
    answer = await adopter.find("cat/1")
    assert isinstance(answer, Ambiguous)
    assert sorted(answer.task_ids) == [*tasks]


async def test_a_task_that_was_listed_before_a_twin_was_sent_is_not_the_twins() -> None:
    """The first task is still running; meanwhile the next twin is sent, and its answer is lost as well."""
    account = Account("task-1")
    adopter = adopter_in(account)
    adopter.expect("cat/1", FIRST)
    account.while_followed = lambda: adopter.expect("cat/2", SECOND)
    assert await found(adopter, "cat/1") == "task-1"
    account.listed.append("task-2")
    account.while_followed = lambda: None
    assert await found(adopter, "cat/2") == "task-2"


@pytest.mark.parametrize("order", [("cat/1", "cat/2"), ("cat/2", "cat/1")], ids=" ".join)
@pytest.mark.parametrize("tasks", [("task-1",), ("task-1", "task-2")], ids=len)
async def test_an_earlier_run_has_seen_a_task_before_a_twin_was_on_record(
    tasks: tuple[str, ...], order: tuple[str, str]
) -> None:
    """Runs were killed one after the other: each left a request without an answer, and what it saw in the list."""
    seen = {"task-1": FIRST.asked.asked_at + timedelta(seconds=1)}
    later = submitting(number=2, asked_at=FIRST.asked.asked_at + timedelta(seconds=2))
    adopter = adopter_in(Account(*tasks), ledger=SimpleNamespace(seen=seen, requests=Requests()))
    adopter.expect("cat/1", FIRST)
    adopter.expect("cat/2", later)
    answers = {key: await adopter.find(key) for key in order}
    adopted = {key: one.task.task_id for key, one in answers.items() if isinstance(one, Found)}
    assert adopted == dict(zip(("cat/1", "cat/2"), tasks, strict=False))
    assert all(isinstance(one, Found | Absent) for one in answers.values())


async def test_a_task_that_a_list_had_shown_before_the_request_was_sent_is_not_waited_for() -> None:
    """It is nobody's here, and it may run for minutes: its prompt, which shows at its end, need not be known."""
    account = Account("task-1")
    adopter = adopter_in(account, first_seen_s={"task-1": 10.0}, sent_at_s={"cat/1": 11.0})
    account.while_followed = lambda: pytest.fail("it was followed")
    adopter.expect("cat/1", FIRST)
    assert isinstance(await adopter.find("cat/1"), Absent)


async def test_a_task_that_a_list_first_showed_after_the_request_was_sent_may_be_its_own() -> None:
    adopter = adopter_in(Account("task-1"), first_seen_s={"task-1": 11.5}, sent_at_s={"cat/1": 11.0})
    adopter.expect("cat/1", FIRST)
    assert await found(adopter, "cat/1") == "task-1"


async def test_a_task_whose_answer_is_still_under_way_is_nobody_elses() -> None:
    """Another request is on the wire while the list is read, and the list shows its task already."""
    account, interlock, known = Account("task-1"), Interlock(), set[str]()
    adopter = adopter_in(account, interlock, known=known)
    adopter.expect("cat/1", FIRST)
    followed: list[str] = []
    account.while_followed = lambda: followed.append("task-1")

    async def post() -> None:
        async with interlock.posting("another"):
            await account.was_read.wait()
            await anyio.lowlevel.checkpoint()
            known.add("task-1")

    async with anyio.create_task_group() as group:
        group.start_soon(post)
        await anyio.wait_all_tasks_blocked()
        assert isinstance(await adopter.find("cat/1"), Absent)
    assert not followed
