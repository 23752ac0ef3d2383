"""Takes that left the manifest, for a person and for a program. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kfpipe.cli.output import costs
from kfpipe.cli.output.amounts import counted
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.views.words import STATES
from kfpipe.files.scalars import decimal_text
from kfpipe.lock.states import Entry, Rendered, spent, state_name
from kfpipe.maintenance.prune import ClipState, Departed


def table(found: Sequence[Departed]) -> Table:
    """A row for each take; its cost is that of all its tasks."""
    return Table(
        columns=(
            Column(title="take", least=40),
            Column(title="state", rank=3),
            Column(title="cost", is_number=True, rank=1),
            Column(title="file", rank=2, least=16, is_path=True),
            Column(title="clip"),
        ),
        rows=tuple(map(_row, found)),
    )


def _row(one: Departed) -> tuple[str, ...]:
    state = STATES[state_name(one.record.entry)]
    return (one.take_id, state, _money(_entries([one])), _file(one) or "", _clip_state(one))


def summary(found: Sequence[Departed]) -> list[str]:
    """How many takes, what they cost, and how many clips would move."""
    count = sum(one.clip is ClipState.MOVE for one in found)
    cost = _money(_entries(found)) or "nothing"
    clips = f"{counted(count, 'clip')} to set aside" if count else "no clips to set aside"
    return [f"{counted(len(found), 'take')} no longer in the manifest, {cost} on record: {clips}"]


def outcome(found: Sequence[Departed], after: Sequence[Departed]) -> list[str]:
    """What was moved, where to, and what was not."""
    moving = {one.take_id for one in found if one.clip is ClipState.MOVE}
    lines = [f"{one.take_id}: {_file(one)}" for one in after if one.take_id in moving]
    altered = [
        f"{one.take_id}: {_file(one)} was not moved: {_clip_state(one)}"
        for one in after
        if one.clip is ClipState.ALTERED
    ]
    done = f"{counted(len(moving), 'clip')} set aside" if moving else "nothing to set aside"
    return [*lines, *altered, f"{done}; all takes and their costs stay on record"]


def as_json(found: Sequence[Departed]) -> dict[str, Any]:
    """Every take, and the sum of what they cost by currency."""
    return {
        "takes": [
            {
                "take": one.take_id,
                "state": state_name(one.record.entry),
                "spent": _amounts(_entries([one])),
                "file": _file(one),
                "clip": one.clip,
            }
            for one in found
        ],
        "spent": _amounts(_entries(found)),
    }


def _entries(found: Sequence[Departed]) -> list[Entry]:
    return [entry for one in found for entry in one.record.entries]


def _money(entries: Sequence[Entry]) -> str:
    return " and ".join(costs.sums(spent(entries)))


def _amounts(entries: Sequence[Entry]) -> dict[str, str | None]:
    return {currency: decimal_text(amount) for currency, amount in sorted(spent(entries).items())}


def _file(one: Departed) -> str | None:
    return one.record.entry.render.path if isinstance(one.record.entry, Rendered) else None


def _clip_state(one: Departed) -> str:
    return "not the file on record" if one.clip is ClipState.ALTERED else str(one.clip)
