"""What requests on record have cost, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from kfpipe.cli.output.amounts import counted, money_text
from kfpipe.domain import EMULATOR_REGION
from kfpipe.lock.states import Entry, Submitted, Submitting, may_be_billed, result_of, spent


def amounts(bills: Iterable[Entry], *, in_play: bool) -> dict[str, Decimal]:
    """By currency, what was billed by the service, or by the emulator, whose money is play money."""
    return spent(entry for entry in bills if (entry.asked.region == EMULATOR_REGION) is in_play)


def sums(by_currency: Mapping[str, Decimal]) -> list[str]:
    """`USD 2.50` for each currency."""
    return [money_text(amount, currency) for currency, amount in sorted(by_currency.items())]


def under_way(requests: Iterable[Entry]) -> dict[str, Decimal]:
    """By currency, what tasks at the service may still add to the bill, as far as prices are known."""
    totals: dict[str, Decimal] = {}
    for entry in requests:
        asked = entry.asked
        if isinstance(entry, Submitting | Submitted) and asked.unit_price is not None:
            cost = asked.unit_price * asked.parameters.duration_s
            totals[asked.currency] = totals.get(asked.currency, Decimal(0)) + cost
    return totals


def doubts(bills: Sequence[Entry]) -> list[str]:
    """What the sums leave out because the amount is unknown."""
    unpriced = sum(result is not None and result.cost is None for result in map(result_of, bills))
    doubtful = sum(map(may_be_billed, bills))
    told = [f"{counted(unpriced, 'clip')} at an unknown price"] if unpriced else []
    return [*told, f"{counted(doubtful, 'request')} that may be billed"] if doubtful else told


def text(bills: Sequence[Entry]) -> str:
    """All of it: `USD 2.50 and USD 0.40 of play money`."""
    played = (f"{amount} of play money" for amount in sums(amounts(bills, in_play=True)))
    return " and ".join([*sums(amounts(bills, in_play=False)), *played, *doubts(bills)]) or "nothing"
