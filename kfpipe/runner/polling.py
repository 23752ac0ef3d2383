"""When to look at a running task next, so that queries are spent where a result is likely. Pure arithmetic."""

from __future__ import annotations

from collections import deque
from typing import Final

SHORTEST_S: Final = 0.2
"""No task is polled more often than this, however few there are."""

LONGEST_S: Final = 15.0
"""No task goes unpolled for longer than this: the service's own advice for a poll interval."""

CLOSELY_S: Final = 0.1
"""Where the tasks in progress are so many that single queries come to each more rarely than this, the task list is
read instead."""

SWEEP_S: Final = 0.05
"""The task list is read no more often than this."""

_CROWD: Final = 6
"""So many tasks make a page of the task list worth a query."""

_BUDGET_SHARE: Final = 0.9
_HEAD_START: Final = 0.8
_REMEMBERED: Final = 200


class Experience:
    """How long recent tasks of one model took, in seconds from submission to the end."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_REMEMBERED)
        self.fastest_s: float | None = None
        self.slowest_s: float | None = None

    def learn(self, took_s: float) -> None:
        """Asked for far more often than learned, so the extremes are kept."""
        self._seen.append(took_s)
        self.fastest_s, self.slowest_s = min(self._seen), max(self._seen)


def is_watched_by_list(*, watched: int, pages: int, queries_per_second: float) -> bool:
    """Whether to read the states of the `watched` tasks from so many pages of the task list.

    Not where single queries watch each of them closely, nor where most of the list are tasks of others.
    """
    return watched > CLOSELY_S * _BUDGET_SHARE * queries_per_second and _CROWD * pages <= watched


def sweep_interval_s(*, pages: int, queries_per_second: float) -> float:
    """Seconds from one reading of so many pages to the next, so that they stay within the budget."""
    return max(SWEEP_S, pages / (_BUDGET_SHARE * queries_per_second))


def is_worth_watching(experience: Experience, age_s: float) -> bool:
    """Whether a task of this age may have ended, by those that have."""
    fastest_s = experience.fastest_s
    return fastest_s is None or age_s >= _HEAD_START * fastest_s


def even_share_s(*, watched: int, queries_per_second: float) -> float:
    """Seconds from one query to the next about each of the `watched` tasks."""
    return max(watched / (_BUDGET_SHARE * queries_per_second), SHORTEST_S)


def next_look_s(experience: Experience, *, age_s: float, watched: int, queries_per_second: float) -> float:
    """Seconds until a task of this age is worth another query.

    The budget is shared evenly among the `watched` tasks, with two exceptions: a task younger than any that has
    finished is not polled until shortly before that age, and one far older than all of them is polled more and more
    rarely. So with few tasks a result is noticed within a fraction of a second.
    """
    share_s = even_share_s(watched=watched, queries_per_second=queries_per_second)
    fastest_s, slowest_s = experience.fastest_s, experience.slowest_s
    if fastest_s is None or slowest_s is None:
        return share_s
    head_start_s = _HEAD_START * fastest_s - age_s
    if head_start_s > share_s:
        return min(head_start_s, LONGEST_S)
    overdue = max(age_s / slowest_s - 2, 0.0)
    return max(share_s, min(share_s * (1 + overdue), LONGEST_S))
