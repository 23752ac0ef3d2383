"""Two branches have rendered: one lock out of both. Pure, and the same whichever side is called ours.

Every request that either side has on record is on record afterwards, with its bill. A request is known by the moment
it was made and its fingerprint; of its two versions the one that knows more is kept. Which request is a take's latest:

    one side has continued from the other's                      the one it has continued to
    one side alone has asked for something else than before      what it asked for: the manifest changed there
    one is still under way                                       that one: its clip has to be downloaded
    one has a clip, the other failed                             the clip
    else                                                         the one that ended later

The rest goes to `previous`, in the order of time. What that does not settle is a clash, for a person to decide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from kfpipe.domain import shot_of
from kfpipe.lock.codec import entry_to_json
from kfpipe.lock.states import (
    Entry,
    Failed,
    Lock,
    Record,
    Render,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Unclear,
    may_be_billed,
    result_of,
    task_of,
)

_UNDER_WAY: Final = (Submitting, Unclear, Submitted, Succeeded)
_FURTHEST_LAST: Final = (Submitting, Unclear, Submitted, Failed, Succeeded, Rendered)

_Request = tuple[datetime, str]
T = TypeVar("T")


class Doubt(StrEnum):
    """What cannot be settled without a person."""

    UNDER_WAY = "a task that is still under way would no longer be followed"
    TASKS = "the sides name different tasks for one request"
    CLIPS = "the sides have different clips for one task"
    CHOICES = "each side picked a different take of the shot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A take that a person has to decide about, and its record on either side."""

    take_id: str
    doubt: Doubt
    ours: Record
    theirs: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The takes that could be settled, and those that could not."""

    lock: Mapping[str, Record]
    clashes: tuple[Clash, ...]


class _Unsettled(Exception):
    """Both sides cannot be true, and neither goes before the other."""

    def __init__(self, doubt: Doubt) -> None:
        self.doubt = doubt
        super().__init__(doubt)


def merge(base: Lock, ours: Lock, theirs: Lock) -> Merged:
    """The records of `ours` and `theirs`, which both come from `base`. Nothing on record is ever dropped."""
    lock: dict[str, Record] = {}
    clashes: list[Clash] = []
    for take_id in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(take_id), theirs.get(take_id)
        if mine is None or other is None:
            lock[take_id] = mine or theirs[take_id]
            continue
        try:
            lock[take_id] = _merged(base.get(take_id), mine, other)
        except _Unsettled as unsettled:
            clashes.append(Clash(take_id=take_id, doubt=unsettled.doubt, ours=mine, theirs=other))
    twice = _picked_twice(lock, ours, theirs)
    contested = {one.take_id for one in twice}
    settled = {take_id: record for take_id, record in lock.items() if take_id not in contested}
    return Merged(lock=settled, clashes=tuple(sorted((*clashes, *twice), key=lambda clash: clash.take_id)))


def _merged(base: Record | None, ours: Record, theirs: Record) -> Record:
    """One record with every request of either side that was billed or may be; their serials rise.

    Raises `_Unsettled` where a person has to decide.
    """
    if ours == theirs:
        return ours
    before = _requests(base) if base is not None else {}
    mine, other = _requests(ours), _requests(theirs)
    requests = {
        key: _one_request(before.get(key), mine.get(key), other.get(key)) for key in sorted(mine.keys() | other.keys())
    }
    latest = _latest(base, ours, theirs, requests)
    kept = [entry for key, entry in requests.items() if key != latest and _is_history(entry)]
    *previous, entry = _numbered([*kept, requests[latest]])
    return Record(entry=entry, previous=tuple(previous), picked=_picked(base, ours, theirs, latest))


# ---- one request -------------------------------------------------------------------------------------------------


def _key(entry: Entry) -> _Request:
    return entry.asked.asked_at, entry.asked.fingerprint


def _requests(record: Record) -> dict[_Request, Entry]:
    return {_key(entry): entry for entry in (*record.previous, record.entry)}


def _one_request(base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Entry:
    """What is known of a request that at least one side has on record."""
    if ours is None or theirs is None:
        only = ours or theirs
        assert only is not None
        return only
    serial = max(ours.asked.serial, theirs.asked.serial)
    mine, other = _renumbered(ours, serial), _renumbered(theirs, serial)
    before = base and _renumbered(base, serial)
    if mine == other or other == before:
        return mine
    if mine == before:
        return other
    tasks = {task.task_id for task in map(task_of, (mine, other)) if task is not None}
    if len(tasks) > 1:
        raise _Unsettled(Doubt.TASKS)
    best = max(mine, other, key=_knowledge)
    if isinstance(best, Rendered) and isinstance(mine, Rendered) and isinstance(other, Rendered):
        return replace(best, render=_render(before, mine.render, other.render))
    return best


def _knowledge(entry: Entry) -> tuple[object, ...]:
    """Which of two versions of one request to keep: the greater. The last parts only make the choice certain."""
    task, result = task_of(entry), result_of(entry)
    progress = task is not None, _FURTHEST_LAST.index(type(entry)), may_be_billed(entry)
    receipt = task is not None and task.request_id is not None
    link = (result.url_expires_at.timestamp(), -len(result.video_url)) if result is not None else ()
    return *progress, receipt, link, _text(entry)


def _render(base: Entry | None, ours: Render, theirs: Render) -> Render:
    """One file of one task; it may have been moved on either side."""
    if ours.sha256 != theirs.sha256:
        raise _Unsettled(Doubt.CLIPS)
    before = base.render if isinstance(base, Rendered) else None
    return _changed(before, ours, theirs, otherwise=min(ours, theirs, key=lambda render: render.path))


def _changed(before: T | None, ours: T, theirs: T, *, otherwise: T) -> T:
    """The value of the side that has changed it."""
    if ours in (before, theirs):
        return theirs
    return ours if theirs == before else otherwise


def _text(entry: Entry) -> str:
    return json.dumps(entry_to_json(entry), sort_keys=True)


# ---- all requests of a take --------------------------------------------------------------------------------------


def _latest(base: Record | None, ours: Record, theirs: Record, requests: Mapping[_Request, Entry]) -> _Request:
    """The request that the merged take stands by: that of the side that has moved on.

    Where both have: the one that alone asks for something else than `base`; else one under way, a rendered one, the
    one that ended last.

    Raises `_Unsettled` where the other one may still be running: it would be forgotten.
    """
    mine, other = _key(ours.entry), _key(theirs.entry)
    before = base and _key(base.entry)
    if before in (mine, other):  # an earlier clip may have been restored, so that both sides know both
        return other if before == mine else mine
    mine_is_old, other_is_old = mine in _requests(theirs), other in _requests(ours)
    if mine == other or mine_is_old != other_is_old:
        return other if mine_is_old else mine
    changed = [key for key in (mine, other) if base is not None and key[1] != base.entry.asked.fingerprint]
    latest = changed[0] if len(changed) == 1 else max(mine, other, key=lambda key: _weight(requests[key]))
    if isinstance(requests[other if latest == mine else mine], _UNDER_WAY):
        raise _Unsettled(Doubt.UNDER_WAY)
    return latest


def _weight(entry: Entry) -> tuple[object, ...]:
    return isinstance(entry, _UNDER_WAY), isinstance(entry, Rendered), _ended_at(entry).timestamp(), _text(entry)


def _ended_at(entry: Entry) -> datetime:
    result = result_of(entry)
    if result is not None:
        return result.finished_at
    return entry.failed_at if isinstance(entry, Failed) else entry.asked.asked_at


def _is_history(entry: Entry) -> bool:
    """Whether a request that is no longer a take's latest must stay on record."""
    return task_of(entry) is not None or may_be_billed(entry)


