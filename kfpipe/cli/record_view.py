"""What is on record, for a person and for a program. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from kfpipe.catalogue import EMULATOR_REGION
from kfpipe.cli.figures import counted, money_text
from kfpipe.cli.selection import ABSENT, state_of
from kfpipe.cli.table import Column, Table
from kfpipe.domain import Take
from kfpipe.lock import (
    STATES,
    Entry,
    Failed,
    Lock,
    Record,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Unclear,
    decimal_text,
    entries,
    may_be_billed,
    result_of,
    spent,
    task_of,
    time_text,
)

SHORT_ID = 8
"""Characters of a task's id that tell it from its neighbours."""


def table(takes: Sequence[Take], lock: Lock) -> Table:
    """A row for each take of the manifest, and for each other one on record."""
    titles = ("take", "state", "task", "cost", "file", "when")
    return Table(
        columns=tuple(Column(title=title, is_number=title == "cost") for title in titles),
        rows=tuple(_row(take_id, take, record) for take_id, take, record in _pairs(takes, lock)),
    )


def _pairs(takes: Sequence[Take], lock: Lock) -> Iterator[tuple[str, Take | None, Record | None]]:
    for take in takes:
        yield take.id, take, lock.get(take.id)
    for take_id in sorted(lock.keys() - {take.id for take in takes}):
        yield take_id, None, lock[take_id]


def _row(take_id: str, take: Take | None, record: Record | None) -> tuple[str, ...]:
    if record is None:
        return (take_id, ABSENT, "", "", "", "")
    entry = record.entry
    task, result = task_of(entry), result_of(entry)
    cost = "" if result is None else "unknown" if result.cost is None else money_text(result.cost, entry.asked.currency)
    path = entry.render.path if isinstance(entry, Rendered) else ""
    return (take_id, _state(take, record), task.task_id[:SHORT_ID] if task else "", cost, path, _when(record))


def _state(take: Take | None, record: Record) -> str:
    """The state, and what a person should know before relying on it."""
    state = state_of(record)
    if isinstance(record.entry, Failed):
        state = f"{state}: {record.entry.failure.code}"
    if take is None:
        return f"{state}, no longer in the manifest"
    return state if take.fingerprint == record.entry.asked.fingerprint else f"{state}, changed since"


def _when(record: Record) -> str:
    """The time of the latest transition, in UTC."""
    return f"{_moment(record.entry):%Y-%m-%d %H:%M}Z"


def _moment(entry: Entry) -> datetime:
    match entry:
        case Submitting() | Unclear():
            return entry.asked.asked_at
        case Submitted():
            return entry.task.submitted_at
        case Succeeded() | Rendered():
            return entry.result.finished_at
        case Failed():
            return entry.failed_at


def summary(takes: Sequence[Take], lock: Lock) -> list[str]:
    """How many takes are in which state, and all the money on record."""
    counts = Counter(state_of(record) for _, _, record in _pairs(takes, lock))
    states = ", ".join(f"{counts[state]:,} {state}" for state in (*reversed([*STATES]), ABSENT) if counts[state])
    unpriced = sum(result is not None and result.cost is None for result in map(result_of, entries(lock)))
    doubtful = sum(map(may_be_billed, entries(lock)))
    also = f", and {counted(unpriced, 'clip')} at an unknown price" if unpriced else ""
    also += f", and {counted(doubtful, 'request')} that may be billed" if doubtful else ""
    play = _money_text(_spent(lock, in_play=True))
    also += f" ({play} of play money)" if play else ""
    money = _money_text(_spent(lock, in_play=False)) or "nothing"
    return [f"{counted(sum(counts.values()), 'take')}: {states}", f"spent so far: {money}{also}"]


def _money_text(amounts: Mapping[str, Decimal]) -> str:
    return " and ".join(money_text(amount, currency) for currency, amount in sorted(amounts.items()))


def _spent(lock: Lock, *, in_play: bool) -> dict[str, Decimal]:
    """By currency, what was billed by the service, or by the emulator, whose money is only for play."""
    return spent(entry for entry in entries(lock) if (entry.asked.region == EMULATOR_REGION) is in_play)


def as_json(takes: Sequence[Take], lock: Lock) -> dict[str, Any]:
    """What `status --json` prints; amounts are decimal text, null where unknown or not yet known."""
    return {
        "takes": takes_json(takes, lock),
        "spent": _amounts_json(_spent(lock, in_play=False)),
        "play_money": _amounts_json(_spent(lock, in_play=True)),
    }


def _amounts_json(amounts: Mapping[str, Decimal]) -> dict[str, str | None]:
    return {currency: decimal_text(amount) for currency, amount in sorted(amounts.items())}


def takes_json(takes: Sequence[Take], lock: Lock) -> list[dict[str, Any]]:
    """Every take as it stands."""
    return [_take_json(take_id, take, record) for take_id, take, record in _pairs(takes, lock)]


def _take_json(take_id: str, take: Take | None, record: Record | None) -> dict[str, Any]:
    entry = None if record is None else record.entry
    task, result = (task_of(entry), result_of(entry)) if entry is not None else (None, None)
    failure = entry.failure if isinstance(entry, Failed) else None
    return {
        "take": take_id,
        "state": state_of(record),
        "in_manifest": take is not None,
        "changed": take is not None and entry is not None and take.fingerprint != entry.asked.fingerprint,
        "task_id": task and task.task_id,
        "seconds": entry and entry.asked.parameters.duration_s,
        "billed_seconds": result and decimal_text(result.billed_seconds),
        "cost": result and decimal_text(result.cost),
        "currency": entry and entry.asked.currency,
        "file": entry.render.path if isinstance(entry, Rendered) else None,
        "at": entry and time_text(_moment(entry)),
        "tasks": 0 if record is None else sum(task_of(one) is not None for one in (*record.previous, record.entry)),
        "failure": failure and asdict(failure),
    }
