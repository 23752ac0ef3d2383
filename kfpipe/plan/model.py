"""A plan as values: what a run will do with each take, and what that depends on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kfpipe.domain import Take
from kfpipe.lock.states import Lock, Record
from kfpipe.media.facts import DiskFacts


class Action(StrEnum):
    """What the next run does with a take; the words of `plan --json`."""

    KEEP = "keep"
    RENDER = "render"
    FOLLOW = "follow"
    DOWNLOAD = "download"
    ADOPT = "adopt"
    DECIDE = "decide"
    RESTORE = "restore"
    WAIT = "wait"
    FORGET = "forget"

    @property
    def is_work(self) -> bool:
        """Whether a run does anything about it."""
        return self not in (Action.KEEP, Action.DECIDE, Action.FORGET)

    @property
    def is_made_in_a_lane(self) -> bool:
        """Whether a task at the service is made or followed for it, now or when those it waits for have their clips."""
        return self in (Action.RENDER, Action.FOLLOW, Action.ADOPT, Action.WAIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One take's part of the plan. `take` is None for a take that is on record but no longer in the manifest.

    `output` is the clip's path, relative to the manifest's folder. `retry` and `rerender` say what a person
    asked for.
    """

    take_id: str
    shot_id: str
    action: Action
    reasons: tuple[str, ...]
    take: Take | None
    record: Record | None
    output: str
    retry: bool = False
    rerender: bool = False

    @property
    def ready(self) -> Take | None:
        """The take, when a request may be made for it now: all its pictures are there."""
        return None if self.take is None or self.take.cuts else self.take

    @property
    def is_put_off(self) -> bool:
        """Whether this run only downloads an earlier clip of the take, and a later one renders what is wanted now."""
        is_homecoming = self.action in (Action.ADOPT, Action.FOLLOW, Action.DOWNLOAD)
        return is_homecoming and self.take is not None and self.ready is None

    @property
    def model(self) -> str:
        """The catalogue's name of the model: the manifest's word for it, else that of the latest request on record."""
        if self.take is not None:
            return self.take.request.model
        if self.record is not None:
            return self.record.entry.asked.model
        raise AssertionError("a step concerns a take of the manifest or of the record")

    @property
    def is_billed(self) -> bool:
        """Whether this step may add to the bill."""
        if self.action is Action.WAIT:
            return True
        return self.ready is not None and self.action in (Action.RENDER, Action.ADOPT)

    @property
    def cost(self) -> Decimal | None:
        """What this step may add to the bill; None when the price is unknown."""
        return self.take.cost if self.take is not None and self.is_billed else Decimal(0)

    @property
    def cap_cost(self) -> Decimal | None:
        """What this step may count for a cap; None when the price is unknown."""
        return self.take.cap_cost if self.take is not None and self.is_billed else Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What one model's steps add up to. `cost` leaves out the `unpriced` ones."""

    model: str
    currency: str
    takes: int
    renders: int
    seconds: int
    cost: Decimal
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run will do: a step for each take, in the manifest's order, then for those that have left it.

    Amounts are in `currency`, an ISO code.
    """

    steps: tuple[Step, ...]
    currency: str

    @property
    def work(self) -> tuple[Step, ...]:
        """The steps that a run carries out."""
        return tuple(step for step in self.steps if step.action.is_work)

    @property
    def undecided(self) -> tuple[Step, ...]:
        """The steps that wait for a person's word."""
        return tuple(step for step in self.steps if step.action is Action.DECIDE)

    @property
    def put_off(self) -> tuple[Step, ...]:
        """The steps that leave their takes to a later run."""
        return tuple(step for step in self.steps if step.is_put_off)

    @property
    def cost(self) -> Decimal:
        """The sum of all known prices; see `unpriced`."""
        return sum((step.cost or Decimal(0) for step in self.steps), Decimal(0))

    @property
    def cap_cost(self) -> Decimal:
        """What the plan counts for a cap: the dearer of the manifest's price and the catalogue's for each take."""
        return sum((step.cap_cost or Decimal(0) for step in self.steps), Decimal(0))

    @property
    def unpriced(self) -> tuple[Step, ...]:
        """Steps whose cost is unknown."""
        return tuple(step for step in self.steps if step.cost is None)

    def totals(self) -> tuple[Total, ...]:
        """One line a model, in manifest order."""
        groups: dict[str, list[Step]] = {}
        for step in self.steps:
            if step.take is not None:
                groups.setdefault(step.take.request.model, []).append(step)
        return tuple(_total(model, self.currency, steps) for model, steps in groups.items())


def _total(model: str, currency: str, steps: Sequence[Step]) -> Total:
    paid = [step for step in steps if step.is_billed]
    return Total(
        model=model,
        currency=currency,
        takes=len(steps),
        renders=len(paid),
        seconds=sum(step.take.request.parameters.duration_s for step in paid if step.take is not None),
        cost=sum((step.cost or Decimal(0) for step in paid), Decimal(0)),
        unpriced=sum(step.cost is None for step in paid),
    )


Chosen = Callable[[str], bool]
"""Whether a take is meant, asked by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """All that a decision depends on: the records, the clips on disk, the region that requests go to, and the time.

    `obstacles` says, by take id, why a picture that a take continues from cannot be cut from a clip on disk.
    """

    lock: Lock
    disk: DiskFacts
    region: str
    now: datetime
    obstacles: Mapping[str, str] = field(default_factory=dict)


def nothing(_: str) -> bool:
    """Chooses no take."""
    return False


def everything(_: str) -> bool:
    """Chooses every take."""
    return True
