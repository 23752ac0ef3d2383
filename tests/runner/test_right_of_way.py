"""The rules that the parts of a run share: who may post, how many at once, and what happens when nobody answers."""

from __future__ import annotations

from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.events import Event, Paused, Resumed
from kfpipe.provider.codes import NOT_CONNECTED
from kfpipe.runner.breaker import SILENCES, Breaker
from kfpipe.runner.interlock import Interlock
from kfpipe.runner.slots import Slots

pytestmark = pytest.mark.anyio

NO_ROOM = ServiceRefused("Throttling.AllocationQuota", "too many tasks", status=429)


async def settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await anyio.lowlevel.checkpoint()


async def test_twins_never_wait_for_their_answers_together() -> None:
    crossing, on_the_wire, most = Interlock(), 0, 0

    async def post(prompt: str) -> None:
        nonlocal on_the_wire, most
        async with crossing.posting(prompt):
            on_the_wire += 1
            most = max(most, on_the_wire)
            await settled()
            on_the_wire -= 1

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(post, "the same")
    assert most == 1
    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(post, f"prompt {number}")
    assert most == 5


async def test_other_requests_go_on_while_the_list_is_read() -> None:
    crossing = Interlock()
    async with crossing.reading():
        with anyio.fail_after(1):
            async with crossing.posting("another"):
                pass


async def test_what_the_list_shows_is_judged_when_all_that_were_on_the_wire_have_their_answers() -> None:
    crossing = Interlock()
    log: list[str] = []
    answers = {"first": anyio.Event(), "second": anyio.Event()}

    async def post(name: str) -> None:
        async with crossing.posting(name):
            log.append(f"{name} left")
            await answers[name].wait()
            log.append(f"{name} answered")

    async def judge() -> None:
        async with crossing.reading():
            await crossing.all_answered()
            log.append("judged")

    async with anyio.create_task_group() as group:
        group.start_soon(post, "first")
        await settled()
        group.start_soon(judge)
        await settled()
        group.start_soon(post, "second")
        await settled()
        assert log == ["first left", "second left"]
        answers["first"].set()
        await settled()
        answers["second"].set()
    assert log == ["first left", "second left", "first answered", "judged", "second answered"]


async def test_after_a_lost_answer_the_next_twin_waits_until_the_list_was_read() -> None:
    crossing = Interlock()
    log: list[str] = []
    with pytest.raises(ServiceUnclear):
        async with crossing.posting("the same"):
            raise ServiceUnclear("no answer")

    async def post(prompt: str) -> None:
        async with crossing.posting(prompt):
            log.append(prompt)

    async with anyio.create_task_group() as group:
        group.start_soon(post, "the same")
        group.start_soon(post, "another")
        await settled()
        assert log == ["another"]
        async with crossing.reading():
            await settled()
        await settled()
        assert log == ["another"], "it was read for somebody else"
        crossing.looked_for("the same")
    assert log == ["another", "the same"]


async def test_a_poster_that_is_cancelled_leaves_the_way_free() -> None:
    crossing = Interlock()
    with anyio.move_on_after(0):
        async with crossing.posting("a"):
            await anyio.sleep_forever()
    with anyio.fail_after(30):
        async with crossing.reading():
            pass
        async with crossing.posting("a"):
            pass


async def test_places_are_handed_out_up_to_the_limit_and_one_less_when_the_service_complains() -> None:
    slots, inside = Slots(3), 0
    leave = anyio.Semaphore(0)

    async def work() -> None:
        nonlocal inside
        async with slots.place():
            inside += 1
            await leave.acquire()
            inside -= 1

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(work)
        await settled()
        assert inside == 3
        slots.heed(ServiceRefused("Throttling.RateQuota", "slower", status=429))
        slots.heed(NO_ROOM)
        leave.release()
        await settled()
        assert inside == 2
        leave.release()
        await settled()
        assert inside == 2
        for _ in range(4):
            leave.release()


class DeadService:
    """A provider whose every request goes unanswered until it is `back`."""

    def __init__(self, trouble: Exception) -> None:
        self.trouble: Exception | None = trouble
        self.requests = 0

    async def check_account(self) -> None:
        await self.look("account")

    async def look(self, task_id: str) -> Any:
        self.requests += 1
        await anyio.lowlevel.checkpoint()
        if self.trouble is not None:
            raise self.trouble

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


@pytest.mark.parametrize(
    "trouble", [ServiceUnclear("no answer"), ServiceRefused(NOT_CONNECTED, "no connection", status=0)], ids=repr
)
async def test_a_dead_service_is_left_in_peace_until_it_answers(trouble: Exception) -> None:
    events: list[Event] = []
    service = DeadService(trouble)
    breaker = Breaker(service, Random(1), events.append)
    for _ in range(SILENCES):
        with pytest.raises(type(trouble)):
            await breaker.look("t")
    asked_before = service.requests

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(breaker.look, "t")
        await anyio.sleep(0.2)
        assert service.requests == asked_before
        service.trouble = None
    assert service.requests == asked_before + 1 + 20
    assert [type(event) for event in events] == [Paused, Resumed]


async def test_scattered_problems_do_not_stop_a_run() -> None:
    events: list[Event] = []
    service = DeadService(ServiceUnclear("no answer"))
    breaker = Breaker(service, Random(1), events.append)
    for _ in range(SILENCES):
        with pytest.raises(ServiceUnclear):
            await breaker.look("t")
        service.trouble, kept = None, service.trouble
        await breaker.look("t")
        service.trouble = kept
    assert not events
