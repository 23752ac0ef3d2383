"""Clips on record, looked over before the run ends: what is found goes onto the record; a damaged one is fetched again.

A clip counts as rendered when its bytes are proven whole. What needs it decoded to its end follows here, behind
everything else. What a run does not come to is left to the next one.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import anyio

from kfpipe.errors import BadRender, ServiceRefused, ServiceUnclear, StorageFailed
from kfpipe.events import TakeExamined, TakePostponed
from kfpipe.lock.states import Fidelity, Rendered, is_unexamined
from kfpipe.media.examination import Examiners, Subject, at_once, stills_given
from kfpipe.media.posters import Posters
from kfpipe.plan.model import Action, Step
from kfpipe.runner.context import Arrived, Finished, RunContext
from kfpipe.runner.fetcher import Fetcher, at_the_service, why_missing

_PATIENCE_S: Final = 60.0
"""A clip waits no longer until the run has time for it: its link is good for hours, should it be damaged."""

_NAP_S: Final = 0.02
_NAPS: Final = 25
_LATE_S: Final = 0.002
"""A run has its hands full when its naps are longer by so much, on average."""


def left_over(steps: Iterable[Step]) -> list[Arrived]:
    """The clips in their places that an earlier run has not come to look over, each once."""
    found = {
        step.record.key: Arrived(step=step, key=step.record.key)
        for step in steps
        if step.action is Action.KEEP and step.record is not None and is_unexamined(step.record.entry)
    }
    return list(found.values())


async def time_to_spare(is_all: Callable[[], bool]) -> None:
    """Return when looking a clip over holds nothing up, neither requests nor clips on their way; or where `is_all`."""
    late_s = math.inf
    while late_s > _LATE_S * _NAPS:
        late_s = 0.0
        for _ in range(_NAPS):
            if is_all():
                return
            until_s = anyio.current_time() + _NAP_S
            await anyio.sleep_until(until_s)
            late_s += anyio.current_time() - until_s


class Examiner:
    """Looks clips over, a few at once. Those that wait are names on a list: no file is open for them."""

    def __init__(self, context: RunContext, fetcher: Fetcher) -> None:
        self._context = context
        self._fetcher = fetcher
        self._folder = context.settings.folder
        self._examiners = Examiners(Posters(context.settings.state_dir))
        self._sent, self._waiting = anyio.create_memory_object_stream[Arrived](math.inf)
        self._has_all = False

    def send(self, arrived: Arrived) -> None:
        """Have the clip looked over; never waits."""
        self._sent.send_nowait(arrived)

    def close(self) -> None:
        """Leave what still waits to the next run."""
        self._sent.close()
        self._waiting.close()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Clips are looked over while the block runs, and all that were sent when it ends."""
        with self._examiners:
            async with anyio.create_task_group() as group:
                for _ in range(at_once()):
                    group.start_soon(self._work)
                with self._sent:
                    yield
                self._has_all = True

    async def _work(self) -> None:
        async for arrived in self._waiting:
            with anyio.move_on_after(_PATIENCE_S):
                await time_to_spare(lambda: self._has_all)
            await self.look_over(arrived)

    async def look_over(self, arrived: Arrived) -> bool:
        """Look the clip over at once, unless that was done; whether it is sound, or a sound one is in its place now."""
        entry = self._context.ledger.lock.requests[arrived.key]
        if not isinstance(entry, Rendered) or not is_unexamined(entry):
            return True
        try:
            fidelity = await self._examiners.examine(self._subject(arrived, entry))
        except BadRender as damage:
            return await self._fetch_again(arrived, entry, damage)
        except StorageFailed:
            return False  # it was taken away meanwhile: the next run finds that out
        await self._note(arrived, entry, fidelity)
        return True

    async def _note(self, arrived: Arrived, entry: Rendered, fidelity: Fidelity) -> None:
        known = replace(entry, render=replace(entry.render, fidelity=fidelity))
        await self._context.ledger.record(arrived.key, known)
        self._context.emit(TakeExamined(take_id=arrived.step.take_id, first=fidelity.first, last=fidelity.last))

    async def _fetch_again(self, arrived: Arrived, entry: Rendered, damage: BadRender) -> bool:
        """Put a damaged clip aside, and a sound one in its place; whether the service has that."""
        step = arrived.step
        aside = await self._fetcher.set_apart(step.output, entry.render.sha256)
        clip = Finished(step=step, key=arrived.key, entry=at_the_service(entry))
        try:
            sound, _ = await self._fetcher.fetch(clip, instead_of=aside)
            subject = replace(self._subject(arrived, sound), is_vouched=True)  # it was decoded on its way
            await self._note(arrived, sound, await self._examiners.examine(subject))
        except (BadRender, ServiceRefused, ServiceUnclear) as trouble:
            if not isinstance(trouble, ServiceUnclear):  # else the next run tries again
                await self._fetcher.note_refused(arrived.key, entry, aside)
            self._miss(step)
            reason = f"its clip is damaged, and kept at {aside.path}: {damage}; fetched again: {why_missing(trouble)}"
            self._context.emit(TakePostponed(take_id=step.take_id, reason=reason))
            return False
        return True

    def _miss(self, step: Step) -> None:
        """Take back what was counted of a clip."""
        outcome = self._context.outcome
        if step.action in (Action.KEEP, Action.REUSE):
            outcome.kept -= 1
        else:
            outcome.rendered -= 1

    def _subject(self, arrived: Arrived, entry: Rendered) -> Subject:
        return Subject(
            clip=self._folder / arrived.step.output,
            sha256=entry.render.sha256,
            stills=stills_given(entry.asked, arrived.step.take, self._folder),
            is_vouched=arrived.is_vouched,
        )
