"""Following tasks to their end: one by one when each is due, and many at once by the account's task list."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Final

import anyio

from kfpipe.domain import TaskStatus
from kfpipe.errors import ServiceRefused, ServiceUnclear, ServiceUnreachable
from kfpipe.provider import TaskReport
from kfpipe.runner.context import RunContext
from kfpipe.runner.pacing import backoff_s, retry_s
from kfpipe.runner.polling import Experience, next_look_s
from kfpipe.runner.retry import may_pass, with_retries
from kfpipe.runner.sweeps import Sweeps
from kfpipe.runner.watches import Watch, Watches

PATIENCE: Final = 40
"""Queries about one task that may go unanswered in a row: with the waits between, about half an hour."""

DOUBT_S: Final = 300.0
"""How long a young task may go on being UNKNOWN, or having succeeded without a link, before this run leaves it to the
next one: the service's replicas may lag behind, and neither settles anything."""

TASK_LIFE_S: Final = 24 * 3600.0
"""The service forgets a task after this. Source: API reference, section 1."""

_QUERIES_AT_ONCE: Final = 16


class Follower:
    """Asks for every task under way as often as the query budget allows, where a result is likely.

    Many tasks at once are watched by the account's task list (see `Sweeps`), and asked for when they are off it.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._queries_per_second = context.settings.limits.queries_per_second
        self._watches = Watches()
        self._experience: defaultdict[str, Experience] = defaultdict(Experience)
        self._sweeps = Sweeps(context, self._watches, self._experience, self._spacing_s)

    async def until_final(
        self,
        task_id: str,
        model: str,
        *,
        age_s: float,
        on_status: Callable[[TaskStatus], None],
        is_over: bool = False,
    ) -> TaskReport:
        """The report that ends the task. `on_status` is called with each new status.

        A task younger than 24 h may be reported as UNKNOWN, or as succeeded without a link: then the service has said
        so for minutes, and it proves nothing. `age_s` may be negative where clocks disagree. `is_over`: the task list
        says so, and the report need not be waited for.
        Raises `ServiceUnreachable` when the service has not answered for a long time, `ServiceRefused` when it
        refuses to report on this task.
        """
        since_s = anyio.current_time() - max(age_s, 0.0)
        watch = self._watches.enter(task_id, model, since_s, on_status)
        if watch.waiters == 1 or (is_over and watch.ticket is not None):
            self._watches.place(watch, 0.0 if is_over else self._spacing_s(watch))
        try:
            await watch.over.wait()
        finally:
            self._watches.leave(watch, on_status)
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
        free = anyio.Semaphore(_QUERIES_AT_ONCE, fast_acquire=True)
        async with anyio.create_task_group() as queries:
            queries.start_soon(self._sweeps.run)
            while True:
                watch = await self._watches.next_due()
                await free.acquire()
                queries.start_soon(self._look, watch, free)

    def _spacing_s(self, watch: Watch) -> float:
        """When to ask for the task again: never, as long as the task list shows that it is in progress."""
        if watch.is_listed:
            return math.inf
        return next_look_s(
            self._experience[watch.model],
            age_s=anyio.current_time() - watch.since_s,
            watched=len(self._watches),
            queries_per_second=self._queries_per_second,
        )

    async def _look(self, watch: Watch, free: anyio.Semaphore) -> None:
        try:
            report = await self._context.provider.look(watch.task_id)
        except (ServiceRefused, ServiceUnclear) as trouble:
            self._put_off(watch, trouble)
        else:
            watch.unanswered = 0
            self._take_note(watch, report)
        finally:
            free.release()

    def _put_off(self, watch: Watch, trouble: ServiceRefused | ServiceUnclear) -> None:
        watch.unanswered += 1
        if not may_pass(trouble):
            self._end(watch, trouble=trouble)
        elif watch.unanswered >= PATIENCE:
            self._end(watch, trouble=ServiceUnreachable(f"no answer about task {watch.task_id}: {trouble}"))
        else:
            wait_s = retry_s(watch.unanswered, trouble.retry_after_s, self._context.random.random())
            self._watches.place(watch, wait_s)

    def _take_note(self, watch: Watch, report: TaskReport) -> None:
        age_s = anyio.current_time() - watch.since_s
        if _is_doubtful(report) and age_s < TASK_LIFE_S and not self._has_doubted_enough(watch):
            self._watches.place(watch, backoff_s(watch.doubts, None, self._context.random.random()))
            return
        self._sweeps.compare(watch, report)
        if report.status.is_final:
            if report.status is TaskStatus.SUCCEEDED:
                self._experience[watch.model].learn(age_s)
            self._end(watch, report=report)
            return
        watch.doubts = 0
        watch.show(report.status)
        self._watches.place(watch, self._spacing_s(watch))

    def _has_doubted_enough(self, watch: Watch) -> bool:
        now_s = anyio.current_time()
        if not watch.doubts:
            watch.in_doubt_since_s = now_s
        watch.doubts += 1
        return now_s - watch.in_doubt_since_s >= DOUBT_S

    def _end(self, watch: Watch, *, report: TaskReport | None = None, trouble: Exception | None = None) -> None:
        self._watches.drop(watch)
        watch.report, watch.trouble = report, trouble
        watch.over.set()


def _is_doubtful(report: TaskReport) -> bool:
    """Whether the report says something that cannot stay true of a task that was paid for."""
    without_link = report.status is TaskStatus.SUCCEEDED and report.video_url is None
    return without_link or report.status is TaskStatus.UNKNOWN
