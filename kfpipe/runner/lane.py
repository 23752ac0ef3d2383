"""One model's takes on their way through the service: as many workers as tasks may be in progress.

A worker brings a take, from whatever state the record shows, to the end of its task. The download is left to a
fetcher, so that the worker is free for the next task meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from kfpipe.errors import Refused, ServiceRefused, ServiceUnclear
from kfpipe.events import TakePostponed
from kfpipe.lock.states import Canceled, Failed, Lost, Succeeded
from kfpipe.plan.model import Action, Step
from kfpipe.runner.context import Finished, Left, RunContext, Settled
from kfpipe.runner.lifecycle import Ending, Lifecycle, failed_event
from kfpipe.runner.plan_queue import PlanQueue
from kfpipe.runner.slots import NoPlace, Slots


class Lane:
    """The takes of one model. `deliver` hands a finished clip to the fetchers."""

    def __init__(
        self,
        context: RunContext,
        lifecycle: Lifecycle,
        slots: Slots,
        deliver: Callable[[Finished], Awaitable[None]],
        settled: Settled,
    ) -> None:
        self._context = context
        self._lifecycle = lifecycle
        self._slots = slots
        self._deliver = deliver
        self._settled = settled

    async def run(self, steps: PlanQueue, workers: int) -> None:
        """Carry out `steps` until their queue ends, in its order as far as the limits allow."""
        ready, queue = anyio.create_memory_object_stream[Step](workers)
        with steps, ready, queue:
            async with anyio.create_task_group() as group:
                group.start_soon(self._prepare, steps, ready)
                for _ in range(workers):
                    group.start_soon(self._work, queue)

    async def _prepare(self, steps: PlanQueue, ready: MemoryObjectSendStream[Step]) -> None:
        """Upload the stills of the takes that come next, so that no task in progress waits for an upload."""
        async for step in steps:
            if step.take is not None and step.action is Action.RENDER and not self._slots.is_full:
                # Errors are left to the worker, which retries and reports them.
                with suppress(Refused, ServiceRefused, ServiceUnclear):
                    await self._context.provider.media_urls(step.take.request)
            await ready.send(step)
        ready.close()

    async def _work(self, queue: MemoryObjectReceiveStream[Step]) -> None:
        async for step in queue:
            try:
                async with self._slots.place():
                    await self._conclude(step, await self._lifecycle.end_of(step))
            except NoPlace:
                self._settled(step, arrived=False)

    async def _conclude(self, step: Step, end: Ending | Left) -> None:
        """Pass on what came of a step, and report it."""
        match end:
            case Ending(key=key, entry=Succeeded() as entry):
                await self._deliver(Finished(step=step, key=key, entry=entry))
                return
            case Ending(entry=Failed() | Canceled() | Lost() as entry):
                self._count_failed(step)
                self._context.emit(failed_event(step.take_id, entry.failure, retried=False))
            case Left():
                self._leave(step, end)
        self._settled(step, arrived=False)

    def _count_failed(self, step: Step) -> None:
        """A debt that nobody waits for is settled all the same: nothing is owed, and nothing is missing."""
        outcome = self._context.outcome
        if step.take is None:
            outcome.settled += 1
        else:
            outcome.failed += 1

    def _leave(self, step: Step, left: Left) -> None:
        if left.is_under_way:
            self._context.outcome.under_way += 1
            self._slots.keep()
        elif left.reason is not None:
            self._context.emit(TakePostponed(take_id=step.take_id, reason=left.reason))
