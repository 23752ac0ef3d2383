"""The tasks that a run waits for, and when each is due to be asked for: a heap, however many there are."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import anyio

from kfpipe.domain import TaskStatus
from kfpipe.provider import TaskReport


@dataclass(slots=True, kw_only=True, eq=False)
class Watch:
    """One task that is waited for. `ticket` is that of its place in the heap; None while it is being asked for.

    `is_listed`: the task list shows it as in progress, so that it need not be asked for. `has_left`: it did, and no
    longer does. `missed_since_s`: since when the list has left it out although it should show it. `was_asked`: it was
    asked for although it was in progress; the next time, one reading that leaves it out does not count as its end.
    """

    task_id: str
    model: str
    since_s: float
    listeners: list[Callable[[TaskStatus], None]] = field(default_factory=list)
    over: anyio.Event = field(default_factory=anyio.Event)
    report: TaskReport | None = None
    trouble: Exception | None = None
    unanswered: int = 0
    doubts: int = 0
    in_doubt_since_s: float = 0.0
    status: TaskStatus = TaskStatus.PENDING
    waiters: int = 0
    ticket: int | None = None
    due_s: float = math.inf
    is_listed: bool = False
    has_left: bool = False
    was_asked: bool = False
    missed_since_s: float | None = None

    def show(self, status: TaskStatus) -> None:
        """Pass on a status of a task that is not over."""
        if status is not self.status:
            self.status = status
            for listener in self.listeners:
                listener(status)


class Watches:
    """All of them, by task. To be used within one event loop."""

    def __init__(self) -> None:
        self.by_task: dict[str, Watch] = {}
        self._due: list[tuple[float, int, Watch]] = []
        self._tickets = count()
        self._woken = anyio.Event()
        self._entered = anyio.Event()

    def __len__(self) -> int:
        return len(self.by_task)

    def of(self, model: str) -> list[Watch]:
        """The model's tasks."""
        return [watch for watch in self.by_task.values() if watch.model == model]

    @property
    def models(self) -> list[str]:
        return [*dict.fromkeys(watch.model for watch in self.by_task.values())]

    def enter(self, task_id: str, model: str, since_s: float, listener: Callable[[TaskStatus], None]) -> Watch:
        """The task's watch, which others may wait for as well; a new one is not due yet."""
        watch = self.by_task.setdefault(task_id, Watch(task_id=task_id, model=model, since_s=since_s))
        self._entered.set()
        watch.listeners.append(listener)
        watch.waiters += 1
        return watch

    def leave(self, watch: Watch, listener: Callable[[TaskStatus], None]) -> None:
        """One waits no longer; with the last one, the watch is over."""
        watch.listeners.remove(listener)
        watch.waiters -= 1
        if not watch.waiters:
            self.drop(watch)

    def drop(self, watch: Watch) -> None:
        """The task needs no more questions; those who wait learn of it by the watch itself."""
        watch.ticket = None
        if self.by_task.get(watch.task_id) is watch:
            del self.by_task[watch.task_id]

    def place(self, watch: Watch, wait_s: float) -> None:
        """Have the task asked for after a while, wherever it stood before; never, where that is infinite."""
        watch.ticket, watch.due_s = next(self._tickets), anyio.current_time() + wait_s
        if math.isinf(wait_s):
            return
        heapq.heappush(self._due, (watch.due_s, watch.ticket, watch))
        if self._due[0][2] is watch:
            self._woken.set()
            self._woken = anyio.Event()

    async def more(self) -> None:
        """Wait until another task is waited for."""
        self._entered = anyio.Event()
        await self._entered.wait()

    async def next_due(self) -> Watch:
        """The next one, when it is due."""
        while True:
            wait_s = self._due[0][0] - anyio.current_time() if self._due else math.inf
            if wait_s <= 0:
                _, ticket, watch = heapq.heappop(self._due)
                if watch.waiters and watch.ticket == ticket:
                    watch.ticket = None
                    return watch
                continue
            with anyio.move_on_after(wait_s):
                await self._woken.wait()
