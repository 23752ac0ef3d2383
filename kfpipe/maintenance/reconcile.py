"""Requests whose answer was lost: the tasks that may be theirs, and what a person decides about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from kfpipe.domain import ABANDONED
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Failed, Failure, Lock, Submitted, Submitting, Task, Unclear
from kfpipe.provider import ListedTask, Provider, TaskReport
from kfpipe.runner import orphans
from kfpipe.runner.retry import all_tasks, with_retries

# ---- cancel ------------------------------------------------------------------------------------------------------


# ---- reconcile ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A task that may belong to a request without an answer, as the service reports it now."""

    task: ListedTask
    report: TaskReport


def unsettled(lock: Lock) -> dict[str, Submitting | Unclear]:
    """The takes whose latest request has no task on record."""
    return {take_id: record.entry for take_id, record in lock.items() if isinstance(record.entry, Submitting | Unclear)}


async def candidates(
    entry: Submitting | Unclear, owned: set[str], provider: Provider, random: Random
) -> list[Candidate]:
    """The tasks that may be the request's own, oldest first; none that is `owned`, or that failed: it was not billed.

    A task's prompt shows when it has succeeded; until then it may be anyone's.
    """
    listed = await all_tasks(provider, entry.asked.model, random)
    found = []
    for task in orphans.candidates(listed, owned):
        report = await with_retries(lambda: provider.look(task.task_id), random)  # noqa: B023
        if orphans.has_prompt(report, entry.asked):
            found.append(Candidate(task=task, report=report))
    return found


async def adopt(take_id: str, entry: Submitting | Unclear, task_id: str, ledger: Ledger) -> None:
    """Put on record that this task is the take's own; the next run follows it."""
    task = Task(task_id=task_id, request_id=None, submitted_at=entry.asked.asked_at)
    await ledger.record(take_id, Submitted(asked=entry.asked, task=task))


async def declare_lost(take_id: str, entry: Submitting | Unclear, ledger: Ledger, now: Callable[[], datetime]) -> None:
    """Put on record that the request's task, if there ever was one, is given up; the next run submits it again."""
    message = "declared lost"
    if isinstance(entry, Unclear):
        message += f"; one of these tasks may have been its own: {', '.join(entry.candidates)}"
    failure = Failure(code=ABANDONED, message=message, request_id=None, billed=None)
    await ledger.record(take_id, Failed(asked=entry.asked, task=None, failed_at=now(), failure=failure))


# ---- verify ------------------------------------------------------------------------------------------------------