def _numbered(entries: list[Entry]) -> list[Entry]:
    """The same with increasing serials; numbers that already increase stay."""
    numbered: list[Entry] = []
    for entry in entries:
        least = numbered[-1].asked.serial + 1 if numbered else 1
        numbered.append(_renumbered(entry, max(entry.asked.serial, least)))
    return numbered


def _renumbered(entry: Entry, serial: int) -> Entry:
    return replace(entry, asked=replace(entry.asked, serial=serial))


# ---- choices -----------------------------------------------------------------------------------------------------


def _picked(base: Record | None, ours: Record, theirs: Record, latest: _Request) -> bool:
    """A pick holds for the clip that was picked, not for a later one."""
    before, mine, other = (
        record.picked if record is not None and _key(record.entry) == latest else None
        for record in (base, ours, theirs)
    )
    if mine is None or other is None:
        return bool(mine or other)
    return _changed(before, mine, other, otherwise=mine or other)


def _picked_twice(lock: Lock, ours: Lock, theirs: Lock) -> list[Clash]:
    """Takes that were picked on one side each, though a shot has one pick."""
    picked: dict[str, list[str]] = {}
    for take_id, record in lock.items():
        if record.picked:
            picked.setdefault(shot_of(take_id), []).append(take_id)
    return [
        Clash(
            take_id=take_id,
            doubt=Doubt.CHOICES,
            ours=replace(lock[take_id], picked=_is_picked(ours, take_id)),
            theirs=replace(lock[take_id], picked=_is_picked(theirs, take_id)),
        )
        for take_ids in picked.values()
        if len(take_ids) > 1
        for take_id in take_ids
    ]


def _is_picked(lock: Lock, take_id: str) -> bool:
    return take_id in lock and lock[take_id].picked
