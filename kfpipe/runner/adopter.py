"""Finding the task of a request whose answer was lost, before the request may be made again."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Final

import anyio
import anyio.to_thread

from kfpipe.domain import TaskStatus
from kfpipe.errors import ServiceUnclear
from kfpipe.lock.states import Entry, Rendered, Submitted, Submitting, Succeeded, Task, task_of
from kfpipe.provider import ListedTask, TaskReport
from kfpipe.runner import orphans
from kfpipe.runner.context import RunContext
from kfpipe.runner.follower import Follower
from kfpipe.runner.interlock import Interlock
from kfpipe.runner.retry import all_of, all_tasks

LISTED_FOR: Final = timedelta(hours=23)
"""How long the list must show a task: an hour less than the service knows it. Source: API reference, section 12."""

FIRST_PAUSE_S: Final = 5.0
"""Between the first two looks at the list; each further one is twice as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The task of the request: it has succeeded."""

    task: ListedTask
    report: TaskReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """The request never became a task that is billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguous:
    """These tasks fit more than one request equally well: a person has to decide."""

    task_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """A task that may be its own has not ended yet, and this run does not wait for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What is in the account that may be a request's task.

    Tasks that fit this one alone; tasks that fit several, with these; and tasks that the service has forgotten: it is
    unknown whose they were, and whether they are billed. Not complete where some have not ended by now.
    """

    fitting: tuple[Found, ...]
    doubtful: tuple[tuple[Found, frozenset[str]], ...]
    forgotten: tuple[str, ...]
    is_complete: bool = True

    @property
    def task_ids(self) -> tuple[str, ...]:
        found = self.fitting or [one for one, _ in self.doubtful]
        return (*(one.task.task_id for one in found), *self.forgotten)


