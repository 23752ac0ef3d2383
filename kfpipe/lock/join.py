"""Two records of the same requests -> one that knows all that either does. Pure: the only way that records meet.

A journal replayed, a lockfile pulled, branches merged, a stale journal, another lockfile of the project: all of them
are joined, in any order and any number of times, with the same result.

Of one request, all that any record knows is kept, fact by fact, and its state is that of the furthest:

    submitting < refused < unclear < given up        while there is no task
    submitted < lost < canceled < failed < succeeded < rendered        of one task

Versions with different tasks, or different clips of one task, contradict each other: the one that went further stands,
and the others stay visible as its rivals. A task belongs to one request. Where two name it, the one that was asked
first keeps it, with all that either knew; for the other it is a candidate.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeVar

from kfpipe.domain import ABANDONED
from kfpipe.files.scalars import decimal_text
from kfpipe.lock.codec import entry_to_json
from kfpipe.lock.states import (
    NO_DOUBTS,
    Approval,
    Asked,
    Canceled,
    Doubts,
    Ended,
    Entry,
    Failed,
    Failure,
    Fidelity,
    Lost,
    RefusedFile,
    Render,
    Rendered,
    Result,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
    fingerprints_of,
    name_of,
    result_of,
    task_of,
    tasks_of,
    versions,
)
from kfpipe.values import dataclass

_Fact = TypeVar("_Fact")

_FURTHEST_LAST: Final = (Submitted, Lost, Canceled, Failed, Succeeded, Rendered)


def joined(one: Entry, other: Entry) -> Entry:
    """One request out of two versions of it: commutative, associative, idempotent; it knows all that either does."""
    if _is_next(one, other):
        return other
    if one is other or (one == other and _amounts(one) == _amounts(other)):
        return one
    return _Facts.of(one).joined(_Facts.of(other)).entry()


def _is_next(one: Entry, other: Entry) -> bool:
    """Whether `other` is one step further with the very same facts, as a run makes it: nearly all are joined so."""
    if not (one.asked is other.asked and one.doubts is other.doubts is NO_DOUBTS):
        return False
    match one, other:
        case Submitting(), Submitted():
            return True
        case Submitted(), Succeeded():
            return one.task is other.task
        case Succeeded(), Rendered():
            return one.task is other.task and one.result is other.result
        case _:
            return False


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


# ---- one request, fact by fact ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _TaskFacts:
    """What is known of one task. `renders` are its clips by digest: several, when records contradict each other."""

    task: Task
    ended: Ended | None = None
    result: Result | None = None
    renders: Mapping[str, Render] = field(default_factory=dict)

    def joined(self, other: _TaskFacts) -> _TaskFacts:
        return _TaskFacts(
            task=max(self.task, other.task, key=_receipt),
            ended=_surer_end(self.ended, other.ended),
            result=_joined_results(self.result, other.result),
            renders=_union(self.renders, other.renders, _joined_renders),
        )

    def versions(self, asked: Asked) -> Iterator[Entry]:
        """The request, if this is its task: once for each clip."""
        if self.result is None:
            yield (
                replace(self.ended, asked=asked, task=self.task)
                if self.ended
                else Submitted(asked=asked, task=self.task)
            )
        elif not self.renders:
            yield Succeeded(asked=asked, task=self.task, result=self.result)
        else:
            for render in self.renders.values():
                yield Rendered(asked=asked, task=self.task, result=self.result, render=render)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is known of one request. `refusal` is why it never became a task."""

    asked: Asked
    refusal: Ended | None
    candidates: frozenset[str]
    given_up_at: datetime | None
    tasks: Mapping[str, _TaskFacts]

    @classmethod
    def of(cls, entry: Entry) -> _Facts:
        first, *others = (cls._of_version(version) for version in versions(entry))
        for other in others:
            first = first.joined(other)
        return first

    @classmethod
    def _of_version(cls, entry: Entry) -> _Facts:
        """Those of the version itself, not those of its rivals."""
        task, given_up_at, refusal = task_of(entry), entry.doubts.given_up_at, None
        tasks: dict[str, _TaskFacts] = {}
        bare = replace(entry, doubts=Doubts())
        if task is not None:
            tasks[task.task_id] = _TaskFacts(
                task=task,
                ended=bare if isinstance(bare, Ended) else None,
                result=result_of(entry),
                renders={entry.render.sha256: entry.render} if isinstance(entry, Rendered) else {},
            )
        elif isinstance(bare, Lost):
            given_up_at = _first(given_up_at, bare.ended_at)
        elif isinstance(bare, Ended):
            refusal = bare
        return cls(
            asked=entry.asked,
            refusal=refusal,
            candidates=entry.doubts.candidates,
            given_up_at=given_up_at,
            tasks=tasks,
        )

    def joined(self, other: _Facts) -> _Facts:
        return _Facts(
            asked=_joined_asked(self.asked, other.asked),
            refusal=_surer_end(self.refusal, other.refusal),
            candidates=self.candidates | other.candidates,
            given_up_at=_first(self.given_up_at, other.given_up_at),
            tasks=_union(self.tasks, other.tasks, _TaskFacts.joined),
        )

    def entry(self) -> Entry:
        """The request of which this is known."""
        doubts = Doubts(candidates=self.candidates, given_up_at=self.given_up_at)
        found = [version for known in self.tasks.values() for version in known.versions(self.asked)]
        if found:
            best, *rivals = sorted(found, key=_furthest, reverse=True) if len(found) > 1 else found
            return replace(best, doubts=replace(doubts, rivals=tuple(rivals)))
        if doubts.given_up_at is not None:
            return given_up(Submitting(asked=self.asked), doubts)
        if doubts.candidates:
            return Unclear(asked=self.asked, doubts=doubts)
        return Submitting(asked=self.asked) if self.refusal is None else replace(self.refusal, asked=self.asked)


