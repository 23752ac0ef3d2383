"""Whose task is that? Matching requests without an answer to tasks found in the account's list. Pure.

The list shows neither prompt nor seed. A task's prompt becomes visible when it has succeeded, so a candidate is
followed to its end and compared then. A candidate that failed was not billed, and needs no owner.
Source: API reference, section 12.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping

from kfpipe.domain import TaskStatus
from kfpipe.lock.states import Asked, Submitting
from kfpipe.provider import ListedTask, TaskReport


def candidates(listed: Iterable[ListedTask], known: Collection[str]) -> list[ListedTask]:
    """Tasks that may belong to an unanswered request: those without an owner that are not known to have failed.

    Oldest first. Their times prove nothing: the clock by which a request was recorded may have been off by any amount.
    """
    return sorted(
        (
            task
            for task in listed
            if task.task_id not in known and task.status not in (TaskStatus.FAILED, TaskStatus.CANCELED)
        ),
        key=lambda task: (task.created_at, task.task_id),
    )


def owners(report: TaskReport, orphans: Mapping[str, Submitting]) -> list[str]:
    """The keys of the requests that fit a finished task, by prompt and resolution; by seconds, where that decides.

    Seconds are the weakest sign: what is billed may differ from what was asked for.
    """
    fitting = {key: orphan for key, orphan in orphans.items() if _fits(report, orphan)}
    exact = [
        key for key, orphan in fitting.items() if report.billed_seconds in (None, orphan.asked.parameters.duration_s)
    ]
    return exact or [*fitting]


def has_prompt(report: TaskReport, asked: Asked) -> bool:
    """Whether the task may have been made from this request's prompt; as long as it does not show its own, it may."""
    return report.orig_prompt is None or folded(report.orig_prompt) == folded(asked.prompt)


def folded(prompt: str) -> str:
    """A prompt as it is compared: NFC, white space folded. The service need not hand it back byte for byte."""
    return " ".join(unicodedata.normalize("NFC", prompt).split())


def _fits(report: TaskReport, orphan: Submitting) -> bool:
    asked = orphan.asked
    return has_prompt(report, asked) and report.resolution in (None, asked.parameters.resolution)
