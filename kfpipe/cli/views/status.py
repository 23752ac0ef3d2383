"""What is on record, for a person and for a program. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from kfpipe.cli.output import costs
from kfpipe.cli.output.amounts import counted, money_text
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.output.tone import Tone
from kfpipe.cli.views.words import STATE_TONES, STATES, picked_text
from kfpipe.domain import Take
from kfpipe.files.scalars import decimal_text, time_text
from kfpipe.lock.codec import approval_to_json
from kfpipe.lock.records import Record, Records, entries, state_of
from kfpipe.lock.states import (
    ABSENT,
    Canceled,
    Entry,
    Failed,
    Fidelity,
    Lost,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Unclear,
    cost_of,
    fidelity_of,
    is_never_made,
    name_of,
    result_of,
    state_name,
    task_of,
    token_of,
)
from kfpipe.plan.selection import KnownTake

SHORT_ID = 8
"""Characters of a task id that are enough to recognize it."""

MOST_REMARKED: Final = 5


def table(shown: Sequence[KnownTake]) -> Table:
    """A row for each take."""
    return Table(
        columns=(
            Column(title="take", least=40),
            Column(title="state", least=16, wraps=True, is_toned=True),
            Column(title="picked", rank=1, is_toned=True),
            Column(title="request", rank=6),
            Column(title="task", rank=5),
            Column(title="cost", is_number=True, rank=2),
            Column(title="file", rank=3, least=24, is_path=True),
            Column(title="when", rank=4),
        ),
        rows=tuple(_row(one) for one in shown),
        tones=tuple(map(tone_of, shown)),
    )


def tone_of(one: KnownTake) -> Tone | None:
    """The colour of the take's state."""
    state = state_of(one.record)
    if state == "rendered" and (one.is_changed or one.take is None):
        return None if one.is_changed else Tone.QUIET
    return STATE_TONES.get(state)


def notes(shown: Sequence[KnownTake]) -> list[str]:
    """What the manifest says for people about the shots of these takes: the part that the film takes, and notes."""
    takes = {one.take.shot_id: one.take for one in shown if one.take is not None}
    return [line for shot_id, take in takes.items() for line in _notes(shot_id, take)]


def _notes(shot_id: str, take: Take) -> Iterator[str]:
    if take.trim is not None:
        yield f"{shot_id}: trimmed, {take.trim.text}"
    first, *more = take.notes.splitlines() or [""]
    if take.notes:
        yield from (f"{shot_id}: {first}", *(f"  {line}" for line in more))


def history(shown: Sequence[KnownTake]) -> Table:
    """A row for each request on record, a take's earliest first: the costs add up to all that was billed."""
    return Table(
        columns=(
            Column(title="take", least=40),
            Column(title="state", least=16, wraps=True),
            Column(title="picked", rank=2),
            Column(title="request", rank=6),
            Column(title="task", rank=3, least=13),
            Column(title="seconds", is_number=True, rank=5),
            Column(title="cost", is_number=True, rank=1),
            Column(title="when", rank=4),
        ),
        rows=tuple(row for one in shown for row in _history_rows(one)),
    )


def _history_rows(one: KnownTake) -> Iterator[tuple[str, ...]]:
    if one.record is None:
        yield (one.take_id, STATES[ABSENT], "", "", "", "", "", "")
        return
    for key, entry in one.record.others:
        yield _request(one.take_id, f"earlier: {_outcome(entry)}", "", key, entry)
    yield _request(one.take_id, state_text(one), picked_text(one.record), one.record.key, one.record.entry)


def _request(take_id: str, state: str, picked: str, key: str, entry: Entry) -> tuple[str, ...]:
    task, result = task_of(entry), result_of(entry)
    seconds = f"{result.billed_seconds.normalize():f}" if result else ""
    return (take_id, state, picked, key, task.task_id if task else "", seconds, _cost(entry), when_text(entry))


def _row(one: KnownTake) -> tuple[str, ...]:
    if one.record is None:
        return (one.take_id, STATES[ABSENT], "", "", "", "", "", "")
    entry, task = one.record.entry, task_of(one.record.entry)
    return (
        one.take_id,
        state_text(one),
        picked_text(one.record),
        token_of(one.record.key),
        task.task_id[:SHORT_ID] if task else "",
        _cost(entry),
        entry.render.path if isinstance(entry, Rendered) else "",
        when_text(entry),
    )


