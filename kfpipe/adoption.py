"""Whose task is that? Matching requests without an answer to tasks found in the account's list. Pure.

The list shows neither prompt nor seed. A task's prompt becomes visible when it has succeeded, so a candidate is
followed to its end and compared then. A candidate that failed was not billed, and needs no owner.
Source: API reference, section 12.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from kfpipe.lock import Asked, Submitting
from kfpipe.provider import ListedTask, TaskReport, TaskStatus

CLOCK_TOLERANCE: Final = timedelta(minutes=15)
"""How far this machine's clock and the service's may lie apart."""


LIST_LIFE: Final = timedelta(hours=24)
"""The list goes back so far. Source: API reference, section 12."""


def believable(orphan: Submitting, now: datetime) -> Submitting:
    """The request; one that was asked in the future, by a clock that was ahead, may have been asked at any time."""
    if orphan.asked.asked_at <= now:
        return orphan
    return Submitting(asked=replace(orphan.asked, asked_at=now - LIST_LIFE))


def candidates(listed: Iterable[ListedTask], orphans: Sequence[Submitting], known: Collection[str]) -> list[ListedTask]:
    """Tasks that may belong to one of `orphans`: unknown so far, young enough, and not failed; oldest first."""
    return sorted(
        (
            task
            for task in listed
            if task.task_id not in known
            and any(_in_time(task, orphan) for orphan in orphans)
            and task.status not in (TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.UNKNOWN)
        ),
        key=lambda task: (task.created_at, task.task_id),
    )


def owners(report: TaskReport, created: ListedTask, orphans: dict[str, Submitting]) -> list[str]:
    """The takes whose request fits a finished task, by time, prompt and resolution; by seconds, where that tells.

    Seconds are the weakest sign: what is billed may differ from what was asked for.
    """
    fitting = {
        take_id: orphan for take_id, orphan in orphans.items() if _in_time(created, orphan) and _fits(report, orphan)
    }
    exact = [
        take_id
        for take_id, orphan in fitting.items()
        if report.billed_seconds in (None, orphan.asked.parameters.duration_s)
    ]
    return exact or [*fitting]


def _in_time(task: ListedTask, orphan: Submitting) -> bool:
    return task.created_at >= orphan.asked.asked_at - CLOCK_TOLERANCE


def has_prompt(report: TaskReport, asked: Asked) -> bool:
    """Whether the task may have been made from this request's prompt; as long as it does not show its own, it may."""
    return report.orig_prompt is None or report.orig_prompt.strip() == asked.prompt.strip()


def _fits(report: TaskReport, orphan: Submitting) -> bool:
    asked = orphan.asked
    return has_prompt(report, asked) and report.resolution in (None, asked.parameters.resolution)
