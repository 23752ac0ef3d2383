"""May this plan be run, and what may it cost at most? Pure: a person is asked elsewhere.

the estimate, and what is under way, are within the cap    yes, up to the cap
no cap, and the emulator charges nothing                   yes
nothing new to spend                                       yes, up to what is under way
else                                                       not yet: a person has to agree, up to the estimate
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kfpipe.plan.model import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The run may go, and spend up to `cap`; None: there is no limit."""

    cap: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A person must agree first; `cap` holds when they do, None while the price is unknown."""

    cap: Decimal | None


def limit(plan: Plan, *, cap: Decimal | None, total: Decimal | None) -> Decimal | None:
    """The most that a run may spend: `cap`, or what is left of `total` after all that is on record; the lower."""
    left = None if total is None else max(total - plan.on_record, Decimal(0))
    given = [amount for amount in (cap, left) if amount is not None]
    return min(given) if given else None


def asked(plan: Plan, *, cap: Decimal | None, charged: bool) -> Granted | Withheld:
    """The rules above, first match first. An unknown price counts as over any cap."""
    unpriced, cost = len(plan.unpriced), plan.cap_cost + plan.under_way
    if cap is not None and not unpriced and cost <= cap:
        return Granted(cap=cap)
    if cap is None and not charged:
        return Granted(cap=None)
    if not unpriced and not plan.cap_cost:
        return Granted(cap=plan.under_way)
    return Withheld(cap=None if unpriced else cost)