# ---- which of two facts says more ------------------------------------------------------------------------------------
# The last parts of each key only make the choice certain.


def _union(
    one: Mapping[str, _Fact], other: Mapping[str, _Fact], joined: Callable[[_Fact, _Fact], _Fact]
) -> Mapping[str, _Fact]:
    return {**one, **other} | {name: joined(one[name], other[name]) for name in one.keys() & other.keys()}


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((time for time in (one, other) if time is not None), default=None)


def _joined_asked(one: Asked, other: Asked) -> Asked:
    if one is other:
        return one
    return replace(max(one, other, key=_asked), approval=_approval(one.approval, other.approval))


def _asked(asked: Asked) -> tuple[Any, ...]:
    account = asked.account
    known = (account is not None, account is not None and account.key is not None)
    return *known, json.dumps(entry_to_json(Submitting(asked=replace(asked, approval=None))), sort_keys=True)


def _approval(one: Approval | None, other: Approval | None) -> Approval | None:
    """Who agreed: the earliest, should there be two."""
    found = [approval for approval in (one, other) if approval is not None]
    return min(found, key=lambda approval: (approval.at, approval.by), default=None)


def _receipt(task: Task) -> tuple[Any, ...]:
    return task.request_id is not None, task.request_id or "", task.submitted_at


def _surer_end(one: Ended | None, other: Ended | None) -> Ended | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=_end)


def _end(entry: Ended) -> tuple[Any, ...]:
    failure = entry.failure
    words = (failure.code, failure.message, failure.request_id or "", str(failure.billed))
    return _FURTHEST_LAST.index(type(entry)), entry.ended_at, *words


def _joined_results(one: Result | None, other: Result | None) -> Result | None:
    """The link that lives longest, or was found dead; the bill that says most; the words that are known."""
    if one is None or other is None:
        return one or other
    link, bill, words = (max(one, other, key=knowledge) for knowledge in (_link, _bill, _words))
    return Result(
        finished_at=words.finished_at,
        video_url=link.video_url,
        url_expires_at=link.url_expires_at,
        actual_prompt=words.actual_prompt,
        billed_seconds=bill.billed_seconds,
        cost=bill.cost,
        refused=max((one.refused, other.refused), key=_file),
    )


def _file(refused: RefusedFile | None) -> tuple[str, str]:
    return ("", "") if refused is None else (refused.path, refused.sha256)


def _link(result: Result) -> tuple[Any, ...]:
    return result.url_expires_at, "?" not in result.video_url, result.video_url


def _bill(result: Result) -> tuple[Any, ...]:
    return result.cost is not None, result.cost or Decimal(0), result.billed_seconds, *_spelled(result)


def _words(result: Result) -> tuple[Any, ...]:
    return result.actual_prompt is not None, result.actual_prompt or "", result.finished_at


def _joined_renders(one: Render, other: Render) -> Render:
    """The file where it was moved last, with the measures that say most."""
    place = max(one, other, key=lambda render: (render.moved, render.path))
    fidelity = max((one.fidelity, other.fidelity), key=_compared)
    return replace(max(one, other, key=_measures), path=place.path, moved=place.moved, fidelity=fidelity)


