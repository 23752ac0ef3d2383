"""What a comparison of files with the lockfile found, for a person and for a program. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from kfpipe.cli.output.amounts import counted
from kfpipe.cli.output.table import Column, Table
from kfpipe.lock.states import Lock, result_of
from kfpipe.maintenance.verify import Condition, Verified
from kfpipe.plan.model import Action, Plan

_WAYS: Final = {
    Action.DOWNLOAD: "the next run downloads it again, for nothing",
    Action.DECIDE: "its link is dead: put the file back, or --retry renders it anew",
    Action.KEEP: "put the file back, or --rerender renders it anew",
    Action.RENDER: "its request has changed: the next run renders it anew",
    Action.WAIT: "its request has changed: the next run renders it anew",
    Action.RESTORE: "its request has changed: the next run puts an earlier clip back",
    Action.FORGET: "no longer in the manifest: nothing will replace it",
}


def earlier_clips(lock: Lock) -> int:
    """How many clips on record were replaced by later ones; they are not looked at."""
    return sum(result_of(entry) is not None for record in lock.values() for entry in record.previous)


def table(found: Sequence[Verified], plan: Plan) -> Table:
    """A row for each file that is not sound, with the way on from there."""
    actions = {step.take_id: step.action for step in plan.steps}
    return Table(
        columns=tuple(Column(title=title) for title in ("take", "file", "is", "why", "way on")),
        rows=tuple(
            (one.take_id, one.path, one.condition, one.detail, _WAYS.get(actions[one.take_id], ""))
            for one in _unsound(found)
        ),
    )


def _unsound(found: Sequence[Verified]) -> list[Verified]:
    return [one for one in found if one.condition is not Condition.SOUND]


def summary(found: Sequence[Verified], earlier: int) -> list[str]:
    """How many files are in which condition."""
    counts = Counter(one.condition for one in found)
    told = ", ".join(f"{counts[condition]:,} {condition}" for condition in Condition if counts[condition])
    lines = [f"{counted(len(found), 'clip')}: {told}" if found else "no clip is on record"]
    return [*lines, f"  not looked at: {counted(earlier, 'earlier clip')}"] if earlier else lines


def next_steps(found: Sequence[Verified], plan: Plan, command: Callable[..., str]) -> list[str]:
    """The commands that go on from here; `command` spells one out for this manifest."""
    unsound = {one.take_id for one in _unsound(found)}
    actions = {step.take_id: step.action for step in plan.steps if step.take_id in unsound}
    again = [word for take_id, option in _anew(actions) for word in (option, take_id)]
    steps = [f"next: {command('run')}"] if any(action.is_work for action in actions.values()) else []
    return [*steps, f"to render anew, and pay again: {command('run', *again)}"] if again else steps


def _anew(actions: dict[str, Action]) -> list[tuple[str, str]]:
    options = {Action.DECIDE: "--retry", Action.KEEP: "--rerender"}
    return [(take_id, options[action]) for take_id, action in actions.items() if action in options]


def as_json(found: Sequence[Verified], earlier: int) -> dict[str, Any]:
    """What `verify --json` prints: every file that was looked at."""
    counts = Counter(one.condition for one in found)
    return {
        "takes": [
            {"take": one.take_id, "file": one.path, "finding": one.condition, "detail": one.detail or None}
            for one in found
        ],
        "totals": {**{str(condition): counts[condition] for condition in Condition}, "earlier": earlier},
    }
