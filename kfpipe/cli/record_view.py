"""What is on record, for a person and for a program. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

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
    decimal_text,
    entries,
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
        case Submitting():
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
    money = " and ".join(money_text(amount, currency) for currency, amount in sorted(spent(lock).items()))
    unpriced = sum(result is not None and result.cost is None for result in map(result_of, entries(lock)))
    also = f", and {counted(unpriced, 'clip')} at an unknown price" if unpriced else ""
    return [f"{counted(sum(counts.values()), 'take')}: {states}", f"spent so far: {money or 'nothing'}{also}"]


def as_json(takes: Sequence[Take], lock: Lock) -> dict[str, Any]:
    """What `status --json` prints; amounts are decimal text, null where unknown or not yet known."""
    return {
        "takes": [_json_row(take_id, take, record) for take_id, take, record in _pairs(takes, lock)],
        "spent": {currency: decimal_text(amount) for currency, amount in sorted(spent(lock).items())},
    }


def _json_row(take_id: str, take: Take | None, record: Record | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"take": take_id, "state": state_of(record), "in_manifest": take is not None}
    entry = None if record is None else record.entry
    task, result = (task_of(entry), result_of(entry)) if entry is not None else (None, None)
    failure = entry.failure if isinstance(entry, Failed) else None
    return {
        **facts,
        "changed": take is not None and entry is not None and take.fingerprint != entry.asked.fingerprint,
        "task_id": task and task.task_id,
        "cost": result and decimal_text(result.cost),
        "currency": entry and entry.asked.currency,
        "file": entry.render.path if isinstance(entry, Rendered) else None,
        "at": entry and time_text(_moment(entry)),
        "tasks": 0 if record is None else sum(task_of(one) is not None for one in (*record.previous, record.entry)),
        "failure": failure
        and {
            "code": failure.code,
            "message": failure.message,
            "request_id": failure.request_id,
            "billed": failure.billed,
        },
    }
