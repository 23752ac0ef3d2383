"""Acts on the record outside of a run: cancel what still waits, settle what is unclear, compare files with the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from random import Random

from kfpipe.domain import ABANDONED, CANCELED, TaskStatus
from kfpipe.errors import BadRender, ServiceRefused
from kfpipe.files.durable import sha256_of
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Entry, Failed, Failure, Lock, Render, Rendered, Submitted, Submitting, Task, Unclear
from kfpipe.media.video import Expected, check_clip
from kfpipe.provider import ListedTask, Provider, TaskReport
from kfpipe.runner import orphans
from kfpipe.runner.retry import all_tasks, with_retries

# ---- cancel ------------------------------------------------------------------------------------------------------


class Cancelling(StrEnum):
    """What came of the wish to cancel a take's task. One that runs on will be billed."""

    CANCELED = "canceled"
    RUNS_ON = "running"
    OVER = "over"


async def cancel(
    take_id: str, entry: Submitted, provider: Provider, ledger: Ledger, now: Callable[[], datetime], random: Random
) -> Cancelling:
    """Cancel the take's task if it still waits; then that is on record, and the next run may submit it anew."""
    task_id = entry.task.task_id
    try:
        await with_retries(lambda: provider.cancel(task_id), random)
    except ServiceRefused:
        report = await with_retries(lambda: provider.look(task_id), random)
        if report.status is not TaskStatus.CANCELED:
            return Cancelling.OVER if report.status.is_final else Cancelling.RUNS_ON
    failure = Failure(code=CANCELED, message="cancelled while it waited", request_id=None, billed=False)
    await ledger.record(take_id, Failed(asked=entry.asked, task=entry.task, failed_at=now(), failure=failure))
    return Cancelling.CANCELED


# ---- reconcile ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A task that may belong to a request without an answer, as the service tells of it now."""

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
    """Put on record that the request's task, if there ever was one, is given up; the next run submits anew."""
    message = "declared lost"
    if isinstance(entry, Unclear):
        message += f"; one of these tasks may have been its own: {', '.join(entry.candidates)}"
    failure = Failure(code=ABANDONED, message=message, request_id=None, billed=None)
    await ledger.record(take_id, Failed(asked=entry.asked, task=None, failed_at=now(), failure=failure))


# ---- verify ------------------------------------------------------------------------------------------------------


class Finding(StrEnum):
    """How a rendered file compares with its record."""

    SOUND = "sound"
    MISSING = "missing"
    ALTERED = "altered"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One take's file; `detail` says what is wrong with it."""

    take_id: str
    path: str
    finding: Finding
    detail: str


def verify(lock: Lock, folder: Path) -> Iterator[Verified]:
    """Compare every rendered take's file with its digest, and decode its first and last picture."""
    for take_id in sorted(lock):
        entry: Entry = lock[take_id].entry
        if isinstance(entry, Rendered):
            finding, detail = _compared(entry.render, folder)
            yield Verified(take_id=take_id, path=entry.render.path, finding=finding, detail=detail)


def _compared(render: Render, folder: Path) -> tuple[Finding, str]:
    path = folder / render.path
    try:
        if sha256_of(path) != render.sha256:
            return Finding.ALTERED, "its digest is not the one on record"
        check_clip(path, Expected(size=None, seconds=round(render.duration_s)))
    except (FileNotFoundError, NotADirectoryError):
        return Finding.MISSING, "there is no such file"
    except (OSError, BadRender) as trouble:
        return Finding.UNREADABLE, str(trouble)
    return Finding.SOUND, ""
