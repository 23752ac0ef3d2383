"""What the account's list shows before a run's first request: tasks of others, which can be no later request's own."""

from __future__ import annotations

from typing import Final

import anyio
import anyio.to_thread

from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.runner.context import RunContext
from kfpipe.runner.interlock import Interlock
from kfpipe.runner.retry import all_tasks

TRIES: Final = 2
"""How often a page of the list is asked for: without a snapshot a lost answer may have to be decided by a person."""


class Snapshot:
    """The list of one model, read once."""

    def __init__(self, context: RunContext, interlock: Interlock, model: str) -> None:
        self._context = context
        self._interlock = interlock
        self._model = model
        self._turn = anyio.Lock(fast_acquire=True)
        self._is_over = False

    async def taken(self) -> None:
        """Return when it is on record, or cannot be had; the first call reads, before any request."""
        async with self._turn:
            if not self._is_over:
                async with self._interlock.reading():
                    await self._take()
                self._is_over = True

    async def _take(self) -> None:
        context = self._context
        try:
            listed = await all_tasks(context.provider, self._model, context.random, tries=TRIES)
        except (ServiceRefused, ServiceUnclear):
            return
        context.known.update(await anyio.to_thread.run_sync(context.settings.neighbours))
        await context.ledger.note_seen(task.task_id for task in listed if task.task_id not in context.known)
