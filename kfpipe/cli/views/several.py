"""Several projects of one run: the one question, and the one summary. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final

from kfpipe.cli.output.amounts import counted, money_text, span_text
from kfpipe.cli.views import run as run_view
from kfpipe.cli.views.question import Question
from kfpipe.errors import Refused
from kfpipe.events import RunFinished
from kfpipe.files.scalars import decimal_text
from kfpipe.plan.consent import Granted
from kfpipe.plan.model import Plan
from kfpipe.wording import listed

WAY_TO_CONSENT: Final = (
    "set `budget:` in each manifest, or --max-cost for all of them together; "
    "beyond a manifest's own budget, run that one alone"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a project wants to do, and whether its own budget, `cap`, allows it; None: it has none."""

    name: str
    plan: Plan
    cap: Decimal | None
    answer: Granted | Question
    is_charged: bool

    @property
    def most(self) -> Decimal:
        """What it counts for a cap."""
        return self.plan.cap_cost + self.plan.under_way


@dataclass(frozen=True, slots=True, kw_only=True)
class GrandTotal:
    """What the projects of one currency add up to; play money is a currency of its own."""

    currency: str
    is_charged: bool
    rendered: int
    spent: Decimal
    unpriced: int


def names(paths: Sequence[PurePath]) -> list[str]:
    """What to call each: its stem where no other has it, else its path."""
    counts = Counter(path.stem for path in paths)
    return [path.stem if counts[path.stem] == 1 else str(path) for path in paths]


def told(name: str, lines: Sequence[str]) -> list[str]:
    """A project's problems under its name."""
    return [line if line.startswith(" ") else f"{name}: {line}" for line in lines]


# ---- consent -----------------------------------------------------------------------------------------------------


def question(wanted: Sequence[Wanted], total: Decimal | None) -> Question | None:
    """The one question to ask; None where all may spend. Raises Refused for a total over several currencies."""
    asked = [one for one in wanted if isinstance(one.answer, Question)]
    reasons = [f"{one.name}: {one.answer.reason}" for one in asked if isinstance(one.answer, Question)]
    if total is not None:
        reasons = _over_the_total(wanted, total)
    if not reasons:
        return None
    clips = counted(sum(step.is_billed for one in wanted for step in one.plan.steps), "clip")
    return Question(
        text=f"Render {clips} in {counted(len(wanted), 'project')} for {_price(wanted)}?",
        reason="; ".join(reasons),
        cap=None,
    )


def _over_the_total(wanted: Sequence[Wanted], total: Decimal) -> list[str]:
    """Why all together may not spend: each within its own budget, where it has one, and their sum within `total`."""
    spending = [one for one in wanted if one.most or one.plan.unpriced]
    kinds = {(one.plan.currency, one.is_charged) for one in spending}
    if len(kinds) > 1:
        raise Refused.because(
            "--max-cost",
            f"one amount cannot be for {listed(sorted(_currency(*kind) for kind in kinds), 'and')}",
            expected="manifests of one currency, all charged or all emulated",
            fix="leave it out, and set `budget:` in each manifest",
        )
    over = [
        f"{one.name}: {one.answer.reason}"
        for one in spending
        if isinstance(one.answer, Question) and (one.cap is not None or one.plan.unpriced)
    ]
    cost = sum((one.most for one in spending), Decimal(0))
    if cost > total and kinds:
        currency = spending[0].plan.currency
        all_cost, allowed = money_text(cost, currency), money_text(total, currency)
        over.append(f"the runs would cost {all_cost} together, over the {allowed} of --max-cost")
    return over


def cap_of(one: Wanted, *, has_total: bool) -> Decimal | None:
    """The most that a project may spend: with a total over all, what was estimated for it."""
    if has_total and not one.plan.unpriced:
        return one.most
    return one.answer.cap


def _price(wanted: Sequence[Wanted]) -> str:
    sums: dict[tuple[str, bool], Decimal] = {}
    for one in wanted:
        kind = (one.plan.currency, one.is_charged)
        sums[kind] = sums.get(kind, Decimal(0)) + one.most
    unpriced = sum(len(one.plan.unpriced) for one in wanted)
    parts = [_money(amount, *kind) for kind, amount in sorted(sums.items()) if amount]
    parts += [f"{counted(unpriced, 'clip')} at an unknown price"] if unpriced else []
    return listed(parts, "and") if parts else "nothing"


def priced_totals(plans: Iterable[tuple[Plan, bool]]) -> list[dict[str, Any]]:
    """By currency, what the plans of all projects may cost."""
    sums: dict[tuple[str, bool], list[Plan]] = {}
    for plan, is_charged in plans:
        sums.setdefault((plan.currency, is_charged), []).append(plan)
    return [
        {
            "currency": currency,
            "charged": is_charged,
            "cost": decimal_text(sum((plan.cost for plan in some), Decimal(0))),
            "under_way": decimal_text(sum((plan.under_way for plan in some), Decimal(0))),
            "unpriced": sum(len(plan.unpriced) for plan in some),
        }
        for (currency, is_charged), some in sorted(sums.items())
    ]


# ---- summary -----------------------------------------------------------------------------------------------------


def line(name: str, finished: RunFinished, *, is_charged: bool) -> str:
    """What a project's part of the run did."""
    if not (finished.rendered or finished.failed or finished.under_way or finished.unfinished):
        return f"{name}: {run_view.nothing_to_do(finished)}"
    counts = {
        "failed": finished.failed,
        "under way": finished.under_way,
        "left for the next run": finished.unfinished,
        "for you to decide": finished.undecided,
        "kept": finished.kept,
    }
    rest = "".join(f", {count:,} {words}" for words, count in counts.items() if count)
    return f"{name}: {counted(finished.rendered, 'clip')} rendered{rest}: {run_view.bill(finished, is_charged)}"


def grand_totals(runs: Iterable[tuple[RunFinished, bool]]) -> list[GrandTotal]:
    """By currency, what all projects together came to."""
    sums: dict[tuple[str, bool], list[RunFinished]] = {}
    for finished, is_charged in runs:
        sums.setdefault((finished.currency, is_charged), []).append(finished)
    return [
        GrandTotal(
            currency=currency,
            is_charged=is_charged,
            rendered=sum(finished.rendered for finished in some),
            spent=sum((finished.spent for finished in some), Decimal(0)),
            unpriced=sum(finished.unpriced for finished in some),
        )
        for (currency, is_charged), some in sorted(sums.items())
    ]


def total_line(sums: Sequence[GrandTotal], elapsed_s: float) -> str:
    """All projects in one line, each currency by itself."""
    clips = counted(sum(one.rendered for one in sums), "clip")
    spent = [_money(one.spent, one.currency, one.is_charged) for one in sums if one.spent]
    unpriced = sum(one.unpriced for one in sums)
    spent += [f"{counted(unpriced, 'clip')} at an unknown price"] if unpriced else []
    return f"in all: {clips} rendered in {span_text(elapsed_s)}: {listed(spent, 'and') if spent else 'nothing charged'}"


def totals_json(sums: Iterable[GrandTotal]) -> list[dict[str, Any]]:
    """The same for a program."""
    return [
        {
            "currency": one.currency,
            "charged": one.is_charged,
            "rendered": one.rendered,
            "spent": decimal_text(one.spent),
            "unpriced": one.unpriced,
        }
        for one in sums
    ]


def _currency(currency: str, is_charged: bool) -> str:
    return currency if is_charged else f"play {currency}"


def _money(amount: Decimal, currency: str, is_charged: bool) -> str:
    return money_text(amount, currency) if is_charged else f"{money_text(amount, currency)} of play money"
