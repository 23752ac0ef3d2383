"""A plan of many takes on a screen: a row for each shot. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from kfpipe.cli.output.amounts import amount_text
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.output.tone import most_urgent
from kfpipe.cli.views import groups
from kfpipe.cli.views import plan as plan_view
from kfpipe.cli.views.groups import Group
from kfpipe.cli.views.plan import reasons_text
from kfpipe.cli.views.words import ACTION_TONES, ACTIONS
from kfpipe.plan.model import Action, Plan, Step

MOST_REASONS: Final = 2


def table(plan: Plan) -> Table:
    """A row for each shot where the takes are many, else one for each take."""
    if len(plan.steps) <= groups.MOST_ROWS:
        return plan_view.table(plan)
    found = [*_grouped(plan_view.debts(plan)), *_grouped(plan.takes)]
    return Table(
        columns=(
            Column(title="shot", least=24),
            Column(title="takes", is_number=True, rank=2),
            Column(title="action", least=16, wraps=True, is_toned=True),
            Column(title="why", rank=3, least=24, wraps=True),
            Column(title="model", rank=4),
            Column(title=plan.currency, is_number=True, rank=1),
        ),
        rows=tuple(_group_row(group) for group in found),
        tones=tuple(most_urgent({ACTION_TONES.get(step.action) for step in group.members}) for group in found),
    )


def _grouped(steps: Sequence[Step]) -> list[Group[Step]]:
    return groups.grouped(
        steps, name=_name, shot=_shot, alike=lambda step: (step.action, reasons_text(step), step.model)
    )


def _name(step: Step) -> str:
    return step.take_id


def _shot(step: Step) -> str:
    return step.shot_id


def _group_row(group: Group[Step]) -> tuple[str, ...]:
    steps = group.members
    return (
        group.title,
        f"{len(steps):,}",
        groups.counts(ACTIONS[step.action] for step in steps),
        _common_reasons(steps),
        groups.common((step.model for step in steps), "models"),
        _sum_of(steps),
    )


def _common_reasons(steps: Sequence[Step]) -> str:
    """Each reason once, and none for takes that are kept among others that are not."""
    telling = [step for step in steps if step.action is not Action.KEEP] or steps
    reasons = [*dict.fromkeys(map(reasons_text, telling))]
    more = len(reasons) - MOST_REASONS
    return " | ".join([*reasons[:MOST_REASONS], *([f"and {more:,} more"] if more > 0 else [])])


def _sum_of(steps: Sequence[Step]) -> str:
    """What the steps may add to the bill together; empty where that is nothing."""
    if any(step.cost is None for step in steps):
        return "unknown"
    cost = sum((step.cost or Decimal(0) for step in steps), Decimal(0))
    return amount_text(cost) if cost or any(step.action is Action.RENDER for step in steps) else ""


def all_takes(plan: Plan, command: Callable[..., str]) -> list[str]:
    """How to see each take where the table shows them by shot."""
    if len(plan.steps) <= groups.MOST_ROWS:
        return []
    return [f"to see each take: {command('plan', '--takes')}, or -s SHOT"]
