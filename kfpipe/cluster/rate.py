"""What requests of all machines keep together: one limit as a value that is kept in the database. Pure.

The same two rules as those of one machine (`runner.pacing`). Requests are spaced by 1/rate, and after a delay by less,
for a while. And each keeps one of as many places as the limit allows in a second, until a window after its answer: it
arrived before it was answered, so that no second at the service can hold more, however long requests are on their way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kfpipe.provider.codes import ThrottleKind
from kfpipe.runner.pacing import CATCH_UP_PACE, CATCH_UP_S, RETRY_AFTER_LIMIT_S, WINDOW_S, Allowance

FORGOTTEN_S: Final = 75.0
"""A request that nobody has answered for is no longer on its way: longer than the submission's own time-out."""

_KEPT: Final = {ThrottleKind.RATE: 0.5, ThrottleKind.BURST: 0.25}
"""What is left of the rate after a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRate:
    """The state of a limit, in seconds of the database's clock. One of tasks in progress has only its `level`.

    `held` are the requests without an answer, by token, with the time they left; `cooling` the times of the last
    answers; `on_time_s` is when the next would be due. `level` is what a refusal has left of the limit at
    `since_s`, None without one.
    """

    on_time_s: float | None = None
    next_s: float = 0.0
    level: float | None = None
    since_s: float = 0.0
    held: Mapping[str, float] = field(default_factory=dict)
    cooling: tuple[float, ...] = ()

    def at_s(self, limit: float, now_s: float) -> float | None:
        """When the next request may leave, now or later; None when only an answer can free a place."""
        places = max(1, int(limit))
        free_at = sorted(answered + WINDOW_S for answered in self.cooling if answered + WINDOW_S > now_s)
        unanswered = sum(now_s - left < FORGOTTEN_S for left in self.held.values())
        too_many = unanswered + len(free_at) + 1 - places
        if too_many > len(free_at):
            return None
        return max(now_s, self.next_s, free_at[too_many - 1] if too_many > 0 else now_s)

    def left(self, token: str, limit: float, at_s: float, now_s: float) -> CellRate:
        """A request leaves at `at_s`, which is now or in a moment; an infinite `limit` spaces nothing."""
        spacing_s = 0.0 if math.isinf(limit) else 1 / self._allowance(limit).at(at_s)
        due_s = at_s if self.on_time_s is None else self.on_time_s
        on_time_s = min(max(due_s, at_s - CATCH_UP_S), at_s) + spacing_s
        return replace(
            self,
            on_time_s=on_time_s,
            next_s=max(on_time_s, at_s + spacing_s / CATCH_UP_PACE),
            held={name: left for name, left in self.held.items() if now_s - left < FORGOTTEN_S} | {token: at_s},
            cooling=tuple(answered for answered in self.cooling if answered + WINDOW_S > now_s),
        )

    def answered(self, tokens: Iterable[str], at_s: float) -> CellRate:
        """These requests have their answers, or will never have one."""
        known = [token for token in tokens if token in self.held]
        held = {token: left for token, left in self.held.items() if token not in known}
        return replace(self, held=held, cooling=(*self.cooling, *[at_s] * len(known)))

    def throttled(self, limit: float, now_s: float, kind: ThrottleKind, retry_after_s: float | None) -> CellRate:
        """The service refused: nothing leaves for as long as it asks, and then more slowly."""
        pause_s = min(retry_after_s or 0.0, RETRY_AFTER_LIMIT_S)
        next_s = max(self.next_s, now_s + pause_s)
        paused = replace(self, next_s=next_s, on_time_s=max(self.on_time_s or next_s, next_s))
        if kind not in _KEPT:
            return paused
        rate = self._allowance(limit)
        slower = max(rate.at(now_s) * _KEPT[kind], limit / 64)
        return paused._with(rate.lowered(now_s, to=slower, until_s=now_s + pause_s))

    def places(self, limit: int, now_s: float) -> int:
        """Of a limit of tasks: how many may be in progress now."""
        return self._allowance(limit).places(now_s)

    def crowded(self, limit: int, now_s: float, others: int) -> CellRate:
        """The same after the service refused a task beside so many `others`."""
        return self._with(self._allowance(limit).crowded(now_s, others))

    def _with(self, allowance: Allowance) -> CellRate:
        return replace(self, level=allowance.level, since_s=allowance.since_s)

    def _allowance(self, limit: float) -> Allowance:
        if self.level is None:
            return Allowance.full(limit)
        return Allowance(ceiling=limit, level=min(self.level, limit), since_s=self.since_s)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "on_time_s": self.on_time_s,
            "next_s": self.next_s,
            "level": self.level,
            "since_s": self.since_s,
            "held": dict(self.held),
            "cooling": list(self.cooling),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CellRate:
        """The inverse of `to_json`."""
        return cls(**{**data, "cooling": tuple(data["cooling"])})