class Adopter:
    """Looks for the tasks of one model's unanswered requests."""

    def __init__(
        self, context: RunContext, follower: Follower, interlock: Interlock, model: str, *, by_prompt: bool = True
    ) -> None:
        """Not `by_prompt`, where finished tasks of the model do not show what they were made from."""
        self._context = context
        self._follower = follower
        self._interlock = interlock
        self._model = model
        self._by_prompt = by_prompt
        self._listed: dict[str, ListedTask] = {}
        self._orphans: dict[str, Submitting] = {}
        self._expected_at_s: dict[str, float] = {}
        self._not_looked_for: set[str] = set()
        self._first_in_line: dict[str, frozenset[str]] = {}
        self._reports: dict[str, TaskReport] = {}

    def expect(self, key: str, orphan: Submitting) -> None:
        """Register an unanswered request, so that it is considered when another one's task is looked for."""
        if self._orphans.get(key) != orphan:
            self._expected_at_s[key] = anyio.current_time()
        self._orphans[key] = orphan
        self._not_looked_for.add(key)

    async def find(self, key: str) -> Found | Absent | Ambiguous | UnderWay:
        """What became of the request with this key, which `expect` registered.

        Waits until every task that may be its own has ended, since only then the service shows its prompt; a detached
        run leaves that to the next one.
        """
        candidates = await self._seen(key)
        if not candidates.is_complete:
            return UnderWay()
        own = candidates.fitting or self._by_turn(key, candidates)
        if not self._by_prompt and self._has_company():
            own = ()  # somebody else makes tasks of this model, too: nobody can tell whose is whose
        if len(own) > 1 or (candidates.task_ids and not own):
            return Ambiguous(task_ids=tuple(one for one in candidates.task_ids if not self._was_seen_before(key, one)))
        del self._orphans[key]
        if not own:
            return Absent()
        self._context.known.add(own[0].task.task_id)
        return own[0]

    async def _seen(self, key: str) -> Candidates:
        """All tasks that may be the request's own, looked at when they have ended."""
        fitting: list[Found] = []
        doubtful: list[tuple[Found, frozenset[str]]] = []
        forgotten: list[str] = []
        candidates = await self._candidates(key)
        reports = await self._last_reports(candidates)
        if candidates:  # others may have put theirs on record while these were under way
            await self._hear_of_neighbours()
        for candidate, report in zip(candidates, reports, strict=True):
            if report is None:
                return Candidates(fitting=(), doubtful=(), forgotten=(), is_complete=False)
            if candidate.task_id in self._context.known:
                continue
            if report.status is TaskStatus.UNKNOWN and not self._was_seen_before(key, candidate.task_id):
                forgotten.append(candidate.task_id)
            if report.status is not TaskStatus.SUCCEEDED:
                continue
            owners = [owner for owner in self._owners(candidate, report) if self._may_own(owner, candidate)]
            possible = [owner for owner in owners if not self._was_seen_before(owner, candidate.task_id)]
            if possible == [key]:
                fitting.append(Found(task=candidate, report=report))
            elif not possible:
                self._context.known.add(candidate.task_id)
            elif key in owners:
                doubtful.append((Found(task=candidate, report=report), frozenset(owners)))
        if all(self._was_seen_before(key, found.task.task_id) for found, _ in doubtful):
            doubtful = []
        return Candidates(fitting=tuple(fitting), doubtful=tuple(doubtful), forgotten=tuple(forgotten))

    async def _last_reports(self, candidates: Sequence[ListedTask]) -> list[TaskReport | None]:
        """How each of the tasks ended, looked at as they end; each is asked for once, whoever may own it."""
        reports = await all_of(partial(self._last_report, candidate) for candidate in candidates)
        for candidate, report in zip(candidates, reports, strict=True):
            if report is not None and report.status is not TaskStatus.UNKNOWN:
                self._reports[candidate.task_id] = report
        return reports

    async def _last_report(self, candidate: ListedTask) -> TaskReport | None:
        """The task's end; None when it has none by now, and this run does not wait for it."""
        if (report := self._reports.get(candidate.task_id)) is not None:
            return report
        if self._context.settings.is_detached:
            return await self._follower.glance(candidate.task_id)
        return await self._follower.until_final(
            candidate.task_id,
            self._model,
            # The service's clock may be ahead of ours.
            age_s=max((self._context.now() - candidate.created_at).total_seconds(), 0.0),
            on_status=lambda _: None,
            is_over=candidate.status.is_final,
        )

    def _by_turn(self, key: str, candidates: Candidates) -> Sequence[Found]:
        """Of tasks that several requests fit, its own; none when that cannot be decided.

        Twins are never on the wire together. So where there are as many tasks as twins, the tasks were made in the
        order of the requests.
        """
        groups = {owners for _, owners in candidates.doubtful}
        if candidates.forgotten or len(groups) != 1 or len(same_prompt := groups.pop()) != len(candidates.doubtful):
            return ()
        tasks = sorted((found for found, _ in candidates.doubtful), key=lambda found: found.task.created_at)
        turns = sorted(same_prompt, key=lambda one: self._orphans[one].asked.asked_at)
        own = tasks[turns.index(key)]
        return () if self._was_seen_before(key, own.task.task_id) else (own,)

    def _owners(self, candidate: ListedTask, report: TaskReport) -> list[str]:
        """The keys of the requests that the task fits.

        Those that were about to be looked for when it was first seen go before their twins: of these, some had read
        the list without it, and the others posted later (see `Interlock`).
        """
        owners = orphans.owners(report, self._orphans, by_prompt=self._by_prompt)
        first = self._first_in_line[candidate.task_id]
        return [key for key in owners if key in first] or owners

    async def _hear_of_neighbours(self) -> None:
        """Learn which tasks other projects have put on record."""
        self._context.known.update(await anyio.to_thread.run_sync(self._context.settings.neighbours))

    async def _candidates(self, key: str) -> list[ListedTask]:
        """Unowned tasks, from as many looks as it takes to trust the list."""
        try:
            async with self._interlock.reading():
                await self._hear_of_neighbours()
                candidates = await self._unowned(key)
                for task_id in candidates:
                    self._first_in_line.setdefault(task_id, frozenset(self._not_looked_for))
                self._not_looked_for.discard(key)
        finally:
            self._interlock.looked_for(orphans.twin_key(self._orphans[key].asked, by_prompt=self._by_prompt))
        return list(candidates.values())

    async def _unowned(self, key: str) -> dict[str, ListedTask]:
        """The tasks without an owner, by id, that the list shows until it can be trusted.

        A new task may take a while to be listed. So the list is trusted when it shows a task of this run that was sent
        at or after the lost request; without such a witness it is read again, further and further apart, until the
        request has been lost for as long as a task may take to appear. Raises `ServiceUnclear` for a list that does not
        show what it must.
        """
        context, found = self._context, dict[str, ListedTask]()
        trusted_at_s = self._expected_at_s[key] + context.settings.list_patience_s
        for look in count():
            looked_at_s = anyio.current_time()
            listed = await all_tasks(context.provider, self._model, context.random)
            found |= await self._without_owner(listed)
            found = {task_id: task for task_id, task in found.items() if not self._is_nobodys(task_id)}
            if self._is_witnessed(key, listed):
                return found
            left_s = trusted_at_s - anyio.current_time()
            if left_s <= 0:
                left_s = self._hidden_for_s({task.task_id for task in listed}, looked_at_s)
            if left_s <= 0:
                return found
            await anyio.sleep(min(left_s, FIRST_PAUSE_S * 2**look))
        raise AssertionError("the last look returns")

    async def _without_owner(self, listed: Sequence[ListedTask]) -> dict[str, ListedTask]:
        """Those of the listed tasks that no answer has named, once those under way are here."""
        for task in listed:
            self._context.first_seen_s.setdefault(task.task_id, anyio.current_time())
        self._listed |= {task.task_id: task for task in listed}
        if orphans.candidates(listed, self._context.known):
            await self._interlock.all_answered()
        return {task.task_id: task for task in orphans.candidates(listed, self._context.known)}

    # ---- tasks that do not show their prompts ----------------------------------------------------------------------

    def _may_own(self, key: str, candidate: ListedTask) -> bool:
        """Whether the task was made in this request's turn, where nothing but that tells requests apart."""
        if self._by_prompt:
            return True
        return orphans.is_in_turn(candidate, self._moment(key, self._orphans[key]), self._own_tasks())

    def _own_tasks(self) -> Iterator[tuple[orphans.Moment, ListedTask]]:
        for key, entry in self._context.ledger.requests.view.items():
            task = task_of(entry)
            if task is not None and task.task_id in self._listed:
                yield self._moment(key, entry), self._listed[task.task_id]

    def _moment(self, key: str, entry: Entry) -> orphans.Moment:
        sent_at_s = self._context.sent_at_s.get(key)
        return (False, entry.asked.asked_at.timestamp()) if sent_at_s is None else (True, sent_at_s)

    def _has_company(self) -> bool:
        """Whether the list shows tasks that were there before any of the requests, and are on no record."""
        known = self._context.known
        return any(one not in known and self._is_nobodys(one) for one in self._listed)

    def _hidden_for_s(self, listed: Collection[str], looked_at_s: float) -> float:
        """How long to wait for a task of ours that the list must show, and does not; 0 where there is none.

        What was sent after the look had begun cannot be shown by it. Raises `ServiceUnclear` after that: such a list
        proves nothing about another task.
        """
        context = self._context
        hidden = {
            task.task_id: sent_at_s
            for entry in context.ledger.requests.view.values()
            if (task := task_of(entry)) is not None
            and (sent_at_s := context.submitted_at_s.get(task.task_id, -math.inf)) <= looked_at_s
            and task.task_id not in listed
            and self._must_be_listed(entry, task)
        }
        if not hidden:
            return 0.0
        first = min(hidden, key=hidden.__getitem__)
        left_s = hidden[first] + context.settings.list_patience_s - anyio.current_time()
        if left_s <= 0:
            raise ServiceUnclear(f"the account's list does not show task {first}, so it proves nothing")
        return left_s

    def _must_be_listed(self, entry: Entry, task: Task) -> bool:
        """Whether the service still knows the task of a request that this account has made of this model."""
        settings, asked = self._context.settings, entry.asked
        is_ours = asked.account is not None and settings.account.is_like(asked.account)
        is_alive = isinstance(entry, Submitted | Succeeded | Rendered)
        is_young = self._context.now() - task.submitted_at < LISTED_FOR
        return is_alive and is_young and is_ours and (asked.model, asked.region) == (self._model, settings.region)

    def _is_nobodys(self, task_id: str) -> bool:
        """Whether the list had shown the task before any of the requests was on record."""
        return all(self._was_seen_before(key, task_id) for key in self._orphans)

    def _was_seen_before(self, key: str, task_id: str) -> bool:
        """Whether the list had shown the task before the request was on record, or was sent: then it is another's."""
        seen_at = self._context.ledger.seen.get(task_id)
        if seen_at is not None and seen_at < self._orphans[key].asked.asked_at:
            return True
        return self._context.first_seen_s.get(task_id, math.inf) < self._context.sent_at_s.get(key, -math.inf)

    def _is_witnessed(self, key: str, listed: Sequence[ListedTask]) -> bool:
        """Whether the list shows a task that this run sent at or after the lost request."""
        sent_at_s = self._context.sent_at_s.get(key, -math.inf)
        own = self._context.submitted_at_s
        return any(task.task_id in own and own[task.task_id] >= sent_at_s for task in listed)
