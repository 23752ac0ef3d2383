"""The comment on a pull request: what it changes, what that costs, what is wrong, and what a run did. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kfpipe.cli.output import markdown, messages
from kfpipe.cli.output.amounts import counted, money_text
from kfpipe.cli.views import diff as diff_view
from kfpipe.cli.views import plan as plan_view
from kfpipe.connection import Destination
from kfpipe.errors import Problem, Severity
from kfpipe.plan.compare import Comparison
from kfpipe.plan.model import Plan

LONGEST: Final = 65_000
"""Characters. GitHub refuses a comment of more than 65,536."""

MOST_PROBLEMS: Final = 50
_CUT: Final = "The rest is left out: the comment would be too long. `kfpipe plan --markdown` prints all of it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What there is to say about a manifest. `plan` is None where it is refused; `ran` is what `run --json` printed."""

    manifest: str
    problems: Sequence[Problem] = ()
    plan: Plan | None = None
    goal: Destination | None = None
    comparison: Comparison | None = None
    notes: Sequence[str] = ()
    ran: Mapping[str, Any] | None = None


def marker(manifest: str) -> str:
    """The first line of the comment, which nobody sees, and by which it is found again."""
    return f"<!-- kfpipe: {re.sub('[^A-Za-z0-9._/ ]', lambda found: f'%{ord(found[0]):x}', manifest)} -->"


def text(review: Review) -> str:
    """The whole comment, no longer than a comment may be; whole sections are left out of one that would be."""
    sections = [_problems(review.problems), _ran(review), _plan(review)]
    lines = [marker(review.manifest), f"### kfpipe: {markdown.code(review.manifest)}"]
    for note in review.notes:
        lines += ["", markdown.code(note)]
    room = LONGEST - len("\n".join(lines)) - len(_CUT) - 2
    for section in sections:
        size = sum(len(line) + 1 for line in section)
        if size > room:
            return "\n".join([*lines, "", _CUT])
        lines += section
        room -= size
    return "\n".join(lines)


def _problems(problems: Sequence[Problem]) -> list[str]:
    """Errors first; too many are counted."""
    if not problems:
        return []
    gravest = sorted(problems, key=lambda problem: problem.severity is Severity.WARNING)
    told = [line for problem in gravest[:MOST_PROBLEMS] for line in messages.problem_lines(problem)]
    more = len(problems) - MOST_PROBLEMS
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    heading = counted(errors, "problem") if errors else counted(len(problems), "warning")
    return ["", f"**{heading}**", "", *markdown.block([*told, *([f"and {more:,} more"] if more > 0 else [])])]


def _plan(review: Review) -> list[str]:
    plan, comparison = review.plan, review.comparison
    if plan is None or review.goal is None:
        return []
    compared = [] if comparison is None else diff_view.summary(comparison, plan.currency)
    matter = replace(plan, steps=(*plan.work, *plan.undecided))
    rows = plan_view.table(matter) if comparison is None else diff_view.table(comparison, plan)
    summary = plan_view.summary(plan, review.goal) or ["no takes"]
    return ["", *markdown.block([*compared, *summary]), *markdown.table(rows)]


def _ran(review: Review) -> list[str]:
    if review.ran is None:
        return []
    problems = review.ran.get("problems")
    if isinstance(problems, list):
        told = [str(one.get("what", "")) for one in problems if isinstance(one, dict)]
        return ["", "**The run was refused**", "", *markdown.block(told[:MOST_PROBLEMS])]
    return ["", "**The run**", "", *markdown.block(_done(review.ran, is_charged=_is_charged(review)))]


def _is_charged(review: Review) -> bool:
    return review.goal is None or review.goal.is_charged


def _done(ran: Mapping[str, Any], *, is_charged: bool) -> list[str]:
    """What the run did, and the takes that it left without a clip."""
    totals = ran.get("totals")
    counts = totals if isinstance(totals, dict) else {}
    words = {
        "rendered": "rendered",
        "failed": "failed",
        "under_way": "under way",
        "undecided": "to be decided",
        "unfinished": "left for the next run",
        "kept": "rendered before",
    }
    told = ", ".join(f"{counts[key]:,} {word}" for key, word in words.items() if _is_count(counts.get(key)))
    failed = [str(take.get("take")) for take in _objects(ran.get("takes")) if take.get("state") == "failed"]
    more = len(failed) - MOST_PROBLEMS
    listed = [f"  failed: {take}" for take in failed[:MOST_PROBLEMS]]
    return [f"{told or 'nothing to do'}: {_bill(ran, is_charged)}", *listed, *([f"  and {more:,}"] if more > 0 else [])]


def _bill(ran: Mapping[str, Any], is_charged: bool) -> str:
    try:
        amount = money_text(Decimal(str(ran.get("spent", "0"))), str(ran.get("currency", "")))
    except InvalidOperation:
        return "the bill is unknown"
    return f"billed {amount}" if is_charged else f"nothing charged ({amount} of play money)"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _objects(value: object) -> Iterable[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
