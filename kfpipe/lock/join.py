"""Two records of the same requests -> one that knows all that either does. Pure: the only way that records meet.

A journal replayed, a lockfile pulled, branches merged, a stale journal, another lockfile of the project: all of them
are joined, in any order and any number of times, with the same result.

Of one request, the version that knows more is kept:

    submitting < refused < unclear < given up        while there is no task
    submitted < lost < canceled < failed < succeeded < rendered        of one task

Versions with different tasks, or different clips of one task, contradict each other: the one that went further stands,
and the others stay visible as its rivals. A task belongs to one request. Where two name it, the one that was asked
first keeps it, with all that either knew; for the other it is a candidate.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from kfpipe.domain import ABANDONED
from kfpipe.lock.codec import entry_to_json
from kfpipe.lock.states import (
    NO_DOUBTS,
    Canceled,
    Doubts,
    Entry,
    Failed,
    Failure,
    Lost,
    Rendered,
    Submitted,
    Submitting,
    Succeeded,
    Unclear,
    name_of,
    result_of,
    task_of,
    tasks_of,
    versions,
)

_FURTHEST_LAST: Final = (Submitted, Lost, Canceled, Failed, Succeeded, Rendered)

_Rival = tuple[str, str]
"""A task, and the digest of its clip where it is rendered."""


def joined(one: Entry, other: Entry) -> Entry:
    """One request out of two versions of it: commutative, associative, idempotent; it knows all that either does."""
    if one == other:
        return one
    mine, theirs = _split(one), _split(other)
    tasks = dict(mine)
    for rival, version in theirs.items():
        tasks[rival] = max(tasks[rival], version, key=_knowledge) if rival in tasks else version
    doubts = Doubts(
        candidates=one.doubts.candidates | other.doubts.candidates, given_up_at=_first(_given_up(one), _given_up(other))
    )
    plain = max((version for version in (one, other) if _is_plain(version)), key=_knowledge, default=None)
    return _composed(tasks, plain, doubts)


def _is_plain(entry: Entry) -> bool:
    return task_of(entry) is None


def _given_up(entry: Entry) -> datetime | None:
    return entry.ended_at if isinstance(entry, Lost) and entry.task is None else entry.doubts.given_up_at


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    times = [time for time in (one, other) if time is not None]
    return min(times) if times else None


def _split(entry: Entry) -> dict[_Rival, Entry]:
    """The versions that have a task, each without its doubts."""
    found: dict[_Rival, Entry] = {}
    for version in versions(entry):
        task = task_of(version)
        if task is not None:
            digest = version.render.sha256 if isinstance(version, Rendered) else ""
            found[task.task_id, digest] = replace(version, doubts=NO_DOUBTS)
    return found


def _composed(tasks: Mapping[_Rival, Entry], plain: Entry | None, doubts: Doubts) -> Entry:
    """The request of which this is known; `plain` is its best version without a task."""
    rendered = {task_id for task_id, digest in tasks if digest}
    known = [version for (task_id, digest), version in tasks.items() if digest or task_id not in rendered]
    if known:
        best, *rivals = sorted(known, key=_knowledge, reverse=True)
        return replace(best, doubts=replace(doubts, rivals=tuple(rivals)))
    assert plain is not None, "a request has a task, or a version without one"
    if doubts.given_up_at is not None:
        return given_up(plain, doubts)
    if doubts.candidates:
        return Unclear(asked=plain.asked, doubts=doubts)
    return replace(plain, doubts=doubts)


def given_up(entry: Entry, doubts: Doubts) -> Lost:
    """The request without a task as a person has given it up."""
    assert doubts.given_up_at is not None
    message = "declared lost"
    if doubts.candidates:
        message += f"; one of these tasks may have been its own: {', '.join(sorted(doubts.candidates))}"
    failure = Failure(code=ABANDONED, message=message, request_id=None, billed=None)
    return Lost(
        asked=entry.asked, task=None, ended_at=doubts.given_up_at, failure=failure, doubts=replace(doubts, rivals=())
    )


def _knowledge(entry: Entry) -> tuple[Any, ...]:
    """Which of two versions of one request knows more: the greater. The last parts only make the choice certain."""
    state: tuple[Any, ...] = (
        (0, isinstance(entry, Failed))
        if isinstance(entry, Submitting | Unclear) or entry.task is None
        else (1, _FURTHEST_LAST.index(type(entry)))
    )
    task, result = task_of(entry), result_of(entry)
    moved = (entry.render.moved, len(entry.render.remarks)) if isinstance(entry, Rendered) else ()
    link: tuple[Any, ...] = ()
    if result is not None:
        expires = result.url_expires_at.timestamp()
        link = (result.refused is not None, expires, "?" not in result.video_url)
    return *state, *moved, *link, task is not None and task.request_id is not None, *_text(entry)


def _text(entry: Entry) -> tuple[str, str]:
    """What was learned of the task, then what was asked for."""
    fields = entry_to_json(replace(entry, doubts=NO_DOUBTS))
    asked = entry_to_json(Submitting(asked=entry.asked))
    learned = {name: value for name, value in fields.items() if value != asked.get(name)}
    return json.dumps(learned, sort_keys=True), json.dumps(asked, sort_keys=True)


# ---- all requests ----------------------------------------------------------------------------------------------------


class Requests:
    """Requests by key, as they grow by joining. `view` shows them."""

    def __init__(self, requests: Mapping[str, Entry] | None = None) -> None:
        self._entries: dict[str, Entry] = {}
        self._owners: dict[str, str] = {}
        self._alike: dict[str, set[str]] = {}
        self._named: dict[str, set[str]] = {}
        self.view: Mapping[str, Entry] = MappingProxyType(self._entries)
        self.take_in((requests or {}).items())

    def take_in(self, requests: Iterable[tuple[str, Entry]]) -> None:
        """Join these with what is known."""
        for key, entry in requests:
            known = self._entries.get(key)
            self._put(key, entry if known is None else joined(known, entry))

    def alike(self, fingerprint: str) -> list[tuple[str, Entry]]:
        """The requests for just this clip."""
        return [(key, self._entries[key]) for key in list(self._alike.get(fingerprint, ()))]

    def named(self, take_id: str) -> list[tuple[str, Entry]]:
        """The requests that were first asked under this take id."""
        return [(key, self._entries[key]) for key in list(self._named.get(take_id, ()))]

    def _put(self, key: str, entry: Entry) -> None:
        if key not in self._entries:
            self._named.setdefault(name_of(key), set()).add(key)
        self._entries[key] = entry
        self._alike.setdefault(entry.asked.fingerprint, set()).add(key)
        for task_id in tasks_of(entry):
            owner = self._owners.setdefault(task_id, key)
            if owner != key:
                self._settle(task_id, owner, key)

    def _settle(self, task_id: str, one: str, other: str) -> None:
        """Let the request that was asked first have the task."""
        keeper, loser = sorted((one, other), key=lambda key: (self._entries[key].asked.asked_at, key))
        kept, entry = self._entries[keeper], self._entries[loser]
        for version in _split(entry).values():
            if tasks_of(version) == {task_id}:
                kept = joined(kept, replace(version, asked=kept.asked))
        self._owners[task_id] = keeper
        self._entries[keeper], self._entries[loser] = kept, _without(entry, task_id)


def _without(entry: Entry, task_id: str) -> Entry:
    """The request, for which this task is only a candidate."""
    tasks = {rival: version for rival, version in _split(entry).items() if rival[0] != task_id}
    doubts = Doubts(candidates=entry.doubts.candidates | {task_id}, given_up_at=entry.doubts.given_up_at)
    return _composed(tasks, Submitting(asked=entry.asked), doubts)


def join(one: Mapping[str, Entry], other: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """All requests of either side."""
    requests = Requests(one)
    requests.take_in(other.items())
    return requests.view
