"""Whose task is that? Matching requests without an answer to tasks found in the account's list. Pure.

The list shows neither prompt nor seed. A task's prompt becomes visible when it has succeeded, so a candidate is
followed to its end and compared then. A candidate that failed was not billed, and needs no owner.
Source: API reference, section 12.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Final

from kfpipe.lock import Asked, Submitting
from kfpipe.provider import ListedTask, TaskReport, TaskStatus

CLOCK_TOLERANCE: Final = timedelta(minutes=15)
"""How far this machine's clock and the service's may lie apart."""


def candidates(listed: Iterable[ListedTask], orphans: Sequence[Submitting], known: Collection[str]) -> list[ListedTask]:
    """Tasks that may belong to one of `orphans`: unknown so far, young enough, and not failed; oldest first."""
    since = min(orphan.asked.asked_at for orphan in orphans) - CLOCK_TOLERANCE
    return sorted(
        (
            task
            for task in listed
            if task.task_id not in known
            and task.created_at >= since
            and task.status not in (TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.UNKNOWN)
        ),
        key=lambda task: (task.created_at, task.task_id),
    )


def owners(report: TaskReport, created: ListedTask, orphans: dict[str, Submitting]) -> list[str]:
    """The takes whose request fits a finished task by time, prompt, seconds and resolution."""
    return [
        take_id
        for take_id, orphan in orphans.items()
        if created.created_at >= orphan.asked.asked_at - CLOCK_TOLERANCE and _fits(report, orphan)
    ]


def has_prompt(report: TaskReport, asked: Asked) -> bool:
    """Whether the task may have been made from this request's prompt; as long as it does not show its own, it may."""
    return report.orig_prompt is None or report.orig_prompt.strip() == asked.prompt.strip()


def _fits(report: TaskReport, orphan: Submitting) -> bool:
    asked = orphan.asked
    return (
        has_prompt(report, asked)
        and (report.billed_seconds is None or report.billed_seconds == asked.parameters.duration_s)
        and (report.resolution is None or report.resolution == asked.parameters.resolution)
    )
