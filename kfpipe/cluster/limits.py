"""What an account may do at once, over all machines: by hand, else the manifests at work, else the catalogue. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kfpipe.cluster.rate import CellRate
from kfpipe.runner.settings import RunLimits

EVERY_MODEL: Final = "*"
NAMES: Final = ("submissions_per_second", "concurrent_tasks", "queries_per_second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """Submissions per second, by scope (a model, a group of them, or all), and how many `tasks` may be in progress.

    `together` are the models whose tasks count, None: those of all; `tasks_scope` is what they are called.
    """

    rates: Mapping[str, float]
    tasks: int
    tasks_scope: str
    together: frozenset[str] | None

    def counted(self, under_way: Mapping[str, int]) -> int:
        """How many tasks are in progress that count; `under_way` has all of them by model."""
        return sum(tasks for model, tasks in under_way.items() if self.together is None or model in self.together)


def asked_of(limits: RunLimits) -> dict[str, float]:
    """What a manifest asks for, for its whole account."""
    asked = {
        "submissions_per_second": limits.shared_submissions_per_second,
        "concurrent_tasks": limits.shared_concurrent_tasks,
        "queries_per_second": limits.queries_per_second,
    }
    return {name: value for name, value in asked.items() if value is not None}


def lowest(manifests: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The lowest of what several manifests ask for."""
    found: dict[str, float] = {}
    for one in manifests:
        for name, value in one.items():
            found[name] = min(value, found.get(name, math.inf))
    return found


def in_force(own: Mapping[str, float], manifests: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """What holds for all models together: what was set by hand wins."""
    return lowest(manifests) | dict(own)


def ceilings(model: str, catalogue: RunLimits, shared: Mapping[str, float]) -> Ceilings:
    """The limits that a submission of this model has to keep. A shared limit stands in for that of the model."""
    pace = catalogue.of(model)
    rate, tasks = shared.get("submissions_per_second"), shared.get("concurrent_tasks")
    group = {name for name, one in catalogue.models.items() if pace.tasks_with and one.tasks_with == pace.tasks_with}
    return Ceilings(
        rates={rate_scope(model, catalogue): pace.submissions_per_second} if rate is None else {EVERY_MODEL: rate},
        tasks=pace.concurrent_tasks if tasks is None else int(tasks),
        tasks_scope=pace.tasks_with or model if tasks is None else EVERY_MODEL,
        together=None if tasks is not None else frozenset({model, *group}),
    )


def rate_scope(model: str, catalogue: RunLimits) -> str:
    """Under what the model's submissions are counted: the group that it shares them with, or itself."""
    return catalogue.of(model).rate_with or model


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPace:
    """The cells of one kind of request in an account, by scope.

    Each request counts in its own, and in that of all models, so that a limit which begins to hold knows what has just
    left.
    """

    cells: Mapping[str, CellRate]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SharedPace:
        return cls(cells={scope: CellRate.from_json(cell) for scope, cell in data.items()})

    def to_json(self) -> dict[str, Any]:
        return {scope: cell.to_json() for scope, cell in self.cells.items()}

    def at_s(self, rates: Mapping[str, float], now_s: float) -> float | None:
        """When a request may leave that has to keep these limits; None when only an answer can tell."""
        times = [self.of(scope).at_s(rate, now_s) for scope, rate in rates.items()]
        known = [time for time in times if time is not None]
        return max(known) if len(known) == len(times) else None

    def left(self, token: str, scope: str, rates: Mapping[str, float], at_s: float, now_s: float) -> SharedPace:
        """A request leaves at that time; `scope` is its own, see `rate_scope`."""
        found = dict(self.cells)
        for one in {scope, EVERY_MODEL}:
            found[one] = self.of(one).left(token, rates.get(one, math.inf), at_s, now_s)
        return SharedPace(cells=found)

    def of(self, scope: str) -> CellRate:
        """The state of one limit."""
        return self.cells.get(scope, CellRate())

    def changed(self, cells: Mapping[str, CellRate]) -> SharedPace:
        """The same with these cells."""
        return SharedPace(cells={**self.cells, **cells})
