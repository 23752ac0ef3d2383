"""Cancelling what is still waiting at the service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from random import Random
from typing import Final

import anyio

from kfpipe.domain import CANCELED, TaskStatus
from kfpipe.errors import ServiceRefused
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Canceled, Failure, Submitted
from kfpipe.provider import Provider
from kfpipe.runner.pacing import backoff_s
from kfpipe.runner.retry import with_retries

LOOKS: Final = 4
"""How often a task is looked at that is said to be cancelled, and still seems to wait."""


class Cancelling(StrEnum):
    """What became of a take's task that was to be cancelled. One that continues will be billed.

    FOREIGN is one of another account, which was left alone.
    """

    CANCELED = "canceled"
    RUNS_ON = "running"
    OVER = "over"
    FOREIGN = "foreign"


async def cancel(
    key: str, entry: Submitted, provider: Provider, ledger: Ledger, now: Callable[[], datetime], random: Random
) -> Cancelling:
    """Cancel the request's task if it is still waiting; that is then on record, and the next run may submit it again.

    The service's yes proves nothing, nor does its no: a task that was started meanwhile continues, and is billed. Only
    the task's own status counts.
    """
    task_id = entry.task.task_id
    looks = LOOKS
    try:
        await with_retries(lambda: provider.cancel(task_id), random)
    except ServiceRefused:
        looks = 1
    status = await _status_after(task_id, provider, random, looks=looks)
    if status is not TaskStatus.CANCELED:
        return Cancelling.OVER if status in (TaskStatus.SUCCEEDED, TaskStatus.FAILED) else Cancelling.RUNS_ON
    failure = Failure(code=CANCELED, message="cancelled while it waited", request_id=None, billed=False)
    await ledger.record(key, Canceled(asked=entry.asked, task=entry.task, ended_at=now(), failure=failure))
    return Cancelling.CANCELED


async def _status_after(task_id: str, provider: Provider, random: Random, *, looks: int) -> TaskStatus:
    """The task's status, once it is one that cancelling leads to; the service's copies may lag behind its answer."""
    for attempt in range(1, looks):
        report = await with_retries(lambda: provider.look(task_id), random)
        if report.status not in (TaskStatus.PENDING, TaskStatus.UNKNOWN):
            return report.status
        await anyio.sleep(backoff_s(attempt, None, random.random()))
    return (await with_retries(lambda: provider.look(task_id), random)).status
