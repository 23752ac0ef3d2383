"""Who may post when: many at once, except twins; and none while the account's task list is being read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from kfpipe.errors import ServiceUnclear


@dataclass(slots=True)
class _SamePrompt:
    """The queue of the requests with one prompt; `members` wait or are on the wire."""

    turn: anyio.Lock = field(default_factory=anyio.Lock)
    members: int = 0


class Interlock:
    """One model's right of way.

    The task list shows no more of a request than its prompt. So two requests with the same prompt never wait for
    their answers at the same time; after a lost answer the next twin waits until the list was read; and the list is
    only read when no answer is outstanding. What it shows then is either on record or has lost its owner.
    """

    def __init__(self) -> None:
        self._same_prompt: dict[str, _SamePrompt] = {}
        self._unanswered = 0
        self._quiet = anyio.Event()
        self._quiet.set()
        self._list = anyio.Lock()
        self._is_reading = False
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
                while self._is_reading or prompt in self._lost:
                    await self._way_free.wait()
                self._enter()
                try:
                    yield
                except ServiceUnclear:
                    self._lost.add(prompt)
                    raise
                finally:
                    self._leave()
        finally:
            twins.members -= 1
            if not twins.members:
                del self._same_prompt[prompt]

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Hold while the task list is read: new requests wait, and those on the wire are waited for."""
        async with self._list:
            self._is_reading = True
            try:
                await self._quiet.wait()
                yield
            finally:
                self._is_reading = False
                self._wave_on()

    def looked_for(self, prompt: str) -> None:
        """The list was read for a request with this prompt: its twins may continue."""
        self._lost.discard(prompt)
        self._wave_on()

    def _wave_on(self) -> None:
        waiting, self._way_free = self._way_free, anyio.Event()
        waiting.set()

    def _enter(self) -> None:
        if not self._unanswered:
            self._quiet = anyio.Event()
        self._unanswered += 1

    def _leave(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._quiet.set()
