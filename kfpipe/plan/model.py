"""A plan as values: what a run will do with each take, and what that depends on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Final

from kfpipe.domain import Account, Take
from kfpipe.lock.records import Known, Neighbour, Record, Records
from kfpipe.lock.states import Asked, Entry, Succeeded, is_unsettled
from kfpipe.media.facts import DiskFacts
from kfpipe.wording import html_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """The account that requests go to now, and others that the service has shown to be the same."""

    account: Account
    same: frozenset[Account] = frozenset()

    def is_ours(self, asked: Asked) -> bool:
        """Whether a request was made with this account, as far as can be told; where nothing was noted, it was."""
        if asked.account is None:
            return True
        return self.account.is_like(asked.account) or any(one.is_like(asked.account) for one in self.same)


UNKNOWN: Final = Whose(account=Account(host=""))
"""Where no account is at hand."""


_NOTHING: Final = Decimal(0)


class Action(StrEnum):
    """What the next run does with a take; the words of `plan --json`."""

    KEEP = "keep"
    RENDER = "render"
    FOLLOW = "follow"
    DOWNLOAD = "download"
    ADOPT = "adopt"
    DECIDE = "decide"
    REUSE = "reuse"
    WAIT = "wait"
    RETIRED = "retired"

    @property
    def is_work(self) -> bool:
        """Whether a run does anything about it."""
        return self not in (Action.KEEP, Action.DECIDE, Action.RETIRED)

    @property
    def is_made_in_a_lane(self) -> bool:
        """Whether a task at the service is made or followed for it, now or when those it waits for have their clips."""
        return self in (Action.RENDER, Action.FOLLOW, Action.ADOPT, Action.WAIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asked for, about a take: to render it after all, or again; with another seed than before."""

    retry: bool = False
    rerender: bool = False
    new_seed: bool = False

    @property
    def is_given(self) -> bool:
        """Whether it is to be rendered whatever is on record."""
        return self.retry or self.rerender


NO_WISH: Final = Wish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One take's part of the plan, or that of a request on record which no take of the manifest asks for.

    Then `take` is None, and `take_id` the one that it was first asked under. `output` is the clip's path, relative to
    the manifest's folder. `twin` is a take that asks for the very same clip, and has it first. `is_at_hand`: its clip
    may be had without paying, as the reasons say. `wish` is what a person asked for.
    """

    take_id: str
    shot_id: str
    action: Action
    reasons: tuple[str, ...]
    take: Take | None
    record: Record | None
    output: str
    twin: str | None = None
    is_at_hand: bool = False
    wish: Wish = NO_WISH

    @property
    def id(self) -> str:
        """What tells it from all other steps: the take's id, or the request's key."""
        if self.take is not None or self.record is None:
            return self.take_id
        return self.record.key

    @property
    def sources(self) -> tuple[str, ...]:
        """The takes whose clips it waits for."""
        if self.twin is not None:
            return (self.twin,)
        return () if self.take is None else self.take.sources

    @property
    def ready(self) -> Take | None:
        """The take, when a request may be made for it now: all its pictures are there."""
        return None if self.take is None or self.take.cuts else self.take

    @property
    def model(self) -> str:
        """The catalogue's name of the model: the manifest's word for it, else that of the request on record."""
        if self.take is not None:
            return self.take.request.model
        return self.asked.model

    @property
    def asked(self) -> Asked:
        """The request on record."""
        if self.record is None:
            raise AssertionError("a step concerns a take of the manifest or of the record")
        return self.record.entry.asked

    @property
    def is_billed(self) -> bool:
        """Whether this step may add to the bill."""
        if self.action is Action.WAIT:
            return self.twin is None
        return self.ready is not None and self.action in (Action.RENDER, Action.ADOPT)

    @property
    def cost(self) -> Decimal | None:
        """What this step may add to the bill; None when the price is unknown."""
        return self.take.cost if self.take is not None and self.is_billed else _NOTHING

    @property
    def cap_cost(self) -> Decimal | None:
        """What this step may count for a cap; None when the price is unknown."""
        return self.take.cap_cost if self.take is not None and self.is_billed else _NOTHING


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
class Debt:
    """A request that is not settled, and what is done about it. `account` is None where that was not noted."""

    key: str
    step: Step

    @property
    def account(self) -> Account | None:
        """Whose money it is."""
        return self.step.asked.account

    @property
    def _entry(self) -> Entry:
        if self.step.record is None:
            raise AssertionError("a debt is on record")
        return self.step.record.entry

    @property
    def may_cost(self) -> Decimal | None:
        """What it may still add to the bill beside the plan's own steps, as a cap counts it; None: unknown."""
        step = self.step
        if isinstance(self._entry, Succeeded) or (step.action is Action.ADOPT and step.take is not None):
            return Decimal(0)
        if step.take is not None:
            return step.take.cap_cost
        price = step.asked.unit_price
        return None if price is None else price * step.asked.parameters.duration_s


