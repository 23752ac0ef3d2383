"""The short moments in which a run must not be cancelled: a request that costs money is on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel


class Shields:
    """All shields of a run. Normally they last as long as the work inside; after `lower`, only for a grace period."""

    def __init__(self) -> None:
        self._raised: set[anyio.CancelScope] = set()

    @asynccontextmanager
    async def raised(self) -> AsyncIterator[None]:
        """Shield the block from cancellation. A task already cancelled does not enter; one cut short learns of it."""
        await anyio.lowlevel.checkpoint()
        with anyio.CancelScope(shield=True) as scope:
            self._raised.add(scope)
            try:
                yield
            finally:
                self._raised.discard(scope)
        if scope.cancelled_caught:
            await anyio.lowlevel.checkpoint()  # the scope took the cancellation for its own; it was the whole run's

    def lower(self, grace_s: float) -> None:
        """End every raised shield within `grace_s` seconds."""
        deadline = anyio.current_time() + grace_s
        for scope in self._raised:
            scope.deadline = min(scope.deadline, deadline)
