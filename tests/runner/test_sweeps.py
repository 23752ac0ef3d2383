"""Many tasks are watched by the account's task list, as far as that can be relied on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import trio
import trio.testing

from kfpipe.catalogue import shipped
from kfpipe.domain import TaskStatus
from kfpipe.emulator import Emulator
from kfpipe.events import Event, ListDistrusted
from kfpipe.provider.client import DashScope
from kfpipe.runner.follower import Follower
from kfpipe.runner.gate import Gate
from kfpipe.runner.list_trust import LAGS, OMITS
from kfpipe.runner.queries import Paced
from kfpipe.runner.sweeps import Sweeps
from kfpipe.runner.watches import Watches

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("anyio_backend", ["asyncio"])]

MODEL = "wan2.7-i2v"
TASKS = 60
QUERIES_PER_SECOND = 40
FACTOR = 20.0


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(
        factor=FACTOR,
        region="singapore",
        queue_s=0,
        run_s=(120, 140),
        film="tiny",
        limits={"queries_per_second": QUERIES_PER_SECOND, "concurrent_tasks": TASKS},
    ) as running:
        yield running


@dataclass
class Following:
    """What following the emulator's tasks to their ends came to."""

    emulator: Emulator
    project: Path
    events: list[Event] = field(default_factory=list)
    seen: Counter[TaskStatus] = field(default_factory=Counter)

    async def follow(self, *faults: Any, left_s: float = 10) -> None:
        """To be called when the tasks have that many virtual seconds left at least."""
        began_at = self.emulator.clock.now() - 120 + left_s
        tasks = [self.emulator.account.plant(f"Cat {n}.", MODEL, began_at) for n in range(TASKS)]
        self.emulator.script(*faults)
        async with self._provider() as provider:
            context: Any = SimpleNamespace(
                provider=Paced(provider, Gate(QUERIES_PER_SECOND)),
                settings=SimpleNamespace(limits=SimpleNamespace(queries_per_second=QUERIES_PER_SECOND)),
                random=Random(1),
                emit=self.events.append,
                first_seen_s={},
            )
            await self._all(Follower(context), [task.id for task in tasks])

    def _provider(self) -> DashScope:
        return DashScope(
            base_url=self.emulator.base_url,
            api_key="sk-test",
            region="singapore",
            catalogue=shipped(),
            project=self.project,
            uploads_file=self.project / "uploads.json",
        )

    async def _all(self, follower: Follower, task_ids: list[str]) -> None:
        async def one(task_id: str) -> None:
            report = await follower.until_final(
                task_id, MODEL, age_s=0, on_status=lambda status: self.seen.update([status])
            )
            self.seen[report.status] += 1

        async with anyio.create_task_group() as service:
            service.start_soon(follower.run)
            async with anyio.create_task_group() as waiting:
                for task_id in task_ids:
                    waiting.start_soon(one, task_id)
            service.cancel_scope.cancel()

    @property
    def requests(self) -> Counter[str]:
        return Counter(str(request["phase"]) for request in self.emulator.requests())

    @property
    def complaints(self) -> list[str]:
        return [event.reason for event in self.events if isinstance(event, ListDistrusted)]


@pytest.fixture
def following(emulator: Emulator, tmp_path: Path) -> Following:
    return Following(emulator, tmp_path)


async def test_a_task_that_the_list_watches_costs_two_queries_at_most(following: Following) -> None:
    await following.follow()
    assert following.seen[TaskStatus.SUCCEEDED] == TASKS
    assert following.requests["query"] <= 2 * TASKS
    assert not following.complaints
    assert following.seen[TaskStatus.RUNNING] == TASKS, "the list shows more than that a task is over"
    assert not following.emulator.account.throttled


async def test_smaller_pages_than_asked_for_are_taken_as_they_come(following: Following) -> None:
    await following.follow({"on": "list", "do": "small-pages", "size": 10})
    assert following.seen[TaskStatus.SUCCEEDED] == TASKS
    assert following.requests["query"] <= 2 * TASKS
    assert not following.complaints
    assert not following.emulator.account.throttled


async def test_a_list_that_leaves_tasks_out_now_and_then_costs_no_task_a_third_query(following: Following) -> None:
    """As pages do that move while they are read: each of these readings shows none of the tasks."""
    await following.follow(*({"on": "list", "nth": reading, "do": "blind"} for reading in (3, 6, 9)), left_s=40)
    assert following.seen[TaskStatus.SUCCEEDED] == TASKS
    assert following.requests["query"] <= 2 * TASKS
    assert not following.complaints


async def test_where_large_pages_are_refused_the_documented_size_is_asked_for(following: Following) -> None:
    refusal = {"status": 400, "code": "InvalidParameter", "message": "page_size is too large"}
    await following.follow({"on": "list", "nth": 1, "do": "answer", **refusal})
    assert following.seen[TaskStatus.SUCCEEDED] == TASKS
    assert following.requests["query"] <= 2 * TASKS
    sizes = Counter(request["query"].get("page_size") for request in following.emulator.requests())
    assert (sizes["100"], sizes["10"] > 1) == (1, True)


async def test_a_list_that_lags_behind_is_given_up_for_single_queries(following: Following) -> None:
    await following.follow({"on": "list", "do": "stale", "seconds": 100})
    assert following.seen[TaskStatus.SUCCEEDED] == TASKS
    assert following.complaints == [LAGS]


async def test_a_list_that_leaves_tasks_out_is_given_up_for_single_queries(following: Following) -> None:
    await following.follow({"on": "list", "do": "blind"}, left_s=80)
    assert following.seen[TaskStatus.SUCCEEDED] == TASKS
    assert following.complaints == [OMITS]
    assert not following.emulator.account.throttled


def test_where_few_tasks_are_waited_for_nothing_stirs_for_their_list(anyio_backend: str) -> None:
    """A run may wait for hours; the list is not read for a handful of tasks, nor is its time looked at."""
    watches = Watches()
    settings = SimpleNamespace(limits=SimpleNamespace(queries_per_second=20))
    context: Any = SimpleNamespace(settings=settings, provider=None)

    async def wait() -> float:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Sweeps(context, watches, {}, lambda _: 1.0).run)
            watches.enter("task", MODEL, 0.0, lambda _: None)
            await trio.testing.wait_all_tasks_blocked()
            idle_s = trio.lowlevel.current_statistics().seconds_to_next_deadline
            nursery.cancel_scope.cancel()
        return idle_s

    assert trio.run(wait) == math.inf
