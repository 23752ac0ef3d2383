"""Finding the task of a request whose answer was lost, before any thought of making the request again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import anyio
import anyio.to_thread

from kfpipe.domain import TaskStatus
from kfpipe.lock.states import Submitting
from kfpipe.provider import ListedTask, TaskReport
from kfpipe.runner import orphans
from kfpipe.runner.context import RunContext
from kfpipe.runner.follower import Follower
from kfpipe.runner.interlock import Interlock
from kfpipe.runner.retry import all_tasks


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
    """These tasks fit equally well with more than one request: a person has to decide."""

    task_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What the account holds that may be a take's task.

    Tasks that fit this take alone; tasks that fit several, with these; and tasks that the service has forgotten: nobody
    can tell whose they were, nor whether they are billed.
    """

    fitting: tuple[Found, ...]
    doubtful: tuple[tuple[Found, frozenset[str]], ...]
    forgotten: tuple[str, ...]

    @property
    def task_ids(self) -> tuple[str, ...]:
        found = self.fitting or [one for one, _ in self.doubtful]
        return (*(one.task.task_id for one in found), *self.forgotten)


class Adopter:
    """Looks for the tasks of one model's unanswered requests."""

    def __init__(self, context: RunContext, follower: Follower, interlock: Interlock, model: str) -> None:
        self._context = context
        self._follower = follower
        self._interlock = interlock
        self._model = model
        self._orphans: dict[str, Submitting] = {}
        self._not_looked_for: set[str] = set()
        self._first_in_line: dict[str, frozenset[str]] = {}

    def expect(self, take_id: str, orphan: Submitting) -> None:
        """Tell of an unanswered request, so that it is considered when another one's task is looked for."""
        self._orphans[take_id] = orphan
        self._not_looked_for.add(take_id)

    async def find(self, take_id: str) -> Found | Absent | Ambiguous:
        """What became of the request of this take, which was told of by `expect`.

        Waits until every task that may be its own has ended, since only then the service shows its prompt.
        """
        candidates = await self._seen(take_id)
        own = candidates.fitting or self._by_turn(take_id, candidates)
        if len(own) > 1 or (candidates.task_ids and not own):
            return Ambiguous(task_ids=candidates.task_ids)
        del self._orphans[take_id]
        if not own:
            return Absent()
        self._context.known.add(own[0].task.task_id)
        return own[0]

    async def _seen(self, take_id: str) -> Candidates:
        """All tasks that may be the take's own, looked at when they have ended."""
        fitting: list[Found] = []
        doubtful: list[tuple[Found, frozenset[str]]] = []
        forgotten: list[str] = []
        for candidate in await self._candidates(take_id):
            report = await self._follower.until_final(
                candidate.task_id,
                self._model,
                age_s=max(
                    (self._context.now() - candidate.created_at).total_seconds(), 0.0
                ),  # its clock may be ahead of ours
                on_status=lambda _: None,
            )
            if candidate.task_id in self._context.known:
                continue
            if report.status is TaskStatus.UNKNOWN:
                forgotten.append(candidate.task_id)
            if report.status is not TaskStatus.SUCCEEDED:
                continue
            owners = self._owners(candidate, report)
            if owners == [take_id]:
                fitting.append(Found(task=candidate, report=report))
            elif not owners:
                self._context.known.add(candidate.task_id)
            elif take_id in owners:
                doubtful.append((Found(task=candidate, report=report), frozenset(owners)))
        return Candidates(fitting=tuple(fitting), doubtful=tuple(doubtful), forgotten=tuple(forgotten))

    def _by_turn(self, take_id: str, candidates: Candidates) -> Sequence[Found]:
        """Of tasks that several takes fit, the take's own; none when nobody can tell.

        Twins are never on the wire together. So where there are as many tasks as twins, the tasks were made in the
        order of the requests.
        """
        groups = {owners for _, owners in candidates.doubtful}
        if candidates.forgotten or len(groups) != 1 or len(same_prompt := groups.pop()) != len(candidates.doubtful):
            return ()
        tasks = sorted((found for found, _ in candidates.doubtful), key=lambda found: found.task.created_at)
        turns = sorted(same_prompt, key=lambda one: self._orphans[one].asked.asked_at)
        return (tasks[turns.index(take_id)],)

    def _owners(self, candidate: ListedTask, report: TaskReport) -> list[str]:
        """The takes that the task fits.

        Those that were about to be looked for when it was first seen go before their twins: of these, some had read
        the list without it, and the others posted later (see `Interlock`).
        """
        owners = orphans.owners(report, self._orphans)
        first = self._first_in_line[candidate.task_id]
        return [take_id for take_id in owners if take_id in first] or owners

    async def _candidates(self, take_id: str) -> list[ListedTask]:
        """Unowned tasks, from two looks with a pause between: a new task may take a while to be listed."""
        try:
            async with self._interlock.reading():
                self._context.known.update(await anyio.to_thread.run_sync(self._context.settings.neighbours))
                first = await self._unowned()
                await anyio.sleep(self._context.settings.list_pause_s)
                second = await self._unowned()
                candidates = {task.task_id: task for task in (*first, *second)}
                for task_id in candidates:
                    self._first_in_line.setdefault(task_id, frozenset(self._not_looked_for))
                self._not_looked_for.discard(take_id)
        finally:
            self._interlock.looked_for(self._orphans[take_id].asked.prompt)
        return list(candidates.values())

    async def _unowned(self) -> list[ListedTask]:
        return orphans.candidates(
            await all_tasks(self._context.provider, self._model, self._context.random), self._context.known
        )
