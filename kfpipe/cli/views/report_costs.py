"""The money on the page of `kfpipe report`: what is to be approved, and what it has all cost. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kfpipe.cli.output import costs
from kfpipe.cli.output.amounts import counted, money_text
from kfpipe.domain import Take
from kfpipe.lock.records import Record, Records, entries
from kfpipe.lock.states import Entry, result_of
from kfpipe.review.footage import ShotFootage


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedTake:
    """A take to approve, as it will be rendered."""

    take_id: str
    model: str
    size: str
    length: str
    price: str


def predicted_size(take: Take) -> str:
    """In pixels where the rules of the model tell it, else the price step."""
    return take.request.parameters.resolution if take.size is None else f"{take.size.width_px}x{take.size.height_px}"


def spent_text(record: Record | None) -> str:
    """What all its requests have cost, in words."""
    return "" if record is None else costs.text(record.entries)


def to_approve(shots: Sequence[ShotFootage]) -> Iterator[str]:
    """What it takes to render what was never asked for, each clip once."""
    new = {take.fingerprint: take for take in _new(shots)}
    if new:
        prices = [take.cost for take in new.values()]
        total = sum((price for price in prices if price is not None), Decimal(0))
        unknown = f", and {counted(prices.count(None), 'clip')} of unknown price" if None in prices else ""
        currency = next(iter(new.values())).currency
        yield f"to render: {counted(len(new), 'clip')} for {money_text(total, currency)}{unknown}"


def _new(shots: Sequence[ShotFootage]) -> Iterator[Take]:
    return (one.take for shot in shots for one in shot.takes if one.record is None)


def priced(shots: Sequence[ShotFootage]) -> Iterator[PricedTake]:
    """What was never asked for, take by take; a clip that two takes have is paid for with the first."""
    firsts: dict[str, str] = {}
    for take in _new(shots):
        first = firsts.setdefault(take.fingerprint, take.id)
        price = "price unknown" if take.cost is None else money_text(take.cost, take.currency)
        yield PricedTake(
            take_id=take.id,
            model=take.request.model,
            size=predicted_size(take),
            length=f"{take.request.parameters.duration_s} s",
            price=price if first == take.id else f"with {first}",
        )


def by_model(records: Records) -> Iterator[tuple[str, int, str, str]]:
    """Of each model: its clips, their seconds as billed, and what they have cost."""
    made: dict[str, list[Entry]] = {}
    for entry in entries(records):
        made.setdefault(entry.asked.model, []).append(entry)
    for model, requests in sorted(made.items()):
        results = [result for result in map(result_of, requests) if result is not None]
        seconds = sum(result.billed_seconds for result in results)
        yield model, len(results), f"{seconds:f}", costs.text(requests)
