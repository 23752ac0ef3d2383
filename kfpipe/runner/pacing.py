"""How fast requests may leave, and how long to wait after a failure: arithmetic on numbers handed in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from kfpipe.provider.codes import ThrottleKind

BACKOFF_LIMIT_S: Final = 60.0
FIRST_RETRY_S: Final = 0.2
RETRY_AFTER_LIMIT_S: Final = 3600.0
"""A longer `Retry-After` is a mistake of the service; it must not put a run to sleep for days."""

WINDOW_S: Final = 1.002
"""The service counts arrivals within a second; the rest is a margin for two clocks that do not run alike."""

CATCH_UP_S: Final = 0.5
"""Sleepers wake up late, and places become free late: the next requests make up for that much of the delay."""

CATCH_UP_PACE: Final = 2.0
"""How many times the rate requests leave meanwhile: the service has a limit on bursts of its own."""

RECOVERY_S: Final = 60.0
"""How long it takes from nothing back to the full limit. Source: API reference, section 9, "within a minute"."""

SETTLING_S: Final = 1.0
"""Requests that were under way together are refused together; that counts as one refusal."""


_KEPT: Final = {ThrottleKind.RATE: 0.5, ThrottleKind.BURST: 0.25}
"""What is left of the rate after a refusal. A quota is used up by tasks in progress: the rate stays."""


def backoff_s(attempt: int, retry_after_s: float | None, jitter: float) -> float:
    """Seconds to wait before asking again: 0.5 to 1, 1 to 2, 2 to 4 ... at most 60.

    `attempt` is 1 after the first failure; `jitter` is in [0, 1). The service's `Retry-After` wins when it is longer.
    """
    longest = min(BACKOFF_LIMIT_S, 2.0 ** min(attempt - 1, 16))
    own = longest * (1 + jitter) / 2
    return max(own, min(retry_after_s or 0.0, RETRY_AFTER_LIMIT_S))


def retry_s(attempt: int, retry_after_s: float | None, jitter: float) -> float:
    """Seconds to wait before a harmless request is made again: 0.1 to 0.2, 0.4 to 0.8, 1.6 to 3.2 ... at most 60.

    One bad answer of a gateway is over soon, and what lasts is left in peace sooner than by `backoff_s`. The arguments
    are the same.
    """
    longest = min(BACKOFF_LIMIT_S, FIRST_RETRY_S * 4.0 ** min(attempt - 1, 16))
    return max(longest * (1 + jitter) / 2, min(retry_after_s or 0.0, RETRY_AFTER_LIMIT_S))


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A limit that drops when the service refuses, and recovers with every second without a refusal.

    `level` was what was allowed at `since_s`. Fits a rate as well as a number of tasks in progress.
    """

    ceiling: float
    level: float
    since_s: float

    @classmethod
    def full(cls, ceiling: float) -> Allowance:
        return cls(ceiling=ceiling, level=ceiling, since_s=float("-inf"))

    def at(self, now_s: float) -> float:
        """What is allowed now."""
        grown = self.ceiling * max(0.0, now_s - self.since_s) / RECOVERY_S
        return min(self.ceiling, self.level + grown)

    def lowered(self, now_s: float, *, to: float, until_s: float) -> Allowance:
        """The allowance after a refusal: `to`, growing from `until_s` on. Refusals that come together count once."""
        if now_s < self.since_s + SETTLING_S:
            return replace(self, since_s=max(self.since_s, until_s))
        return replace(self, level=min(to, self.at(now_s)), since_s=max(now_s, until_s))

    def places(self, now_s: float) -> int:
        """How many tasks may be in progress now: one at least."""
        return max(1, int(self.at(now_s)))

    def crowded(self, now_s: float, others: int) -> Allowance:
        """The allowance after the service refused a task beside so many `others`: it allows no more than those."""
        return self.lowered(now_s, to=max(1, others), until_s=now_s)


class Pacer:
    """Says when the next request may leave, so that the service never sees too many, whatever the latency.

    Two rules. Requests are spaced by 1/rate, also the first ones; after a delay by less, for a while. And of the
    `limit_per_s` places a request keeps one until a window after its answer: it arrived before it was answered, so any
    request that arrives within a second of it holds another place, and there are no more of them than the limit.
    """

    def __init__(self, limit_per_s: float, *, harmless: bool = False) -> None:
        """`harmless` requests may be refused now and then: they become fewer by the share that was."""
        self._harmless = harmless
        self._refused_s: deque[float] = deque()
        self._rate = Allowance.full(limit_per_s)
        self._places = max(1, int(limit_per_s))
        self._next_s = float("-inf")
        self._on_time_s = float("inf")
        self._unanswered = 0
        self._answered_s: deque[float] = deque()

    def rate_per_s(self, now_s: float) -> float:
        """The rate in force, the limit less what the service refused."""
        return self._rate.at(now_s)

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until a request may leave, 0 for at once; None when only an answer can free a place."""
        while self._answered_s and self._answered_s[0] + WINDOW_S <= now_s:
            self._answered_s.popleft()
        too_many = self._unanswered + len(self._answered_s) + 1 - self._places
        if too_many > len(self._answered_s):
            return None
        place_free_s = self._answered_s[too_many - 1] + WINDOW_S if too_many > 0 else now_s
        return max(0.0, place_free_s - now_s, self._next_s - now_s)

    def sent(self, now_s: float) -> None:
        """A request leaves now."""
        self._unanswered += 1
        spacing_s = 1 / self._rate.at(now_s)
        self._on_time_s = min(max(self._on_time_s, now_s - CATCH_UP_S), now_s) + spacing_s
        self._next_s = max(self._on_time_s, now_s + spacing_s / CATCH_UP_PACE)

    def answered(self, now_s: float) -> None:
        """One of the requests has its answer, or was given up."""
        self._unanswered -= 1
        self._answered_s.append(now_s)

    def throttled(self, now_s: float, kind: ThrottleKind, retry_after_s: float | None) -> None:
        """The service refused: nothing leaves for as long as it asks, and then more slowly."""
        pause_s = min(retry_after_s or 0.0, RETRY_AFTER_LIMIT_S)
        self._next_s = max(self._next_s, now_s + pause_s)
        self._on_time_s = max(self._on_time_s, self._next_s)
        self._refused_s.append(now_s)
        if kind in _KEPT:
            slower = max(self._rate.at(now_s) * self._kept(now_s, kind), self._rate.ceiling / 64)
            self._rate = self._rate.lowered(now_s, to=slower, until_s=now_s + pause_s)

    def _kept(self, now_s: float, kind: ThrottleKind) -> float:
        """What is left of the rate: of harmless requests as much as was answered of late, if that is more."""
        while self._refused_s[0] <= now_s - WINDOW_S:
            self._refused_s.popleft()
        if not self._harmless or kind is not ThrottleKind.RATE:
            return _KEPT[kind]
        answered = sum(answered_s > now_s - WINDOW_S for answered_s in self._answered_s)
        return max(_KEPT[kind], answered / (answered + len(self._refused_s)))
