"""The question whether a run may spend. Pure; `kfpipe.plan.consent` decides when it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kfpipe.cli.output.amounts import counted, money_text
from kfpipe.plan import consent
from kfpipe.plan.consent import Granted
from kfpipe.plan.model import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A person must agree first; `cap` applies when they do. `reason` says why they are asked."""

    text: str
    reason: str
    cap: Decimal | None


def consent_to(plan: Plan, *, cap: Decimal | None, charged: bool) -> Granted | Question:
    """The run's permission, or the question to ask."""
    answer = consent.asked(plan, cap=cap, charged=charged)
    if isinstance(answer, Granted):
        return answer
    clips = counted(sum(step.is_billed for step in plan.steps), "clip")
    return Question(
        text=f"Render {clips} for {_price(plan)}{_excess(plan, cap)}?",
        reason=f"the run would cost {_price(plan)}{_excess(plan, cap) or ', and there is no budget'}",
        cap=answer.cap,
    )


def _price(plan: Plan) -> str:
    known, unpriced = money_text(plan.cap_cost, plan.currency), len(plan.unpriced)
    if plan.under_way:
        known += f", beside {money_text(plan.under_way, plan.currency)} under way"
    if not unpriced:
        return known
    unknown = f"an unknown price ({', '.join(plan.unpriced_names)}: {counted(unpriced, 'clip')})"
    return f"{known} and {unknown}" if plan.cap_cost else unknown


def _excess(plan: Plan, cap: Decimal | None) -> str:
    """How far the price is over the budget; empty when there is none."""
    if cap is None:
        return ""
    budget, cost = f"the budget of {money_text(cap, plan.currency)}", plan.cap_cost + plan.under_way
    if cost > cap:
        return f", {money_text(cost - cap, plan.currency)} over {budget}"
    return f", possibly over {budget}"
