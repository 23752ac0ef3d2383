"""May this plan be run, and what may it cost at most? Pure: a person is asked elsewhere.

the estimate is within the cap (`--max-cost`, else `budget.max_cost`)    yes, up to the cap
no cap, and the emulator charges nothing                                 yes
nothing to spend                                                         yes, up to nothing
else                                                                     a question: yes means up to the estimate
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kfpipe.cli.figures import counted, money_text
from kfpipe.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The run may go, and spend up to `cap`; None: there is no limit."""

    cap: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A person must agree first; `cap` holds when they do. `reason` says why they are asked."""

    text: str
    reason: str
    cap: Decimal | None


def of(plan: Plan, *, cap: Decimal | None, charged: bool) -> Granted | Question:
    """The rules above, first match first. An unknown price counts as over any cap."""
    unpriced = len(plan.unpriced)
    if cap is not None and not unpriced and plan.cost <= cap:
        return Granted(cap=cap)
    if cap is None and not charged:
        return Granted(cap=None)
    if not unpriced and not plan.cost:
        return Granted(cap=plan.cost)
    reason = _reason(plan, cap)
    clips = counted(sum(step.cost != 0 for step in plan.steps), "clip")
    return Question(
        text=f"Render {clips} for {_price(plan)}{'' if cap is None else f': {reason}'}?",
        reason=reason,
        cap=None if unpriced else plan.cost,
    )


def _price(plan: Plan) -> str:
    known, unpriced = money_text(plan.cost, plan.currency), len(plan.unpriced)
    if not unpriced:
        return known
    unknown = f"an unknown price ({counted(unpriced, 'clip')})"
    return f"{known} and {unknown}" if plan.cost else unknown


def _reason(plan: Plan, cap: Decimal | None) -> str:
    if plan.unpriced:
        return f"the price of {counted(len(plan.unpriced), 'clip')} is unknown"
    cost = money_text(plan.cost, plan.currency)
    if cap is None:
        return f"the run would cost {cost}, and no budget is agreed"
    return f"{cost} is {money_text(plan.cost - cap, plan.currency)} over the budget of {money_text(cap, plan.currency)}"
