"""Who may post when: many at once, except twins; and when what the account's task list shows can be judged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import anyio

from kfpipe.errors import ServiceUnclear


@dataclass(slots=True)
class _SamePrompt:
    """The queue of the requests with one prompt; `members` wait or are on the wire."""

    turn: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))
    members: int = 0


class Interlock:
    """One model's right of way.

    The task list shows no more of a request than its prompt. So two requests with the same prompt never wait for
    their answers at the same time, and after a lost answer the next twin waits until the list was read. Other requests
    go on meanwhile: what the list shows is judged when all that were on the wire have their answers. It is then either
    on record or has lost its owner.
    """

    def __init__(self) -> None:
        self._same_prompt: dict[str, _SamePrompt] = {}
        self._on_the_wire: dict[int, anyio.Event] = {}
        self._numbers = count()
        self._list = anyio.Lock()
        self._lost: set[str] = set()
        self._way_free = anyio.Event()

    @asynccontextmanager
    async def posting(self, prompt: str) -> AsyncIterator[None]:
        """Hold while a request with this prompt is without an answer; it leaves with `ServiceUnclear` if that is lost.

        Then `looked_for` has to follow, before another request with the prompt may be made.
        """
        twins = self._same_prompt.setdefault(prompt, _SamePrompt())
        twins.members += 1
        try:
            async with twins.turn:
                while prompt in self._lost:
                    await self._way_free.wait()
                number, answered = next(self._numbers), anyio.Event()
                self._on_the_wire[number] = answered
                try:
                    yield
                except ServiceUnclear:
                    self._lost.add(prompt)
                    raise
                finally:
                    del self._on_the_wire[number]
                    answered.set()
        finally:
            twins.members -= 1
            if not twins.members:
                del self._same_prompt[prompt]

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Hold while the task list is read: one reader at a time."""
        async with self._list:
            yield

    async def all_answered(self) -> None:
        """Return when each request that is on the wire now has its answer, or has lost it."""
        for answered in [*self._on_the_wire.values()]:
            await answered.wait()

    def looked_for(self, prompt: str) -> None:
        """The list was read for a request with this prompt: its twins may continue."""
        self._lost.discard(prompt)
        waiting, self._way_free = self._way_free, anyio.Event()
        waiting.set()
