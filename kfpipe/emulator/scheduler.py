"""The tasks that share places, of one model or of several: who waits, who runs, and when each one began."""

import heapq
import math
from collections import Counter

from kfpipe.emulator.tasks import Task


class Lane:
    """Starts tasks in the order they are ready, at most `places` at a time; each start costs O(log n), once.

    A task that finds no place before it gives up is never started.

    Nothing happens between calls: `settle(now)` lets everything happen that was due by `now`.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._in_line: Counter[str] = Counter()  # how many tasks of each model wait
        self._waiting: list[tuple[float, int, Task]] = []
        self._running: list[float] = []  # when each place will be free again
        self._joined = 0

    def join(self, task: Task) -> None:
        self._joined += 1
        self._in_line[task.model.name] += 1
        heapq.heappush(self._waiting, (task.ready_at, self._joined, task))

    def resume(self, task: Task) -> None:
        """Take in a task that was started in an earlier life of the emulator, when there may have been more places."""
        assert task.started_at is not None
        heapq.heappush(self._running, task.run_ends_at())
        if len(self._running) > self._places:  # it ended before the others: its place is now one of theirs
            heapq.heappop(self._running)

    def cancel(self, task: Task, now: float) -> None:
        """Take a waiting task out."""
        task.canceled_at = now
        self._in_line[task.model.name] -= 1

    def settle(self, now: float) -> list[Task]:
        """The tasks that were started."""
        started: list[Task] = []
        while self._waiting:
            ready_at, _, task = self._waiting[0]
            if task.canceled_at is not None:
                heapq.heappop(self._waiting)
                continue
            if ready_at > now:
                break
            self._free_places(ready_at)
            started_at = self._next_start(ready_at)
            if min(started_at, task.gives_up_at()) > now:
                break
            heapq.heappop(self._waiting)
            self._in_line[task.model.name] -= 1
            if started_at >= task.gives_up_at():
                continue
            if len(self._running) >= self._places:
                heapq.heappop(self._running)
            task.started_at = started_at
            started.append(task)
            heapq.heappush(self._running, task.run_ends_at())
        self._free_places(now)
        return started

    def occupancy(self) -> int:
        """Tasks that wait or run, as of the last `settle`."""
        return self._in_line.total() + len(self._running)

    def is_full(self) -> bool:
        """Whether another task would have to wait."""
        return self.occupancy() >= self._places

    def is_queue_full(self, model: str, queue: int) -> bool:
        """Whether no other task of the model may even wait: of each, so many may that find no place."""
        return self._in_line[model] + len(self._running) >= self._places + queue

    def _next_start(self, ready_at: float) -> float:
        """When the next task has a place; never if there are none at all."""
        if len(self._running) < self._places:
            return ready_at
        return self._running[0] if self._running else math.inf

    def _free_places(self, by: float) -> None:
        while self._running and self._running[0] <= by:
            heapq.heappop(self._running)
