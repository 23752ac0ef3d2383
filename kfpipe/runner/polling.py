"""When to look at a running task next, so that queries are spent where a result is likely. Pure arithmetic."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

SHORTEST_S: Final = 0.2
"""No task is polled more often than this, however few there are."""

LONGEST_S: Final = 15.0
"""No task goes unpolled for longer than this: the service's own advice for a poll interval."""

_BUDGET_SHARE: Final = 0.9
_HEAD_START: Final = 0.8
_REMEMBERED: Final = 200


@dataclass(slots=True)
class Experience:
    """How long recent tasks of one model took, in seconds from submission to the end."""

    _seen: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED), init=False)

    def learn(self, took_s: float) -> None:
        self._seen.append(took_s)

    @property
    def fastest_s(self) -> float | None:
        return min(self._seen, default=None)

    @property
    def slowest_s(self) -> float | None:
        return max(self._seen, default=None)


def next_look_s(experience: Experience, *, age_s: float, watched: int, queries_per_second: float) -> float:
    """Seconds until a task of this age is worth another query.

    The budget is shared evenly among the `watched` tasks, with two exceptions: a task younger than any that has
    finished is not polled until shortly before that age, and one far older than all of them is polled more and more
    rarely. So with few tasks a result is noticed within a fraction of a second.
    """
    share_s = max(watched / (_BUDGET_SHARE * queries_per_second), SHORTEST_S)
    fastest_s, slowest_s = experience.fastest_s, experience.slowest_s
    if fastest_s is None or slowest_s is None:
        return share_s
    head_start_s = _HEAD_START * fastest_s - age_s
    if head_start_s > share_s:
        return min(head_start_s, LONGEST_S)
    overdue = max(age_s / slowest_s - 2, 0.0)
    return max(share_s, min(share_s * (1 + overdue), LONGEST_S))
