"""Requests are made ready before their turn: while they wait, and a few of them only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from kfpipe.cluster.ledger import JobGate
from kfpipe.lock.book.sharing import LimitKind
from kfpipe.runner.gate import AHEAD, Gate
from kfpipe.runner.holding import Holding, SharedGate

pytestmark = pytest.mark.anyio

MANY = 3 * AHEAD


class Alone:
    """A run beside which there are no others."""

    is_alone = True

    def sign(self) -> None:
        """Nobody looks."""

    async def settle_for(self, holding: Holding) -> bool:
        return False


async def pass_through(gate: Gate, getting_ready: Callable[[], Awaitable[None]]) -> None:
    async with gate.slot_after(getting_ready):
        pass


@pytest.fixture
def ready() -> list[int]:
    """One for each request that was made ready."""
    return []


@pytest.fixture
def making_ready(ready: list[int]) -> Callable[[], Awaitable[None]]:
    async def making_ready() -> None:
        ready.append(1)

    return making_ready


async def test_a_request_is_made_ready_while_another_holds_the_only_place(
    ready: list[int], making_ready: Callable[[], Awaitable[None]]
) -> None:
    gate = Gate(1)
    async with anyio.create_task_group() as requests:
        async with gate.slot():
            requests.start_soon(pass_through, gate, making_ready)
            await anyio.wait_all_tasks_blocked()
            assert ready
        requests.cancel_scope.cancel()


async def test_no_more_requests_are_ready_than_leave_soon(
    ready: list[int], making_ready: Callable[[], Awaitable[None]]
) -> None:
    gate = Gate(1)
    async with anyio.create_task_group() as requests:
        async with gate.slot():
            for _ in range(MANY):
                requests.start_soon(pass_through, gate, making_ready)
            await anyio.wait_all_tasks_blocked()
            assert len(ready) == AHEAD
        requests.cancel_scope.cancel()


async def test_requests_on_the_wire_hold_up_nobody(
    ready: list[int], making_ready: Callable[[], Awaitable[None]]
) -> None:
    async def on_the_wire() -> None:
        async with gate.slot_after(making_ready):
            if len(ready) == MANY:
                all_ready.set()
            await anyio.sleep_forever()

    gate, all_ready = Gate(100), anyio.Event()
    async with anyio.create_task_group() as requests:
        for _ in range(MANY):
            requests.start_soon(on_the_wire)
        with anyio.fail_after(10):
            await all_ready.wait()
        requests.cancel_scope.cancel()


async def test_those_that_were_called_off_make_way(
    ready: list[int], making_ready: Callable[[], Awaitable[None]]
) -> None:
    gate = Gate(1)
    for getting_ready in (anyio.sleep_forever, making_ready):
        async with anyio.create_task_group() as requests, gate.slot():
            for _ in range(MANY):
                requests.start_soon(pass_through, gate, getting_ready)
            await anyio.wait_all_tasks_blocked()
            requests.cancel_scope.cancel()
    await pass_through(gate, making_ready)
    assert len(ready) == AHEAD + 1


async def test_a_request_that_cannot_be_made_ready_never_leaves() -> None:
    async def fail() -> None:
        raise OSError("the disk is full")

    gate = Gate(1)
    for _ in range(MANY):
        with pytest.raises(OSError, match="full"):
            await pass_through(gate, fail)
    async with gate.slot():
        """None of them took the only place."""


async def test_a_run_asks_for_places_for_all_that_will_want_one() -> None:
    holding = Holding(Alone(), LimitKind.SUBMISSIONS, "all", limit=100)
    gate = SharedGate(100, holding, harmless=False)
    async with anyio.create_task_group() as requests:
        for _ in range(MANY):
            requests.start_soon(pass_through, gate, anyio.sleep_forever)
        await anyio.wait_all_tasks_blocked()
        assert holding.wanted(anyio.current_time()) == MANY
        requests.cancel_scope.cancel()
    assert not holding.lacks


async def test_a_place_that_a_record_took_is_given_back_when_it_is_cut_short() -> None:
    given_back: list[int] = []

    async def release() -> None:
        given_back.append(1)

    ledger: Any = SimpleNamespace(release=release)
    with anyio.CancelScope() as run:
        async with anyio.create_task_group() as requests:
            requests.start_soon(pass_through, JobGate(ledger), anyio.sleep_forever)
            await anyio.wait_all_tasks_blocked()
            run.cancel()
    assert given_back
