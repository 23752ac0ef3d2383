"""Places for tasks in progress: as many as the limits allow, fewer while the service refuses more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

from kfpipe.errors import ServiceRefused
from kfpipe.provider.codes import ThrottleKind, verdict
from kfpipe.runner.pacing import Allowance

_LOOK_AGAIN_S: Final = 1.0
"""How often a waiter checks whether a lowered limit has recovered."""


class NoPlace(Exception):
    """All places are held by tasks that this run does not wait for."""


class Slots:
    """At most `limit` tasks in progress at once, handed out in the order of asking."""

    def __init__(self, limit: int) -> None:
        self._allowance = Allowance.full(limit)
        self._taken = 0
        self._kept = 0
        self._turn = anyio.Lock(fast_acquire=True)
        self._freed = anyio.Event()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold while a task is in progress. Raises `NoPlace` when none will become free."""
        async with self._turn:
            while self._taken + self._kept >= self._limit():
                if self.is_full:
                    raise NoPlace
                self._freed = anyio.Event()
                with anyio.move_on_after(_LOOK_AGAIN_S):
                    await self._freed.wait()
            self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._freed.set()

    @property
    def is_full(self) -> bool:
        """Whether no place will become free again."""
        return self._kept >= self._limit()

    def keep(self) -> None:
        """A task in progress will outlive this run, and its place with it."""
        self._kept += 1

    def heed(self, refusal: ServiceRefused) -> None:
        """Use fewer places if the service refused a task because too many are in progress."""
        if verdict(refusal.code, refusal.message).throttle is ThrottleKind.QUOTA:
            # The refused task holds a place as well.
            self._allowance = self._allowance.crowded(anyio.current_time(), self._taken - 1)

    def _limit(self) -> int:
        return self._allowance.places(anyio.current_time())
