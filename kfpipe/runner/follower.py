"""Following tasks to their end: one loop over a heap of due times, however many tasks there are."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import anyio

from kfpipe.domain import TaskStatus
from kfpipe.errors import ServiceRefused, ServiceUnclear, ServiceUnreachable
from kfpipe.provider import TaskReport
from kfpipe.runner.context import RunContext
from kfpipe.runner.pacing import backoff_s
from kfpipe.runner.polling import Experience, next_look_s
from kfpipe.runner.retry import may_pass, with_retries

PATIENCE: Final = 40
"""Queries about one task that may go unanswered in a row: with the waits between, about half an hour."""

DOUBT_S: Final = 300.0
"""How long a young task may go on being UNKNOWN, or having succeeded without a link, before this run leaves it to the
next one: the service's replicas may lag behind, and neither settles anything."""

TASK_LIFE_S: Final = 24 * 3600.0
"""The service forgets a task after this. Source: API reference, section 1."""

_QUERIES_AT_ONCE: Final = 16


@dataclass(slots=True, kw_only=True, eq=False)
class _Watch:
    task_id: str
    model: str
    since_s: float
    on_status: Callable[[TaskStatus], None]
    over: anyio.Event = field(default_factory=anyio.Event)
    report: TaskReport | None = None
    trouble: Exception | None = None
    unanswered: int = 0
    doubts: int = 0
    in_doubt_since_s: float = 0.0
    status: TaskStatus = TaskStatus.PENDING
    abandoned: bool = False


class Follower:
    """Asks for every task under way as often as the query budget allows, where a result is likely."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._queries_per_second = context.settings.limits.queries_per_second
        self._due: list[tuple[float, int, _Watch]] = []
        self._ticket = count()
        self._woken = anyio.Event()
        self._watched = 0
        self._experience: dict[str, Experience] = {}

    async def until_final(
        self, task_id: str, model: str, *, age_s: float, on_status: Callable[[TaskStatus], None]
    ) -> TaskReport:
        """The report that ends the task. `on_status` is called with each new status.

        A task younger than 24 h may be reported as UNKNOWN, or as succeeded without a link: then the service has said
        so for minutes, and it proves nothing. `age_s` may be negative where clocks disagree.
        Raises `ServiceUnreachable` when the service has not answered for a long time, `ServiceRefused` when it
        refuses to report on this task.
        """
        since_s = anyio.current_time() - max(age_s, 0.0)
        watch = _Watch(task_id=task_id, model=model, since_s=since_s, on_status=on_status)
        self._watched += 1
        self._look_again(watch, self._spacing_s(watch))
        try:
            await watch.over.wait()
        finally:
            self._watched -= 1
            watch.abandoned = True
        if watch.report is None:
            raise watch.trouble or AssertionError("a watch ends with a report or a reason")
        return watch.report

    async def glance(self, task_id: str) -> TaskReport | None:
        """The report that ends the task, None as long as it is under way. Waits for the answer only.

        Raises `ServiceRefused` and `ServiceUnclear`.
        """
        report = await with_retries(lambda: self._context.provider.look(task_id), self._context.random)
        return report if report.status.is_final and not _is_doubtful(report) else None

    async def run(self) -> None:
        """Serve `until_final` until cancelled."""
        free = anyio.Semaphore(_QUERIES_AT_ONCE)
        async with anyio.create_task_group() as queries:
            while True:
                watch = await self._next_due()
                await free.acquire()
                queries.start_soon(self._look, watch, free)

    async def _next_due(self) -> _Watch:
        while True:
            wait_s = self._due[0][0] - anyio.current_time() if self._due else math.inf
            if wait_s <= 0:
                watch = heapq.heappop(self._due)[2]
                if not watch.abandoned:
                    return watch
                continue
            with anyio.move_on_after(wait_s):
                await self._woken.wait()

    def _look_again(self, watch: _Watch, wait_s: float) -> None:
        heapq.heappush(self._due, (anyio.current_time() + wait_s, next(self._ticket), watch))
        if self._due[0][2] is watch:
            self._woken.set()
            self._woken = anyio.Event()

    def _spacing_s(self, watch: _Watch) -> float:
        return next_look_s(
            self._experience.setdefault(watch.model, Experience()),
            age_s=anyio.current_time() - watch.since_s,
            watched=self._watched,
            queries_per_second=self._queries_per_second,
        )

    async def _look(self, watch: _Watch, free: anyio.Semaphore) -> None:
        try:
            report = await self._context.provider.look(watch.task_id)
        except (ServiceRefused, ServiceUnclear) as trouble:
            self._put_off(watch, trouble)
        else:
            watch.unanswered = 0
            self._take_note(watch, report)
        finally:
            free.release()

    def _put_off(self, watch: _Watch, trouble: ServiceRefused | ServiceUnclear) -> None:
        watch.unanswered += 1
        if not may_pass(trouble):
            self._end(watch, trouble=trouble)
        elif watch.unanswered >= PATIENCE:
            self._end(watch, trouble=ServiceUnreachable(f"no answer about task {watch.task_id}: {trouble}"))
        else:
            wait_s = backoff_s(watch.unanswered, trouble.retry_after_s, self._context.random.random())
            self._look_again(watch, wait_s)

    def _take_note(self, watch: _Watch, report: TaskReport) -> None:
        age_s = anyio.current_time() - watch.since_s
        if _is_doubtful(report) and age_s < TASK_LIFE_S and not self._has_doubted_enough(watch):
            self._look_again(watch, backoff_s(watch.doubts, None, self._context.random.random()))
            return
        if report.status.is_final:
            if report.status is TaskStatus.SUCCEEDED:
                self._experience[watch.model].learn(age_s)
            self._end(watch, report=report)
            return
        watch.doubts = 0
        if report.status is not watch.status:
            watch.status = report.status
            watch.on_status(report.status)
        self._look_again(watch, self._spacing_s(watch))

    def _has_doubted_enough(self, watch: _Watch) -> bool:
        now_s = anyio.current_time()
        if not watch.doubts:
            watch.in_doubt_since_s = now_s
        watch.doubts += 1
        return now_s - watch.in_doubt_since_s >= DOUBT_S

    def _end(self, watch: _Watch, *, report: TaskReport | None = None, trouble: Exception | None = None) -> None:
        watch.report, watch.trouble = report, trouble
        watch.over.set()


def _is_doubtful(report: TaskReport) -> bool:
    """Whether the report says something that cannot stay true of a task that was paid for."""
    without_link = report.status is TaskStatus.SUCCEEDED and report.video_url is None
    return without_link or report.status is TaskStatus.UNKNOWN
