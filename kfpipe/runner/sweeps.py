"""Watching many tasks at once by the account's task list: which of them are in progress, a page at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final

import anyio

from kfpipe.domain import TaskStatus
from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.events import ListDistrusted
from kfpipe.provider import TaskReport
from kfpipe.runner.context import RunContext
from kfpipe.runner.list_trust import ListTrust
from kfpipe.runner.pacing import retry_s
from kfpipe.runner.polling import (
    SWEEP_S,
    Experience,
    even_share_s,
    is_watched_by_list,
    is_worth_watching,
    sweep_interval_s,
)
from kfpipe.runner.task_pages import TaskPages
from kfpipe.runner.watches import Watch, Watches

FAILURES: Final = 5
"""So many readings in a row that fail, and the tasks are asked for one by one."""

_AUDITS: Final = 0.05
"""The share of the query budget that compares listed tasks with the service's word on each."""

_AUDITS_AT_ONCE: Final = 10

_TOLERANCE_S: Final = 1.0
"""How far the list may lag behind, at least: where single queries would come later still, it may lag as much."""


class Sweeps:
    """Reads the lists of tasks in progress over and over, where that shows more than single queries would.

    What a list shows needs no query. What it shows no more has ended, and is asked for at once. A list that does not
    agree with the service's word on single tasks is given up for the rest of the run.
    """

    def __init__(
        self,
        context: RunContext,
        watches: Watches,
        experience: defaultdict[str, Experience],
        spacing_s: Callable[[Watch], float],
    ) -> None:
        self._context = context
        self._watches = watches
        self._experience = experience
        self._spacing_s = spacing_s
        self._queries_per_second = context.settings.limits.queries_per_second
        self._pages: dict[str, TaskPages] = {}
        self._trust: dict[str, ListTrust] = {}
        self._given_up: set[str] = set()
        self._audits = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            crowded = self._crowded()
            if not crowded:
                await self._watches.more()
                continue
            began_s, pages = anyio.current_time(), 0
            for model in filter(self._is_worth_reading, crowded):
                await self._sweep(model)
                pages += self._pages[model].count
            interval_s = sweep_interval_s(pages=pages, queries_per_second=self._queries_per_second)
            self._audits = min(self._audits + _AUDITS * self._queries_per_second * interval_s, _AUDITS_AT_ONCE)
            await anyio.sleep(max(began_s + interval_s - anyio.current_time(), SWEEP_S / 10))

    def compare(self, watch: Watch, report: TaskReport) -> None:
        """What the service says of a task, against what the list said of it."""
        trust, now_s = self._trust.get(watch.model), anyio.current_time()
        if trust is None or watch.model in self._given_up:
            return
        if report.status.is_final:
            if watch.has_left:
                trust.left_and_ended()
            elif watch.is_listed:
                trust.ended_while_listed(watch.task_id, now_s)
        else:
            watch.has_left, watch.was_asked = False, True
            if watch.missed_since_s is not None and now_s - watch.missed_since_s > self._tolerance_s:
                trust.left_out()
                watch.missed_since_s = now_s

    # ---- which lists are read --------------------------------------------------------------------------------------

    def _crowded(self) -> list[str]:
        """The models whose tasks are watched by their list now; those of the others are asked for one by one."""
        models = [model for model in self._watches.models if model not in self._given_up]
        pages = sum(self._pages_of(model).count for model in models)
        if not is_watched_by_list(watched=len(self._watches), pages=pages, queries_per_second=self._queries_per_second):
            for model in models:
                self._unlist(model)
            return []
        return models

    def _pages_of(self, model: str) -> TaskPages:
        if model not in self._pages:
            self._pages[model] = TaskPages(self._context.provider, model)
            self._trust[model] = ListTrust()
        return self._pages[model]

    def _is_worth_reading(self, model: str) -> bool:
        experience, now_s = self._experience[model], anyio.current_time()
        return any(is_worth_watching(experience, now_s - watch.since_s) for watch in self._watches.of(model))

    @property
    def _tolerance_s(self) -> float:
        return max(_TOLERANCE_S, even_share_s(watched=len(self._watches), queries_per_second=self._queries_per_second))

    # ---- one reading -----------------------------------------------------------------------------------------------

    async def _sweep(self, model: str) -> None:
        pages, trust, began_s = self._pages[model], self._trust[model], anyio.current_time()
        try:
            states = await pages.in_progress(with_waiting=any(map(_may_wait, self._watches.of(model))))
        except (ServiceRefused, ServiceUnclear) as trouble:
            await self._put_off(model, trouble)
            return
        pages.failures = 0
        now_s = anyio.current_time()
        for task_id in states:
            self._context.first_seen_s.setdefault(task_id, now_s)
        trust.read({*states}, began_s=began_s, tolerance_s=self._tolerance_s)
        for watch in self._watches.of(model):
            if watch.since_s < began_s:
                self._take_note(watch, states.get(watch.task_id), began_s)
        if trust.complaint is not None:
            self._give_up(model, trust.complaint)
        else:
            self._audit(model)

    async def _put_off(self, model: str, trouble: ServiceRefused | ServiceUnclear) -> None:
        pages = self._pages[model]
        pages.failures += 1
        if pages.failures >= FAILURES:
            self._give_up(model, f"it cannot be read: {trouble}")
        else:
            await anyio.sleep(retry_s(pages.failures, trouble.retry_after_s, self._context.random.random()))

    def _take_note(self, watch: Watch, status: TaskStatus | None, began_s: float) -> None:
        """What a reading shows of one task; None: nothing. A query under way has the last word."""
        if status is not None:
            watch.missed_since_s, watch.has_left = None, False
            watch.show(status)
            self._list(watch)
        elif watch.is_listed and watch.was_asked and watch.missed_since_s is None:
            watch.missed_since_s = began_s  # pages move while they are read
        elif watch.is_listed and watch.ticket is not None:
            watch.is_listed, watch.has_left, watch.missed_since_s = False, True, began_s
            self._watches.place(watch, 0.0)
        elif watch.missed_since_s is None and not watch.is_listed:
            watch.missed_since_s = began_s

    def _list(self, watch: Watch) -> None:
        if not watch.is_listed:
            watch.is_listed = True
            if watch.ticket is not None:
                self._watches.place(watch, self._spacing_s(watch))

    def _audit(self, model: str) -> None:
        """Ask for some tasks although the list shows them: the oldest, each once."""
        if self._audits < 1:
            return
        experience, now_s = self._experience[model], anyio.current_time()
        listed = (watch for watch in self._watches.of(model) if watch.is_listed and not watch.was_asked)
        for watch in sorted(listed, key=lambda watch: watch.since_s)[: int(self._audits)]:
            if watch.ticket is not None and is_worth_watching(experience, now_s - watch.since_s):
                self._audits -= 1
                watch.was_asked = True
                self._watches.place(watch, 0.0)

    def _give_up(self, model: str, reason: str) -> None:
        self._given_up.add(model)
        self._unlist(model)
        self._context.emit(ListDistrusted(model=model, reason=reason))

    def _unlist(self, model: str) -> None:
        """Have the model's tasks asked for one by one from now on."""
        for watch in self._watches.of(model):
            if watch.is_listed:
                watch.is_listed = False
                if watch.ticket is not None:
                    self._watches.place(watch, self._spacing_s(watch))
            watch.has_left, watch.missed_since_s = False, None


def _may_wait(watch: Watch) -> bool:
    """Whether the task may be among those that are still PENDING."""
    return watch.status is TaskStatus.PENDING and (watch.is_listed or watch.missed_since_s is not None)
