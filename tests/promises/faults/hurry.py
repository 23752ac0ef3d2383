"""Both event loops on a clock that runs faster, so that time-outs and pauses of minutes pass in seconds.

Sockets, threads and the emulator keep real time; only the loop's own clock is sped up.
"""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

import anyio
from trio.testing import MockClock

T = TypeVar("T")

RATE: Final = 20.0
BACKENDS: Final = ("asyncio", "trio")
IN_FULL: Final = os.environ.get("KFPIPE_FAULTS") == "all"
"""Otherwise tests play a share, and each case on one event loop."""


def on_loops(cases: Iterable[T]) -> list[tuple[T, str]]:
    """Each case on one loop after the other, since the fault matters more than the loop; in full, on both."""
    if IN_FULL:
        return [(case, backend) for case in cases for backend in BACKENDS]
    return [(case, BACKENDS[number % len(BACKENDS)]) for number, case in enumerate(cases)]


class _Selector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / RATE)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        return super().time() * RATE


def backend_of(name: str) -> tuple[str, dict[str, Any]]:
    """The loop of this name on a fast clock, as the fixture `anyio_backend` has it."""
    options: dict[str, dict[str, Any]] = {"asyncio": {"loop_factory": _Loop}, "trio": {"clock": MockClock(rate=RATE)}}
    return name, options[name]


def run(work: Callable[..., Awaitable[T]], *args: Any, backend: str) -> T:
    """`anyio.run` on a fast clock."""
    name, options = backend_of(backend)
    return anyio.run(work, *args, backend=name, backend_options=options)
