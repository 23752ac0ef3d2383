"""May this plan be run, and what may it cost at most? Pure: a person is asked elsewhere.

the estimate is within the cap                    yes, up to the cap
no cap, and the emulator charges nothing          yes
nothing to spend                                  yes, up to nothing
else                                              not yet: a person has to agree, up to the estimate
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


def asked(plan: Plan, *, cap: Decimal | None, charged: bool) -> Granted | Withheld:
    """The rules above, first match first. An unknown price counts as over any cap."""
    unpriced = len(plan.unpriced)
    if cap is not None and not unpriced and plan.cap_cost <= cap:
        return Granted(cap=cap)
    if cap is None and not charged:
        return Granted(cap=None)
    if not unpriced and not plan.cap_cost:
        return Granted(cap=plan.cap_cost)
    return Withheld(cap=None if unpriced else plan.cap_cost)