def state_text(one: KnownTake) -> str:
    """The state, and what a person should know before relying on it."""
    if one.record is None:
        return STATES[ABSENT]
    state, remarks = _outcome(one.record.entry), remarks_of(one.record.entry)
    told = [state, *([counted(len(remarks), "remark")] if remarks else []), *(["drift"] if one.has_drifted else [])]
    told += _origin(one.record, one.take_id)
    if one.take is None:
        told.append("no longer in the manifest")
    elif one.is_changed:
        told.append("changed in the manifest")
    return ", ".join(told)


def _origin(record: Record, take_id: str) -> Iterator[str]:
    """Where the request is from that a take stands by, where that is not plain."""
    if record.place is not None:
        yield f"on record in {record.place.name}"
    if name_of(record.key) != take_id:
        yield f"asked for as {name_of(record.key)}"


def remarks_of(entry: Entry) -> tuple[str, ...]:
    """What is not as it was asked for in the clip on record."""
    return entry.render.remarks if isinstance(entry, Rendered) else ()


def remarked(clips: Iterable[tuple[str, Entry]]) -> list[str]:
    """How many of these clips are not quite as they were asked for, and in what way; the first few are named."""
    found = [(take_id, "; ".join(remarks_of(entry))) for take_id, entry in clips if remarks_of(entry)]
    if not found:
        return []
    told = [f"  {take_id}: {remarks}" for take_id, remarks in found[:MOST_REMARKED]]
    more = len(found) - MOST_REMARKED
    end = [f"  and {more:,} more"] if more > 0 else []
    return [f"kept, though not quite as asked for: {counted(len(found), 'clip')}", *told, *end]


def remarks(shown: Sequence[KnownTake]) -> list[str]:
    """The same for the clips that these takes stand by."""
    return remarked((one.take_id, one.record.entry) for one in shown if one.record is not None)


def drifting(shown: Sequence[KnownTake]) -> list[str]:
    """How many of these clips begin or end on another picture than asked, and how like it they are; the first few."""
    found = [(one.take_id, _ends_text(one.record)) for one in shown if one.record is not None and one.has_drifted]
    more = len(found) - MOST_REMARKED
    return [
        *([f"drift, begins or ends on another picture than asked: {counted(len(found), 'clip')}"] if found else []),
        *(f"  {take_id}: {told}" for take_id, told in found[:MOST_REMARKED]),
        *([f"  and {more:,} more"] if more > 0 else []),
    ]


def _ends_text(record: Record) -> str:
    fidelity = fidelity_of(record.entry)
    return "" if fidelity is None else fidelity_text(fidelity)


def fidelity_text(fidelity: Fidelity) -> str:
    """How like its stills a clip begins and ends: `first 0.98, last 0.31`."""
    ends = {"first": fidelity.first, "last": fidelity.last}
    return ", ".join(f"{end} {value}" for end, value in ends.items() if value is not None)


def _outcome(entry: Entry) -> str:
    if is_never_made(entry):
        return STATES[ABSENT]
    state = STATES[state_name(entry)]
    return f"{state}: {entry.failure.code}" if isinstance(entry, Failed) else state


def _cost(entry: Entry) -> str:
    """What the task was billed; empty as long as it was not."""
    if result_of(entry) is None and not (isinstance(entry, Failed) and entry.failure.billed):
        return ""
    cost = cost_of(entry)
    return "unknown" if cost is None else money_text(cost, entry.asked.currency)


def when_text(entry: Entry) -> str:
    """The time of the latest change, in UTC."""
    return f"{_moment(entry):%Y-%m-%d %H:%M}Z"


def _moment(entry: Entry) -> datetime:
    match entry:
        case Submitting() | Unclear():
            return entry.asked.asked_at
        case Submitted():
            return entry.task.submitted_at
        case Succeeded() | Rendered():
            return entry.result.finished_at
        case Failed() | Canceled() | Lost():
            return entry.ended_at


