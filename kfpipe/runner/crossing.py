"""Who may post when: many at once, save for twins; and nobody while the account's task list is being read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class Crossing:
    """One model's right of way.

    The task list shows no more of a request than its prompt. So two requests with the same prompt never wait for
    their answers at the same time, and the list is only read when no answer is outstanding: what it shows then is
    either on record or has lost its owner.
    """

    def __init__(self) -> None:
        self._changed = anyio.Condition()
        self._prompts: set[str] = set()
        self._reading = False

    @asynccontextmanager
    async def posting(self, prompt: str) -> AsyncIterator[None]:
        """Hold while a request with this prompt is without an answer."""
        async with self._changed:
            while self._reading or prompt in self._prompts:
                await self._changed.wait()
            self._prompts.add(prompt)
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                async with self._changed:
                    self._prompts.discard(prompt)
                    self._changed.notify_all()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Hold while the task list is read."""
        async with self._changed:
            while self._reading or self._prompts:
                await self._changed.wait()
            self._reading = True
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                async with self._changed:
                    self._reading = False
                    self._changed.notify_all()
