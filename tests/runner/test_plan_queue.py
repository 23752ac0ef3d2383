"""The order in which a lane's takes leave their queue, and when it ends."""

from __future__ import annotations

import pytest

from kfpipe.runner.plan_queue import PlanQueue
from tests.support.makers import step

pytestmark = pytest.mark.anyio


async def test_takes_leave_in_the_order_of_the_plan_whenever_they_come() -> None:
    first, second, third = (step(take_id) for take_id in "abc")
    with PlanQueue([first, second, third]) as queue:
        for one in (third, first, second):
            queue.add(one)
        assert [one.take_id async for one in queue] == ["a", "b", "c"]


async def test_a_queue_ends_when_each_of_its_takes_has_come_or_was_dropped() -> None:
    first, second = step("a"), step("b")
    with PlanQueue([first, second]) as queue:
        queue.add(second)
        queue.drop(first)
        queue.drop(second)  # it has come already
        assert [one.take_id async for one in queue] == ["b"]


async def test_a_queue_of_takes_that_all_were_dropped_is_empty() -> None:
    only = step("a")
    with PlanQueue([only]) as queue:
        queue.drop(only)
        assert [one async for one in queue] == []
