"""What has changed since a commit, for a person and for a program. Pure."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from kfpipe.cli.output.amounts import amount_text
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.output.tone import Tone
from kfpipe.cli.views.plan import cost_text, sum_text
from kfpipe.cli.views.words import ACTION_TONES, ACTIONS
from kfpipe.files.scalars import decimal_text
from kfpipe.plan.compare import Comparison, Kind, Price, TakeChange
from kfpipe.plan.model import Plan, Step
from kfpipe.wording import visible

SHORT_COMMIT: Final = 8


def table(comparison: Comparison, plan: Plan) -> Table:
    """A row for each take that differs, with what the next run will do."""
    steps = {step.take_id: step for step in plan.takes}
    return Table(
        columns=(
            Column(title="take", least=40),
            Column(title=f"since {_name(comparison)}"),
            Column(title="change", rank=2, least=24, wraps=True),
            Column(title="next run", rank=1, is_toned=True),
            Column(title=plan.currency, is_number=True, rank=3),
        ),
        rows=tuple(_row(change, steps.get(change.take_id)) for change in comparison.changes),
        tones=tuple(_tone(steps.get(change.take_id)) for change in comparison.changes),
    )


def _tone(step: Step | None) -> Tone | None:
    return None if step is None else ACTION_TONES.get(step.action)


def _name(comparison: Comparison) -> str:
    """The revision as the user named it."""
    return visible(comparison.past.name)


def _row(change: TakeChange, step: Step | None) -> tuple[str, ...]:
    action, cost = ("", "") if step is None else (ACTIONS[step.action], cost_text(step))
    return (change.take_id, change.kind, _what(change), action, cost)


def _what(change: TakeChange) -> str:
    """The fields that differ, with both values."""
    return "; ".join(difference.text for difference in change.differences)


def summary(comparison: Comparison, currency: str) -> list[str]:
    """How many takes were added, removed and changed, and what all takes cost, before and after."""
    counts = [(comparison.count(kind), kind.value) for kind in Kind] + [(comparison.unchanged, "unchanged")]
    takes = ", ".join(f"{count:,} {word}" for count, word in counts if count) or "no takes"
    commit = comparison.past.commit[:SHORT_COMMIT]
    return [f"since {_name(comparison)} ({commit}): {takes}", f"  {_price_text(comparison, currency)}"]


def _price_text(comparison: Comparison, currency: str) -> str:
    """`cost of rendering every take once: USD 2.00 -> USD 2.40 (+0.40)`."""
    before, after = comparison.before, comparison.after
    text = f"{_sum(before, currency)} -> {_sum(after, currency)}" if before != after else _sum(after, currency)
    delta = after.cost - before.cost
    known = f" ({_delta_text(delta)})" if delta and not before.unpriced and not after.unpriced else ""
    return f"cost of rendering every take once: {text}{known}"


def _sum(price: Price, currency: str) -> str:
    return sum_text(price.cost, price.unpriced, currency)


def _delta_text(delta: Decimal) -> str:
    """`+0.40`, `-0.40`."""
    return f"{'-' if delta < 0 else '+'}{amount_text(abs(delta))}"


def as_json(comparison: Comparison) -> dict[str, Any]:
    """What `plan --diff --json` adds to the plan; amounts are decimal text."""
    return {
        "revision": comparison.past.name,
        "commit": comparison.past.commit,
        "takes": [
            {"take": change.take_id, "change": change.kind, "fields": [asdict(one) for one in change.differences]}
            for change in comparison.changes
        ],
        "unchanged": comparison.unchanged,
        "before": _price_json(comparison.before),
        "after": _price_json(comparison.after),
    }


def _price_json(price: Price) -> dict[str, Any]:
    return {"cost": decimal_text(price.cost), "unpriced": price.unpriced}
