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
    clips = counted(sum(step.is_billed for step in plan.steps), "clip")
    return Question(
        text=f"Render {clips} for {_price(plan)}{_excess(plan, cap)}?",
        reason=f"the run would cost {_price(plan)}{_excess(plan, cap) or ', and no budget is agreed'}",
        cap=None if unpriced else plan.cost,
    )


def _price(plan: Plan) -> str:
    known, unpriced = money_text(plan.cost, plan.currency), len(plan.unpriced)
    if not unpriced:
        return known
    unknown = f"an unknown price ({counted(unpriced, 'clip')})"
    return f"{known} and {unknown}" if plan.cost else unknown


def _excess(plan: Plan, cap: Decimal | None) -> str:
    """How the price stands to the budget; empty when there is none."""
    if cap is None:
        return ""
    budget = f"the budget of {money_text(cap, plan.currency)}"
    if plan.cost > cap:
        return f", {money_text(plan.cost - cap, plan.currency)} over {budget}"
    return f", perhaps over {budget}"
