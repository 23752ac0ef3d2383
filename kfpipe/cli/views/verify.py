"""What `kfpipe verify` found, for a person and for a program. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from kfpipe.cli.output.amounts import counted
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.output.tone import Tone
from kfpipe.cli.views.run import drifted
from kfpipe.cli.views.status import fidelity_json
from kfpipe.lock.records import Records
from kfpipe.lock.states import result_of
from kfpipe.maintenance.verify import Condition, Verified
from kfpipe.plan.model import Action, Plan, Step

_WAYS: Final = {
    Action.DOWNLOAD: "the next run downloads it again, free of charge",
    Action.DECIDE: "its link has expired: restore the file from a backup, or render it again with --retry",
    Action.KEEP: "restore the file from a backup, or render it again with --rerender",
    Action.RENDER: "changed in the manifest: the next run renders it again",
    Action.WAIT: "changed in the manifest: the next run renders it again",
    Action.REUSE: "the next run brings the clip back from where it is",
}


_RETIRED: Final = "no longer in the manifest: nothing will replace it"


def earlier_clips(records: Records) -> int:
    """How many clips on record were replaced by later ones; they are not checked."""
    return sum(result_of(entry) is not None for record in records.values() for entry in record.previous)


def table(found: Sequence[Verified], plan: Plan) -> Table:
    """A row for each file that is not intact, with what to do about it."""
    steps = {step.take_id: step for step in plan.takes}
    return Table(
        columns=(
            Column(title="take", least=24),
            Column(title="file", rank=2, least=16, is_path=True),
            Column(title="condition", is_toned=True),
            Column(title="why", rank=3, least=16, wraps=True),
            Column(title="what to do", rank=1, least=24, wraps=True),
        ),
        rows=tuple(
            (one.take_id, one.path, one.condition, one.detail, _way(steps.get(one.take_id))) for one in _unsound(found)
        ),
        tones=(Tone.FAILED,) * len(_unsound(found)),
    )


def _way(step: Step | None) -> str:
    """What to do about a file; the plan knows where the clip can still be had."""
    if step is None:
        return _RETIRED
    return "; ".join(step.reasons) if step.is_at_hand else _WAYS[step.action]


def _unsound(found: Sequence[Verified]) -> list[Verified]:
    return [one for one in found if one.condition is not Condition.SOUND]


def summary(found: Sequence[Verified], earlier: int) -> list[str]:
    """How many files are in which condition."""
    counts = Counter(one.condition for one in found)
    told = ", ".join(f"{counts[condition]:,} {_word(condition)}" for condition in Condition if counts[condition])
    lines = [f"{counted(len(found), 'clip')}: {told}" if found else "no clips on record"]
    return [*lines, f"  not checked: {counted(earlier, 'earlier clip')}"] if earlier else lines


def _word(condition: Condition) -> str:
    return "intact" if condition is Condition.SOUND else condition.value


def next_steps(found: Sequence[Verified], plan: Plan, command: Callable[..., str]) -> list[str]:
    """The commands to continue with; `command` spells one out for this manifest."""
    unsound = {one.take_id for one in _unsound(found)}
    actions = {step.take_id: step.action for step in plan.takes if step.take_id in unsound and not step.is_at_hand}
    words = [word for take_id, option in _again(actions) for word in (option, take_id)]
    steps = [f"next: {command('run')}"] if any(action.is_work for action in actions.values()) else []
    return [*steps, f"if no backup has the file, to render and pay again: {command('run', *words)}"] if words else steps


def _again(actions: dict[str, Action]) -> list[tuple[str, str]]:
    options = {Action.DECIDE: "--retry", Action.KEEP: "--rerender"}
    return [(take_id, options[action]) for take_id, action in actions.items() if action in options]


def measured(count: int, drifting: int, command: str) -> list[str]:
    """How many clips were compared with their stills for the first time, and how many of all drift, as `command` shows.

    Nothing where none was: the run has told of the others.
    """
    if not count:
        return []
    return [f"compared with their stills, and put on record: {counted(count, 'clip')}", *drifted(drifting, command)]


def as_json(found: Sequence[Verified], earlier: int, measured: int) -> dict[str, Any]:
    """What `verify --json` prints: every file that was looked at."""
    counts = Counter(one.condition for one in found)
    return {
        "takes": [
            {
                "take": one.take_id,
                "file": one.path,
                "finding": one.condition,
                "detail": one.detail or None,
                "fidelity": fidelity_json(one.fidelity),
            }
            for one in found
        ],
        "measured": measured,
        "totals": {**{str(condition): counts[condition] for condition in Condition}, "earlier": earlier},
    }
