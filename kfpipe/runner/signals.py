"""Ctrl-C, SIGTERM and the end of the terminal, passed on to runs."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import anyio
import anyio.lowlevel

from kfpipe.runner.run import Run

_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupts:
    """The runs under way, which the first signal ends in good order, and the second at once."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self.is_called = False

    @contextmanager
    def of(self, run: Run) -> Iterator[None]:
        """The run is under way as long as the block lasts; one that comes after the signal ends as it begins."""
        self._runs.append(run)
        if self.is_called:
            run.interrupt()
        try:
            yield
        finally:
            self._runs.remove(run)

    def call(self) -> None:
        """A signal has come."""
        self.is_called = True
        for run in self._runs:
            run.interrupt()


@asynccontextmanager
async def interrupting(interrupts: Interrupts, *, enabled: bool) -> AsyncIterator[None]:
    """While the block runs, signals are called out to the runs. To be opened once in a process."""
    if not enabled:
        yield
        return
    async with anyio.create_task_group() as group:
        group.start_soon(_listen, interrupts.call)
        await anyio.lowlevel.checkpoint()
        yield
        group.cancel_scope.cancel()


async def _listen(call: Callable[[], None]) -> None:
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # as under `nohup`
    with anyio.open_signal_receiver(*heeded) as received:
        async for _ in received:
            call()