def _compared(fidelity: Fidelity | None) -> tuple[Any, ...]:
    ends = () if fidelity is None else (fidelity.first, fidelity.last)
    return fidelity is not None, sum(end is not None for end in ends), tuple(map(str, ends))


def _measures(render: Render) -> tuple[Any, ...]:
    sizes = (render.size_bytes, render.width_px, render.height_px, render.audio)
    spelled = (decimal_text(render.fps), decimal_text(render.duration_s))
    return render.codec is not None, len(render.remarks), render.remarks, render.codec or "", *sizes, *spelled


def _furthest(entry: Entry) -> tuple[Any, ...]:
    """Which of several versions of one request stands: the greatest."""
    moved = entry.render.moved if isinstance(entry, Rendered) else 0
    return _FURTHEST_LAST.index(type(entry)), moved, json.dumps(entry_to_json(entry), sort_keys=True)


def _amounts(entry: Entry) -> list[tuple[str | None, ...]]:
    """The amounts as they are written: 5 and 5.0 are equal, and are not the same bytes."""
    return [
        (
            decimal_text(version.asked.unit_price),
            *(_spelled(result) if (result := result_of(version)) else ()),
            *(_measures(version.render)[-2:] if isinstance(version, Rendered) else ()),
        )
        for version in versions(entry)
    ]


def _spelled(result: Result) -> tuple[str, str]:
    return decimal_text(result.cost) or "", decimal_text(result.billed_seconds) or ""


# ---- all requests ----------------------------------------------------------------------------------------------------


class Requests:
    """Requests by key, as they grow by joining. `view` shows them."""

    def __init__(self, requests: Mapping[str, Entry] | None = None) -> None:
        self._entries: dict[str, Entry] = {}
        self._owners: dict[str, str] = {}
        self._alike: dict[str, list[str]] = {}
        self._named: dict[str, list[str]] = {}
        self.view: Mapping[str, Entry] = MappingProxyType(self._entries)
        self.take_in((requests or {}).items())

    def take_in(self, requests: Iterable[tuple[str, Entry]]) -> None:
        """Join these with what is known."""
        for key, entry in requests:
            known = self._entries.get(key)
            self._put(key, entry if known is None else joined(known, entry))

    def alike(self, fingerprint: str) -> list[tuple[str, Entry]]:
        """The requests for just this clip."""
        return [(key, self._entries[key]) for key in self._alike.get(fingerprint, ())]

    def named(self, take_id: str, *, besides: Container[str] = ()) -> list[tuple[str, Entry]]:
        """The requests that were first asked under this take id, but for those with these keys."""
        return [(key, self._entries[key]) for key in self._named.get(take_id, ()) if key not in besides]

    @property
    def names(self) -> Collection[str]:
        """The take ids that requests were first asked under."""
        return self._named.keys()

    def _put(self, key: str, entry: Entry) -> None:
        known = self._entries.get(key)
        self._entries[key] = entry  # before anything leads here: others read meanwhile
        if known is None:
            _note(self._named, name_of(key), key)
        for fingerprint in fingerprints_of(entry.asked):
            if known is None or fingerprint not in fingerprints_of(known.asked):
                _note(self._alike, fingerprint, key)
        for task_id in tasks_of(entry):
            owner = self._owners.setdefault(task_id, key)
            if owner != key:
                self._settle(task_id, owner, key)

    def _settle(self, task_id: str, one: str, other: str) -> None:
        """Let the request that was asked first have the task."""
        keeper, loser = sorted((one, other), key=lambda key: (self._entries[key].asked.asked_at, key))
        kept, left = _Facts.of(self._entries[keeper]), _Facts.of(self._entries[loser])
        tasks = dict(left.tasks)
        moved = tasks.pop(task_id)
        kept = replace(kept, tasks={**kept.tasks, task_id: moved.joined(kept.tasks.get(task_id, moved))})
        left = replace(left, tasks=tasks, candidates=left.candidates | {task_id})
        self._owners[task_id] = keeper
        self._entries[keeper], self._entries[loser] = kept.entry(), left.entry()


def _note(index: dict[str, list[str]], name: str, key: str) -> None:
    """Have the key under this name."""
    held = index.get(name)
    if held is None:
        index[name] = [key]
    elif held[-1] != key:  # else the request has this name twice
        held.append(key)


def join(one: Mapping[str, Entry], other: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """All requests of either side."""
    requests = Requests(one)
    requests.take_in(other.items())
    return requests.view
