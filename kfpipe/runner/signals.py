"""Ctrl-C, SIGTERM and the end of the terminal, passed on to a run."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import anyio.lowlevel

from kfpipe.runner.run import Run

_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@asynccontextmanager
async def interrupting(run: Run, *, enabled: bool) -> AsyncIterator[None]:
    """While the block runs, the first signal ends the run in good order, and the second at once."""
    if not enabled:
        yield
        return
    async with anyio.create_task_group() as group:
        group.start_soon(_listen, run)
        await anyio.lowlevel.checkpoint()
        yield
        group.cancel_scope.cancel()


async def _listen(run: Run) -> None:
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # as under `nohup`
    with anyio.open_signal_receiver(*heeded) as received:
        async for _ in received:
            run.interrupt()
