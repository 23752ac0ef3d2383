"""The places that a run holds of the account's limits, and the gates and slots that are made of them."""

from __future__ import annotations

import heapq
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from typing import Final, Protocol

import anyio

from kfpipe.lock.book.account_book import Grant
from kfpipe.lock.book.sharing import LimitKind, Share
from kfpipe.runner.gate import Gate
from kfpipe.runner.pacing import WINDOW_S
from kfpipe.runner.slots import NoPlace, Slots

BEAT_S: Final = 0.1
"""How often a run notices what others have written; it costs two looks at the file system."""

LINGER_S: Final = 1.0
"""How long a run is taken to want what it has just had a use for."""


class Sharer(Protocol):
    """Who asks for more places, and gives back what others need more."""

    is_alone: bool

    def sign(self) -> None:
        """A request leaves now, or has its answer."""
        ...

    async def settle_for(self, holding: Holding) -> bool:
        """Ask for more places, where that may help; whether that was done."""
        ...


class Holding:
    """The places that this run holds of one limit."""

    def __init__(self, sharer: Sharer, kind: LimitKind, scope: str, limit: float, held: int = 0) -> None:
        self.kind = kind
        self.scope = scope
        self.places = max(1, int(limit))
        self.held = held
        self.may_use = held
        self.written: int | None = None
        self._sharer = sharer
        self._cycle_s = 0.0 if kind is LimitKind.TASKS else max(WINDOW_S, self.places / limit)
        self._taken = 0
        self._waiting = 0
        self._offered = 0
        self._cooling: list[float] = []
        self._peak = (0, -math.inf)
        self._turn = anyio.Lock(fast_acquire=True)
        self.changed = anyio.Event()

    @asynccontextmanager
    async def place(self, patience_s: float = math.inf) -> AsyncIterator[ExitStack]:
        """Hold while a place is taken; they are given in the order of asking. Raises `NoPlace` after that long.

        Closing what it gives leaves the place before the block ends.
        """
        with self.expecting():
            async with self._turn:
                await self._free_place(anyio.current_time() + patience_s)
                self._taken += 1
                self._sharer.sign()
        with ExitStack() as place:
            place.callback(self._leave)
            yield place

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Hold while somebody wants a place, or soon will."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def _leave(self) -> None:
        self._taken -= 1
        if self._cycle_s:
            heapq.heappush(self._cooling, anyio.current_time() + self._cycle_s)
            self._sharer.sign()
        self.changed.set()

    def keep(self) -> None:
        """A place that is taken now will not come back during this run."""
        self._taken += 1

    @property
    def lacks(self) -> bool:
        """Whether somebody waits for a place that this run does not hold."""
        return self._waiting > 0 and self._busy >= self.held < self.places

    def wanted(self, now_s: float) -> int:
        """How many places there is a use for, or was a moment ago."""
        now_wanted = min(self.places, self._waiting + self._busy)
        if now_wanted >= self._peak[0] or now_s - self._peak[1] > LINGER_S:
            self._peak = (now_wanted, now_s)
        return self._peak[0]

    def offer(self, run: str, now_s: float) -> Share:
        """What the book is told; until `take_back` nothing more is taken, so that all that is free can be given."""
        self._cool(now_s)
        self._offered = max(self.held - self._busy, 0)
        return Share(
            run=run,
            kind=self.kind,
            scope=self.scope,
            places=self.places,
            held=self.held,
            wanted=self.wanted(now_s),
            busy=min(self._busy, self.held),
        )

    def take_back(self, grant: Grant | None = None) -> None:
        """Have these places from now on; None: as many as before."""
        self._offered = 0
        if grant is not None:
            self.held, self.may_use = grant.held, grant.may_use
        self.changed.set()

    async def _free_place(self, until_s: float) -> None:
        while not self._sharer.is_alone:
            now_s = anyio.current_time()
            self._cool(now_s)
            if self._busy + self._offered < self.may_use:
                return
            self.changed = anyio.Event()
            if self.held < self.places and await self._sharer.settle_for(self):
                continue
            if now_s >= until_s:
                raise NoPlace
            cooled_s = self._cooling[0] - now_s if self._cooling else BEAT_S
            with anyio.move_on_after(min(BEAT_S, max(cooled_s, 0.0))):
                await self.changed.wait()

    @property
    def _busy(self) -> int:
        return self._taken + len(self._cooling)

    def _cool(self, now_s: float) -> None:
        while self._cooling and self._cooling[0] <= now_s:
            heapq.heappop(self._cooling)


class SharedGate(Gate):
    """A gate whose requests need a place of this run's share, too."""

    def __init__(self, limit_per_s: float, holding: Holding, *, harmless: bool) -> None:
        super().__init__(limit_per_s, harmless=harmless)
        self._holding = holding

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Callable[[], None]]:
        async with self._holding.place() as place, super().slot() as answered:
            place.callback(answered)
            yield place.close

    def _expecting(self) -> AbstractContextManager[None]:
        return self._holding.expecting()


class SharedSlots(Slots):
    """Slots whose tasks need a place of this run's share, too."""

    def __init__(self, limit: int, holding: Holding, patience_s: float) -> None:
        super().__init__(limit)
        self._holding = holding
        self._patience_s = patience_s

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        async with super().place(), self._holding.place(self._patience_s):
            yield

    def keep(self) -> None:
        super().keep()
        self._holding.keep()
