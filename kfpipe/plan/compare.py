"""The takes of a manifest compared with those of an earlier one: what was added, removed and changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum

from kfpipe.domain import Take
from kfpipe.files.scalars import decimal_text
from kfpipe.lock.records import Records
from kfpipe.plan.diff import Difference, between, shape_of
from kfpipe.plan.model import Chosen, everything
from kfpipe.plan.saved import prior_state_of, progress
from kfpipe.values import dataclass
from kfpipe.wording import visible


class Kind(StrEnum):
    """How a take differs from the earlier commit."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeChange:
    """What became of one take. `differences` are empty unless it is in both manifests."""

    take_id: str
    kind: Kind
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What all takes of a manifest cost together, rendered once; `unpriced` ones are left out of `cost`."""

    cost: Decimal
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What a manifest and its lockfile said at a commit; `name` is the commit's in the user's words."""

    name: str
    commit: str
    takes: tuple[Take, ...]
    records: Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`changes` are in the order of the manifest as it is now, with removed takes at the end."""

    past: Revision
    changes: tuple[TakeChange, ...]
    unchanged: int
    before: Price
    after: Price

    def count(self, kind: Kind) -> int:
        """How many takes were added, removed or changed."""
        return sum(change.kind is kind for change in self.changes)


def compare(past: Revision, takes: Sequence[Take], records: Records, is_meant: Chosen = everything) -> Comparison:
    """What differs between a manifest at a commit and now, the records of its takes included."""
    past = replace(past, takes=tuple(take for take in past.takes if is_meant(take.id)))
    takes = [take for take in takes if is_meant(take.id)]
    changes = tuple(_changes(past, takes, records))
    return Comparison(
        past=past,
        changes=changes,
        unchanged=len(takes) - sum(change.kind is not Kind.REMOVED for change in changes),
        before=_price(past.takes),
        after=_price(takes),
    )


def _changes(past: Revision, takes: Sequence[Take], records: Records) -> Iterator[TakeChange]:
    """What differs, take by take in today's order; takes that are gone come last."""
    earlier = {take.id: take for take in past.takes}
    for take in takes:
        before = earlier.pop(take.id, None)
        if before is None:
            yield TakeChange(take_id=take.id, kind=Kind.ADDED)
            continue
        moved_on = progress(prior_state_of(past.records.get(take.id)), prior_state_of(records.get(take.id)))
        differences = (*_differences(before, take), *((moved_on,) if moved_on else ()))
        if differences:
            yield TakeChange(take_id=take.id, kind=Kind.CHANGED, differences=differences)
    yield from (TakeChange(take_id=take_id, kind=Kind.REMOVED) for take_id in earlier)


def _differences(before: Take, after: Take) -> Iterator[Difference]:
    """The request's, and the price where that does not follow from it."""
    found = between(shape_of(before), shape_of(after))
    yield from found
    if before.cost != after.cost and not found:
        yield Difference(field="cost", before=_amount(before), after=_amount(after))
    if before.output != after.output:
        yield Difference(field="output", before=visible(before.output), after=visible(after.output))


def _amount(take: Take) -> str:
    return decimal_text(take.cost) or "unknown"


def _price(takes: Sequence[Take]) -> Price:
    costs = [take.cost for take in takes]
    known = [cost for cost in costs if cost is not None]
    return Price(cost=sum(known, Decimal(0)), unpriced=len(costs) - len(known))
