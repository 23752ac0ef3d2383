"""Requests whose answer was lost: the tasks that may be theirs, and what a person decides about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import TypeGuard

from kfpipe import catalogue
from kfpipe.domain import NO_LINK, TaskStatus
from kfpipe.lock.join import given_up
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Canceled, Entry, Failed, Lock, Lost, Submitted, Submitting, Task, Unclear, name_of
from kfpipe.plan.gather import Standing
from kfpipe.plan.model import Whose
from kfpipe.provider import ListedTask, Provider, TaskReport
from kfpipe.runner import orphans
from kfpipe.runner.retry import all_tasks, with_retries


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A task that may belong to a request without an answer, as the service reports it now."""

    task: ListedTask
    report: TaskReport


def unsettled(lock: Lock) -> dict[str, Submitting | Unclear]:
    """The requests that have no task on record, by key."""
    return {key: entry for key, entry in lock.requests.items() if isinstance(entry, Submitting | Unclear)}


def names(now: Standing, lock: Lock) -> dict[str, str]:
    """What people call each request on record: the take that asks for it, else the one that it was asked under."""
    wanted = {record.key: take_id for take_id, record in now.records.items() if record.is_wanted}
    return {key: wanted.get(key, name_of(key)) for key in lock.requests}


async def candidates(
    entry: Submitting | Unclear, owned: set[str], provider: Provider, random: Random
) -> list[Candidate]:
    """The tasks that may be the request's own, oldest first; none that is `owned`, or that failed: it was not billed.

    A task's prompt shows when it has succeeded; until then it may be anyone's, and longer where a model hides it.
    """
    by_prompt = catalogue.shows_prompt(entry.asked.model)
    listed = await all_tasks(provider, entry.asked.model, random)
    found = []
    for task in orphans.candidates(listed, owned):
        report = await with_retries(lambda: provider.look(task.task_id), random)  # noqa: B023
        if not by_prompt or orphans.has_prompt(report, entry.asked):
            found.append(Candidate(task=task, report=report))
    return found


async def unrecorded(models: Iterable[str], owned: set[str], provider: Provider, random: Random) -> list[Candidate]:
    """The account's tasks of the last 24 h that are on nobody's record, oldest first, and did not fail.

    Another machine may have made them, a script, or a run of which nothing is left.
    """
    found = []
    for model in models:
        for task in orphans.candidates(await all_tasks(provider, model, random), owned):
            report = await with_retries(lambda: provider.look(task.task_id), random)  # noqa: B023
            found.append(Candidate(task=task, report=report))
    return sorted(found, key=lambda one: (one.task.created_at, one.task.task_id))


def has_no_clip(entry: Entry) -> TypeGuard[Lost | Canceled | Failed]:
    """Whether a request was put down without a clip though the service may have one."""
    return isinstance(entry, Lost | Canceled) or (isinstance(entry, Failed) and entry.failure.code == NO_LINK)


async def looked_at_again(lock: Lock, whose: Whose, provider: Provider, random: Random) -> dict[str, TaskReport]:
    """What the service says by now of tasks that were put down without a clip, where that is one after all."""
    reports = {}
    for key, entry in lock.requests.items():
        if has_no_clip(entry) and entry.task is not None and whose.is_ours(entry.asked):
            task_id = entry.task.task_id
            report = await with_retries(lambda: provider.look(task_id), random)  # noqa: B023
            if report.status is TaskStatus.SUCCEEDED and report.video_url is not None:
                reports[key] = report
    return reports


async def adopt(key: str, entry: Entry, task_id: str, ledger: Ledger) -> None:
    """Put on record that this task is the request's own; the next run follows it."""
    task = Task(task_id=task_id, request_id=None, submitted_at=entry.asked.asked_at)
    await ledger.record(key, Submitted(asked=entry.asked, task=task))


async def declare_lost(key: str, entry: Submitting | Unclear, ledger: Ledger, now: Callable[[], datetime]) -> None:
    """Put on record that the request's task, if there ever was one, is given up; the next run submits it again."""
    await ledger.record(key, given_up(entry, replace(entry.doubts, given_up_at=now())))