def summary(shown: Sequence[KnownTake]) -> list[str]:
    """How many takes are in which state, and all the money on record for them."""
    records = _records(shown)
    counts = Counter(state_of(one.record) for one in shown)
    states = ", ".join(f"{counts[state]:,} {word}" for state, word in STATES.items() if counts[state])
    requests = [*entries(records)]
    charged, played = (" and ".join(costs.sums(costs.amounts(requests, in_play=play))) for play in (False, True))
    also = "".join(f", and {doubt}" for doubt in costs.doubts(requests))
    also += f" ({played} of play money)" if played else ""
    coming = " and ".join(costs.sums(costs.under_way(requests)))
    also += f"; under way: up to {coming}" if coming else ""
    return [f"{counted(sum(counts.values()), 'take')}: {states}", f"spent so far: {charged or 'nothing'}{also}"]


def _records(shown: Sequence[KnownTake]) -> Records:
    return {one.take_id: one.record for one in shown if one.record is not None}


def as_json(shown: Sequence[KnownTake], *, in_full: bool) -> dict[str, Any]:
    """What `status --json` prints; amounts are decimal text, null where unknown or not yet known."""
    records = _records(shown)
    return {
        "takes": ({**_take_json(one), **(_history_json(one) if in_full else {})} for one in shown),
        "spent": _amounts_json(costs.amounts(entries(records), in_play=False)),
        "play_money": _amounts_json(costs.amounts(entries(records), in_play=True)),
        "under_way": _amounts_json(costs.under_way(entries(records))),
    }


def _history_json(one: KnownTake) -> dict[str, Any]:
    requests = () if one.record is None else (*one.record.others, (one.record.key, one.record.entry))
    return {"history": [_request_json(key, entry) for key, entry in requests]}


def _request_json(key: str, entry: Entry) -> dict[str, Any]:
    task, result = task_of(entry), result_of(entry)
    return {
        "request": key,
        "state": state_name(entry),
        "task_id": task and task.task_id,
        "asked_at": time_text(entry.asked.asked_at),
        "at": time_text(_moment(entry)),
        "billed_seconds": result and decimal_text(result.billed_seconds),
        "cost": result and decimal_text(result.cost),
        "currency": entry.asked.currency,
    }


def _amounts_json(amounts: Mapping[str, Decimal]) -> dict[str, str | None]:
    return {currency: decimal_text(amount) for currency, amount in sorted(amounts.items())}


def takes_json(shown: Sequence[KnownTake]) -> Iterator[dict[str, Any]]:
    """Every take in its present state."""
    return map(_take_json, shown)


def _take_json(one: KnownTake) -> dict[str, Any]:
    record = one.record
    entry = None if record is None else record.entry
    task, result = (task_of(entry), result_of(entry)) if entry is not None else (None, None)
    failure = entry.failure if isinstance(entry, Failed | Canceled | Lost) else None
    approval = entry and entry.asked.approval
    return {
        "take": one.take_id,
        "state": state_of(record),
        "request": record and record.key,
        "in_manifest": one.take is not None,
        "changed": one.is_changed,
        "picked": record is not None and record.picked,
        "picked_earlier": record is not None and record.picked_earlier,
        "trim": _trim_json(one.take),
        "notes": None if one.take is None else one.take.notes or None,
        "task_id": task and task.task_id,
        "seconds": entry and entry.asked.parameters.duration_s,
        "billed_seconds": result and decimal_text(result.billed_seconds),
        "cost": result and decimal_text(result.cost),
        "currency": entry and entry.asked.currency,
        "file": entry.render.path if isinstance(entry, Rendered) else None,
        "remarks": [] if entry is None else list(remarks_of(entry)),
        "fidelity": fidelity_json(None if entry is None else fidelity_of(entry)),
        "drifts": one.has_drifted,
        "at": entry and time_text(_moment(entry)),
        "tasks": 0 if record is None else sum(task_of(other) is not None for other in record.entries),
        "failure": failure and asdict(failure),
        "approved": approval and approval_to_json(approval),
    }


def fidelity_json(fidelity: Fidelity | None) -> dict[str, str | None] | None:
    """How like its stills a clip begins and ends, null where that was not measured."""
    if fidelity is None:
        return None
    return {"first": decimal_text(fidelity.first), "last": decimal_text(fidelity.last)}


def _trim_json(take: Take | None) -> dict[str, str | None] | None:
    """What the film takes of the clip, in seconds; an `out` of null is the clip's end."""
    if take is None or take.trim is None:
        return None
    return {"in": decimal_text(take.trim.start_s), "out": decimal_text(take.trim.end_s)}
