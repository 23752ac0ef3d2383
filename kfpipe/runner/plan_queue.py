"""The takes of a lane that can be made now, in the order of the plan; one that had to wait is next in line."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from types import TracebackType
from typing import Self

import anyio

from kfpipe.plan.model import Step


class PlanQueue:
    """A queue of `steps`, which come in any order and leave in this one; it ends when each has come or was dropped."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._rank = {step.id: rank for rank, step in enumerate(steps)}
        self._to_come = set(self._rank)
        self._ready: list[tuple[int, Step]] = []
        self._tickets, self._counter = anyio.create_memory_object_stream[None](len(steps))

    def add(self, step: Step) -> None:
        """One of the steps can be made now."""
        heappush(self._ready, (self._rank[step.id], step))
        self._tickets.send_nowait(None)
        self.drop(step)

    def drop(self, step: Step) -> None:
        """Wait no longer for this step; one that has come stays."""
        self._to_come.discard(step.id)
        if not self._to_come:
            self._tickets.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Step:
        await self._counter.__anext__()
        return heappop(self._ready)[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tickets.close()
        self._counter.close()
