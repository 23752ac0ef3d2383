"""Finished clips on their way here, and earlier ones that are wanted again; all are looked over when they are here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

import anyio

from kfpipe.errors import BadRender, ServiceRefused, ServiceUnclear
from kfpipe.events import TakePostponed, TakeRendered, TakeReused
from kfpipe.lock.states import Rendered, Succeeded
from kfpipe.lock.transitions import without_signature
from kfpipe.plan.model import Step
from kfpipe.provider.codes import LINK_REFUSED
from kfpipe.runner.context import Arrived, Finished, RunContext, Settled
from kfpipe.runner.examiner import Examiner, left_over
from kfpipe.runner.fetcher import Fetcher, at_the_service, why_missing

FETCHERS: Final = 4


class Delivery:
    """The way of clips from the service to their places, as a context. `settled` hears how each one ended.

    A clip that `awaits` names the take of is looked over before others continue from it: what is made from a damaged
    one is paid for in vain.
    """

    def __init__(self, context: RunContext, settled: Settled, awaits: Callable[[str], bool], *, capacity: int) -> None:
        """`capacity` is how many clips may wait; one more would hold up the lane that finished it."""
        self._context = context
        self._settled = settled
        self._awaits = awaits
        self._fetcher = Fetcher(context)
        self._examiner = Examiner(context, self._fetcher)
        self._outbox, self._inbox = anyio.create_memory_object_stream[Finished](capacity)

    async def try_places(self, steps: Sequence[Step]) -> None:
        """Raise StorageFailed unless the clips of these steps can be put in their places: before they are paid for."""
        await self._fetcher.try_folders(step.output for step in steps)

    async def send(self, clip: Finished) -> None:
        """Have the clip fetched."""
        await self._outbox.send(clip)

    def send_all(self, steps: Sequence[Step]) -> None:
        """Have the clips of these steps fetched, those whose link ends first at the front."""
        clips = [
            Finished(step=step, key=step.record.key, entry=at_the_service(step.record.entry))
            for step in steps
            if step.record is not None
        ]
        for clip in sorted(clips, key=lambda clip: clip.entry.result.url_expires_at):
            self._outbox.send_nowait(clip)

    def close(self) -> None:
        """No more clips will come."""
        self._outbox.close()

    async def fetch_all(self) -> None:
        """Fetch what is sent, until it is closed and all is here, and was looked over."""
        async with self._examiner.working(), anyio.create_task_group() as fetchers:
            for _ in range(FETCHERS):
                fetchers.start_soon(self._fetch)

    def look_over(self, steps: Sequence[Step]) -> None:
        """Have those clips looked over that are in their places, and that an earlier run has not come to."""
        for arrived in left_over(steps):
            self._examiner.send(arrived)

    def tidy(self) -> None:
        """Remove what fetching has left behind."""
        self._fetcher.tidy()

    async def _fetch(self) -> None:
        async for clip in self._inbox:
            arrived = await self._deliver(clip)
            self._context.outcome.rendered += arrived is not None
            self._settled(clip.step, arrived=await self._is_sound(arrived))

    async def _is_sound(self, arrived: Arrived | None) -> bool:
        """Whether others may continue from the clip, as far as any wait for it; it is looked over, now or later."""
        if arrived is None:
            return False
        if self._awaits(arrived.step.id):
            return await self._examiner.look_over(arrived)
        self._examiner.send(arrived)
        return True

    async def _deliver(self, clip: Finished) -> Arrived | None:
        """The clip that is here now; None where it was reported why not."""
        step, context = clip.step, self._context
        try:
            rendered, is_vouched = await self._fetcher.fetch(clip)
        except (BadRender, ServiceRefused, ServiceUnclear) as trouble:
            if isinstance(trouble, ServiceRefused) and trouble.code == LINK_REFUSED:
                await self._note_dead_link(clip.key)
            context.emit(TakePostponed(take_id=step.take_id, reason=why_missing(trouble)))
            return None
        render = rendered.render
        context.emit(
            TakeRendered(take_id=step.take_id, path=render.path, size_bytes=render.size_bytes, remarks=render.remarks)
        )
        return Arrived(step=step, key=clip.key, is_vouched=is_vouched)

    async def _note_dead_link(self, key: str) -> None:
        """Put on record that the host takes a link no more whose time is over."""
        current = self._context.ledger.lock.requests[key]
        if isinstance(current, Succeeded | Rendered) and current.result.url_expires_at <= self._context.now():
            await self._context.ledger.record(key, without_signature(current))

    async def reuse(self, steps: Sequence[Step]) -> None:
        """Bring clips into their places whose bytes are at hand elsewhere."""
        for step in steps:
            arrived = await self._reused(step)
            self._context.outcome.kept += arrived is not None
            self._settled(step, arrived=await self._is_sound(arrived))

    async def _reused(self, step: Step) -> Arrived | None:
        try:
            await self._fetcher.reuse(step)
        except BadRender as trouble:
            self._context.emit(TakePostponed(take_id=step.take_id, reason=str(trouble)))
            return None
        self._context.emit(TakeReused(take_id=step.take_id, path=step.output))
        return None if step.record is None else Arrived(step=step, key=step.record.key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outbox.close()
        self._inbox.close()
        self._examiner.close()
