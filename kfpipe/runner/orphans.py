"""Whose task is that? Matching requests without an answer to tasks found in the account's list. Pure.

The list shows neither prompt nor seed. A task's prompt becomes visible when it has succeeded, so a candidate is
followed to its end and compared then. A candidate that failed was not billed, and needs no owner.
Source: API reference, section 12.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Final

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


def owners(report: TaskReport, orphans: Mapping[str, Submitting], *, by_prompt: bool = True) -> list[str]:
    """The keys of the requests that fit a finished task, by prompt and resolution; by seconds, where that decides.

    Seconds are the weakest sign: what is billed may differ from what was asked for. Not `by_prompt`, where a model's
    tasks do not show theirs, or another one: then sound counts as well, and the seconds have to agree.
    """
    fitting = {key: orphan for key, orphan in orphans.items() if _fits(report, orphan, by_prompt=by_prompt)}
    exact = [
        key for key, orphan in fitting.items() if report.billed_seconds in (None, orphan.asked.parameters.duration_s)
    ]
    return exact or ([*fitting] if by_prompt else [])


def has_prompt(report: TaskReport, asked: Asked) -> bool:
    """Whether the task may have been made from this request's prompt; as long as it does not show its own, it may."""
    return report.orig_prompt is None or folded(report.orig_prompt) == folded(asked.prompt)


def folded(prompt: str) -> str:
    """A prompt as it is compared: NFC, white space folded. The service need not hand it back byte for byte."""
    return " ".join(unicodedata.normalize("NFC", prompt).split())


def twin_key(asked: Asked, *, by_prompt: bool) -> str:
    """What requests have in common that the service's list cannot tell apart: their prompt, if that can be relied on.

    Without it all requests of a model are alike, and go out one after the other: then their order tells them apart.
    """
    return folded(asked.prompt) if by_prompt else ""


def is_in_turn(task: ListedTask, sent: Moment, own: Iterable[tuple[Moment, ListedTask]]) -> bool:
    """Whether the task was made after the tasks of earlier requests, and before those of later ones.

    All is by the service's clock; the moments only say which request went out before which.
    """
    for moment, other in own:
        order = _order(moment, sent)
        if (order < 0 and other.created_at > task.created_at) or (order > 0 and other.created_at < task.created_at):
            return False
    return True


Moment = tuple[bool, float]
"""When a request went out: whether in this run, and when by its clock; else by the time of day, in seconds."""

_DOUBT_S: Final = 60.0
"""Requests of earlier runs that were noted within this time of each other may have gone out in either order."""


def _order(one: Moment, other: Moment) -> int:
    """-1, 1, or 0 where it is not known which came first."""
    if one[0] != other[0]:
        return 1 if one[0] else -1
    if not one[0] and abs(one[1] - other[1]) < _DOUBT_S:
        return 0
    return (one[1] > other[1]) - (one[1] < other[1])


def _fits(report: TaskReport, orphan: Submitting, *, by_prompt: bool) -> bool:
    asked = orphan.asked
    if report.resolution not in (None, asked.parameters.resolution):
        return False
    return has_prompt(report, asked) if by_prompt else _has_sound(report, asked)


def _has_sound(report: TaskReport, asked: Asked) -> bool:
    """Whether the clip has sound as it was asked for; what either leaves open tells nothing."""
    return None in (report.audio, asked.parameters.audio) or report.audio is asked.parameters.audio
