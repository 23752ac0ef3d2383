"""The account's tasks by their creation time: windows and pages of them."""

import math
from bisect import bisect_left, bisect_right, insort_right
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from kfpipe.emulator.errors import Denied
from kfpipe.emulator.tasks import DAY_S, Task, TaskStatus

# The service's times have no zone; by all evidence they are UTC+8.
SERVICE_ZONE = timezone(timedelta(hours=8))

_IN_PROGRESS = (TaskStatus.PENDING, TaskStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to list. Times are virtual epoch seconds, both ends included."""

    start: float
    end: float
    task_id: str | None = None
    model_name: str | None = None
    status: TaskStatus | None = None
    api_key_id: str | None = None
    page_no: int = 1
    page_size: int = 10

    @property
    def takes_all(self) -> bool:
        """Whether every task of the window is wanted."""
        return self.task_id is self.model_name is self.status is self.api_key_id is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    tasks: tuple[Task, ...]
    total: int
    query: Query

    @property
    def total_pages(self) -> int:
        return -(-self.total // self.query.page_size)

    def cut(self, pages: int) -> "Page":
        """The page as it would be if there were no more than so many pages."""
        total = min(self.total, pages * self.query.page_size)
        return replace(self, total=total, tasks=self.tasks if self.query.page_no <= pages else ())


class Register:
    """Tasks in the order they were made.

    A page of all tasks costs O(log n), one of those in progress as much as there are; other filters look at the window.
    """

    def __init__(self) -> None:
        self._created: list[float] = []
        self._tasks: list[Task] = []
        self._open: list[Task] = []  # all that were not over at this moment:
        self._sifted_at = -math.inf

    def add(self, task: Task) -> None:
        place = bisect_right(self._created, task.submitted_at)
        self._created.insert(place, task.submitted_at)
        self._tasks.insert(place, task)
        insort_right(self._open, task, key=_created)

    def tasks(self) -> tuple[Task, ...]:
        """All of them, oldest first."""
        return tuple(self._tasks)

    def page(self, query: Query, now: float, hidden: Collection[Task] = ()) -> Page:
        """Newest first. Nothing older than a day is listed, nor made after `now`, nor `hidden`."""
        low = bisect_left(self._created, max(query.start, now - DAY_S))
        high = bisect_right(self._created, min(query.end, now))
        offset = (query.page_no - 1) * query.page_size
        if not hidden and query.takes_all:
            total = max(0, high - low)
            newest = max(low, high - offset)
            tasks = self._tasks[max(low, newest - query.page_size) : newest]
            return Page(tasks=tuple(reversed(tasks)), total=total, query=query)
        if query.status in _IN_PROGRESS and now >= self._sifted_at:
            self._sift(now)
            first, last = max(query.start, now - DAY_S), min(query.end, now)
            candidates = [task for task in self._open if first <= task.submitted_at <= last]
        else:
            candidates = self._tasks[low:high]
        found = [task for task in reversed(candidates) if task not in hidden and _matches(task, query, now)]
        return Page(tasks=tuple(found[offset : offset + query.page_size]), total=len(found), query=query)

    def _sift(self, now: float) -> None:
        """Lay aside what is over: it stays so."""
        self._open = [task for task in self._open if task.status(now) in _IN_PROGRESS]
        self._sifted_at = now


def window(start_time: str | None, end_time: str | None, now: float) -> tuple[float, float]:
    """The span between two `YYYYMMDDhhmmss` texts; the last day without them, a day from the one that is given."""
    start, end = _instant(start_time), _instant(end_time)
    if start is None:
        end = now if end is None else end
        return end - DAY_S, end
    if end is None:
        return start, start + DAY_S
    if not 0 <= end - start <= DAY_S:
        raise Denied(400, "InvalidParameter", "The time range of a task list is 24 hours at most.")
    return start, end


def _instant(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        if len(text) != 14:
            raise ValueError(text)
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=SERVICE_ZONE).timestamp()
    except ValueError as error:
        raise Denied(400, "InvalidParameter", "start_time and end_time have the form YYYYMMDDhhmmss.") from error


def _created(task: Task) -> float:
    return task.submitted_at


def _matches(task: Task, query: Query, now: float) -> bool:
    return (
        query.task_id in (None, task.id)
        and query.model_name in (None, task.model.name)
        and query.api_key_id in (None, task.key_id)
        and (query.status is None or query.status is task.status(now))
    )
