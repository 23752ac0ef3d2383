"""Cancelling what is still waiting at the service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from random import Random

from kfpipe.domain import CANCELED, TaskStatus
from kfpipe.errors import ServiceRefused
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Failed, Failure, Submitted
from kfpipe.provider import Provider
from kfpipe.runner.retry import with_retries


class Cancelling(StrEnum):
    """What became of a take's task that was to be cancelled. One that continues will be billed."""

    CANCELED = "canceled"
    RUNS_ON = "running"
    OVER = "over"


async def cancel(
    take_id: str, entry: Submitted, provider: Provider, ledger: Ledger, now: Callable[[], datetime], random: Random
) -> Cancelling:
    """Cancel the take's task if it is still waiting; that is then on record, and the next run may submit it again."""
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
