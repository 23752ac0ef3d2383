"""Where requests queue up for the right to be sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager, nullcontext
from typing import Final

import anyio

from kfpipe.errors import ServiceRefused
from kfpipe.provider.codes import verdict
from kfpipe.runner.pacing import Pacer

AHEAD: Final = 4
"""So many requests are made ready before their turn: while they wait, not while they hold a place. They are few: a run
that is killed leaves each on record as one that may have been sent, and the next run has to look for its task."""


class Gate:
    """Lets requests out in order of arrival, at most `limit_per_s` in any second at the service.

    A request cancelled in the queue leaves no trace. To be used within one event loop.
    """

    def __init__(self, limit_per_s: float, *, harmless: bool = False) -> None:
        self._pacer = Pacer(limit_per_s, harmless=harmless)
        self._turn = anyio.Lock(fast_acquire=True)
        self._answer = anyio.Event()
        self._ahead = anyio.Semaphore(AHEAD, fast_acquire=True)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Callable[[], None]]:
        """Wait for the right to send; the request and its whole answer belong inside.

        What it gives is to be called when the answer is here and the block goes on, so that the next one may leave.
        """
        async with self._turn:
            await self._until_free()
            self._pacer.sent(anyio.current_time())
        # Leaving the turn does not wait, so nothing can be cancelled between taking a place and this `with`.
        with ExitStack() as place:
            place.callback(self._answered)
            yield place.close

    @asynccontextmanager
    async def slot_after(self, getting_ready: Callable[[], Awaitable[None]]) -> AsyncIterator[Callable[[], None]]:
        """As `slot`, for a request that is made ready shortly before it leaves."""
        async with AsyncExitStack() as slot:
            with ExitStack() as ahead:
                with self._expecting():
                    await self._ahead.acquire()
                    ahead.callback(self._ahead.release)
                    await getting_ready()
                answered = await slot.enter_async_context(self.slot())
            yield answered

    def _expecting(self) -> AbstractContextManager[None]:
        """A request inside will wait for a slot."""
        return nullcontext()

    def _answered(self) -> None:
        self._pacer.answered(anyio.current_time())
        self._answer.set()

    def heed(self, refusal: ServiceRefused) -> None:
        """Slow down if the service asked for it, by the kind of refusal."""
        kind = verdict(refusal.code, refusal.message).throttle
        if kind is not None:
            self._pacer.throttled(anyio.current_time(), kind, refusal.retry_after_s)

    async def _until_free(self) -> None:
        while (wait_s := self._pacer.wait_s(anyio.current_time())) != 0:
            if wait_s is None:
                self._answer = anyio.Event()
                await self._answer.wait()
            else:
                await anyio.sleep(wait_s)