def debts_of(steps: Iterable[Step]) -> tuple[Debt, ...]:
    """The requests that these steps are to settle, each once: by the first take that asks for it, or by itself.

    Another clone settles its own.
    """
    found: dict[str, Debt] = {}
    for step in steps:
        record = step.record
        if record is None or (record.place is not None and record.place.is_elsewhere):
            continue
        if (record.is_wanted or step.take is None) and is_unsettled(record.entry):
            found.setdefault(record.key, Debt(key=record.key, step=step))
    return tuple(found.values())


@dataclass(frozen=True, kw_only=True)  # without slots: its sums and selections are made once, when they are asked for
class Plan:
    """What a run will do: a step for each take, in film order, then for requests that nobody asks for.

    `retired` are requests that are settled, and wanted by no take. `debts` are all that are not settled. Amounts are in
    `currency`, an ISO code; `under_way` is what the debts may still add to the bill, as a cap counts it, `on_record`
    what was billed before. `whose` says which account the plan is for.
    """

    steps: tuple[Step, ...]
    currency: str
    whose: Whose = UNKNOWN
    retired: tuple[Step, ...] = ()
    debts: tuple[Debt, ...] = ()
    under_way: Decimal = Decimal(0)
    on_record: Decimal = Decimal(0)

    def _repr_html_(self) -> str:
        """The plan as a notebook shows it."""
        titles = ("take", "action", "why", "model", self.currency)
        return html_table(titles, [_cells(step) for step in self.steps])

    @property
    def is_for_others(self) -> bool:
        """Whether nothing is left to do but what another account has to settle."""
        foreign = [debt for debt in self.debts if not self.whose.is_ours(debt.step.asked)]
        return bool(foreign) and not self.work and len(foreign) == len(self.undecided)

    @cached_property
    def takes(self) -> tuple[Step, ...]:
        """The steps of the manifest's takes."""
        return tuple(step for step in self.steps if step.take is not None)

    @cached_property
    def work(self) -> tuple[Step, ...]:
        """The steps that a run carries out."""
        return tuple(step for step in self.steps if step.action.is_work)

    @cached_property
    def undecided(self) -> tuple[Step, ...]:
        """The steps that wait for a person's word."""
        return tuple(step for step in self.steps if step.action is Action.DECIDE)

    @cached_property
    def cost(self) -> Decimal:
        """The sum of all known prices; see `unpriced`."""
        return _sum(self._costs)

    @cached_property
    def cap_cost(self) -> Decimal:
        """What the plan counts for a cap: the dearer of the manifest's price and the catalogue's for each take."""
        return _sum(step.cap_cost for step in self.steps)

    @cached_property
    def unpriced(self) -> tuple[Step, ...]:
        """Steps whose cost is unknown."""
        return tuple(step for step, cost in zip(self.steps, self._costs, strict=True) if cost is None)

    @cached_property
    def _costs(self) -> tuple[Decimal | None, ...]:
        return tuple(step.cost for step in self.steps)

    @property
    def unpriced_names(self) -> tuple[str, ...]:
        """What nobody knows the price of, each once: `wan2.2-kf2v-flash:720P`."""
        named = (
            f"{step.model}:{step.take.request.parameters.resolution}" for step in self.unpriced if step.take is not None
        )
        return tuple(dict.fromkeys(named))

    def totals(self) -> tuple[Total, ...]:
        """One line a model, in film order."""
        groups: dict[str, list[Step]] = {}
        for step in self.steps:
            if step.take is not None:
                groups.setdefault(step.take.request.model, []).append(step)
        return tuple(_total(model, self.currency, steps) for model, steps in groups.items())


def _cells(step: Step) -> tuple[str, ...]:
    cost = "unknown" if step.cost is None else f"{step.cost:f}" if step.is_billed else ""
    return step.take_id, step.action, "; ".join(step.reasons), step.model, cost


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum(filter(None, amounts), Decimal(0))


def _total(model: str, currency: str, steps: Sequence[Step]) -> Total:
    paid = [step for step in steps if step.is_billed]
    costs = [step.cost for step in paid]
    return Total(
        model=model,
        currency=currency,
        takes=len(steps),
        renders=len(paid),
        seconds=sum(step.take.request.parameters.duration_s for step in paid if step.take is not None),
        cost=_sum(costs),
        unpriced=costs.count(None),
    )


Chosen = Callable[[str], bool]
"""Whether a take is meant, asked by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """All that a decision depends on: the records, the clips on disk, the account, the region and the time.

    `requests` are all on record, `neighbours` the project's other lockfiles. `obstacles` says, by take id, why a
    picture that a take continues from cannot be cut from a clip on disk. `manifest` is its path in commands to type.
    """

    records: Records
    disk: DiskFacts
    region: str
    now: datetime
    requests: Sequence[Known] = ()
    neighbours: Sequence[Neighbour] = ()
    whose: Whose = UNKNOWN
    obstacles: Mapping[str, str] = field(default_factory=dict)
    manifest: str = ""


def nothing(_: str) -> bool:
    """Chooses no take."""
    return False


def everything(_: str) -> bool:
    """Chooses every take."""
    return True
