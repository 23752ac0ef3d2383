"""How a run ended, for a person and for a program. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from kfpipe.cli.output import amounts
from kfpipe.cli.output.amounts import counted, money_text, span_text
from kfpipe.cli.views import status as status_view
from kfpipe.errors import ExitCode
from kfpipe.events import RunFinished
from kfpipe.files.scalars import decimal_text
from kfpipe.lock.records import Records
from kfpipe.lock.states import result_of
from kfpipe.plan.gather import Standing
from kfpipe.plan.model import Plan
from kfpipe.plan.selection import nominees

MOST_TOLD: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where the results of a run are, as the user would type it."""

    clips: PurePath
    record: PurePath


def lines(finished: RunFinished, places: Whereabouts, *, elapsed_s: float, is_charged: bool) -> list[str]:
    """What was done, what it cost, and where it is."""
    others = {
        "kept": finished.kept,
        "failed": finished.failed,
        "left for the next run": finished.unfinished,
        "for you to decide": finished.undecided,
    }
    rest = ", ".join(f"{count:,} {words}" for words, count in others.items() if count)
    told = [_headline(finished, elapsed_s, is_charged)] if finished.rendered or not finished.under_way else []
    told += _under_way(finished)
    told += [f"  {rest}"] if rest else []
    told += [f"  clips in {places.clips}, lockfile {places.record}"] if finished.rendered else []
    return told


def _headline(finished: RunFinished, elapsed_s: float, is_charged: bool) -> str:
    clips, span = counted(finished.rendered, "clip"), span_text(elapsed_s)
    return f"{clips} rendered in {span}: {bill(finished, is_charged)}"


def _under_way(finished: RunFinished) -> list[str]:
    count = finished.under_way
    return [f"{counted(count, 'task')} under way at the service, not billed yet"] if count else []


def bill(finished: RunFinished, is_charged: bool) -> str:
    """What the run was billed."""
    if not is_charged and not finished.spent:
        return "nothing charged"
    if not is_charged:
        return f"nothing charged ({money_text(finished.spent, finished.currency)} of play money)"
    if not finished.unpriced:
        return money_text(finished.spent, finished.currency)
    unknown = f"{counted(finished.unpriced, 'clip')} at an unknown price"
    return f"{money_text(finished.spent, finished.currency)} and {unknown}" if finished.spent else unknown


def nothing_to_do(finished: RunFinished) -> str:
    """The one line of a run that had no work."""
    if not finished.kept and not finished.undecided:
        return "nothing to do: no take is selected"
    decide = f", {finished.undecided:,} for you to decide" if finished.undecided else ""
    return f"nothing to do: {counted(finished.kept, 'take')} rendered{decide}"


def billed_otherwise(plan: Plan, records: Records) -> list[str]:
    """The takes of a finished plan that were billed for another length than was asked for; the first few."""
    entries = ((step.take_id, records[step.take_id].entry) for step in plan.work if step.take_id in records)
    clips = ((take_id, result_of(entry), entry.asked.parameters.duration_s) for take_id, entry in entries)
    return _cut_short(
        [
            f"  {take_id}: {amounts.billed_otherwise(result.billed_seconds, asked_seconds)}"
            for take_id, result, asked_seconds in clips
            if result is not None and result.billed_seconds != asked_seconds
        ]
    )


def remarks(plan: Plan, records: Records) -> list[str]:
    """What is not as it was asked for in the clips of a finished plan; the first few are named."""
    done = (step.take_id for step in plan.work if step.take is not None and step.take_id in records)
    return status_view.remarked((take_id, records[take_id].entry) for take_id in done)


def drifting(plan: Plan, now: Standing, command: str) -> list[str]:
    """How many clips of a finished plan begin or end on another picture than asked; `command` shows which."""
    done = {step.take_id for step in plan.work if step.take is not None}
    count = sum(one.has_drifted for one in now.everyone if one.take_id in done) if done else 0
    return drifted(count, command)


def drifted(count: int, command: str) -> list[str]:
    """That so many clips begin or end on another picture than asked; `command` shows which."""
    verbs = "begins or ends" if count == 1 else "begin or end"
    return [f"{counted(count, 'clip')} {verbs} on another picture than asked: {command}"] if count else []


def undecided(plan: Plan) -> list[str]:
    """Why each undecided take is left to a person; the first few."""
    return _cut_short([f"  {step.take_id}: {'; '.join(step.reasons)}" for step in plan.undecided])


def _cut_short(told: list[str]) -> list[str]:
    more = len(told) - MOST_TOLD
    return [*told[:MOST_TOLD], f"  and {more:,} more"] if more > 0 else told


def as_json(finished: RunFinished, plan: Plan, now: Standing) -> dict[str, Any]:
    """What `run --json` prints: every take of the plan as it stands now, and what this run did."""
    planned = {step.take_id for step in plan.steps}
    takes = [step.take for step in plan.steps if step.take is not None]
    shown = [one for one in nominees(takes, now.records, now.min_fidelity) if one.take_id in planned]
    return {
        "takes": status_view.takes_json(shown),
        "totals": {
            "rendered": finished.rendered,
            "kept": finished.kept,
            "failed": finished.failed,
            "under_way": finished.under_way,
            "undecided": finished.undecided,
            "unfinished": finished.unfinished,
            "unpriced": finished.unpriced,
        },
        "spent": decimal_text(finished.spent),
        "currency": finished.currency,
        "exit_code": int(finished.exit_code),
    }


def ending(finished: RunFinished) -> list[str]:
    """Why a run ended early; empty when it did not."""
    match finished.exit_code:
        case ExitCode.INTERRUPTED:
            return ["interrupted: nothing is lost; tasks under way are on record"]
        case ExitCode.OVER_BUDGET:
            return ["stopped by the budget: raise `budget.max_cost`, or set --max-cost"]
        case _:
            return []
