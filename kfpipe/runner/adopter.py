"""Finding the task of a request whose answer was lost, before the request may be made again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

import anyio
import anyio.to_thread

from kfpipe.domain import TaskStatus
from kfpipe.lock.states import Submitting
from kfpipe.provider import ListedTask, Provider, TaskReport
from kfpipe.runner import orphans
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
    """These tasks fit more than one request equally well: a person has to decide."""

    task_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What is in the account that may be a take's task.

    Tasks that fit this take alone; tasks that fit several, with these; and tasks that the service has forgotten: it is
    unknown whose they were, and whether they are billed.
    """

    fitting: tuple[Found, ...]
    doubtful: tuple[tuple[Found, frozenset[str]], ...]
    forgotten: tuple[str, ...]

    @property
    def task_ids(self) -> tuple[str, ...]:
        found = self.fitting or [one for one, _ in self.doubtful]
        return (*(one.task.task_id for one in found), *self.forgotten)


class Adopter:
    """Looks for the tasks of one model's unanswered requests. `known` holds the ids of all tasks that have an owner."""

    def __init__(
        self,
        provider: Provider,
        known: set[str],
        neighbours: Callable[[], set[str]],
        follower: Follower,
        crossing: Interlock,
        *,
        model: str,
        pause_s: float,
        now: Callable[[], datetime],
        random: Random,
    ) -> None:
        self._provider = provider
        self._known = known
        self._neighbours = neighbours
        self._follower = follower
        self._crossing = crossing
        self._model = model
        self._pause_s = pause_s
        self._now = now
        self._random = random
        self._orphans: dict[str, Submitting] = {}
        self._not_looked_for: set[str] = set()
        self._heirs: dict[str, frozenset[str]] = {}

    def expect(self, take_id: str, orphan: Submitting) -> None:
        """Register an unanswered request, so that it is considered when another one's task is looked for."""
        self._orphans[take_id] = orphan
        self._not_looked_for.add(take_id)

    async def find(self, take_id: str) -> Found | Absent | Ambiguous:
        """What became of the request of this take, which `expect` registered.

        Waits until every task that may be its own has ended, since only then the service shows its prompt.
        """
        sightings = await self._sightings(take_id)
        own = sightings.fitting or self._by_turn(take_id, sightings)
        if len(own) > 1 or (sightings.task_ids and not own):
            return Ambiguous(task_ids=sightings.task_ids)
        del self._orphans[take_id]
        if not own:
            return Absent()
        self._known.add(own[0].task.task_id)
        return own[0]

    async def _sightings(self, take_id: str) -> Candidates:
        """All tasks that may be the take's own, looked at when they have ended."""
        fitting: list[Found] = []
        doubtful: list[tuple[Found, frozenset[str]]] = []
        forgotten: list[str] = []
        for candidate in await self._candidates(take_id):
            report = await self._follower.until_final(
                candidate.task_id,
                self._model,
                age_s=max(
                    (self._now() - candidate.created_at).total_seconds(), 0.0
                ),  # the service's clock may be ahead of ours
                on_status=lambda _: None,
            )
            if candidate.task_id in self._known:
                continue
            if report.status is TaskStatus.UNKNOWN:
                forgotten.append(candidate.task_id)
            if report.status is not TaskStatus.SUCCEEDED:
                continue
            owners = self._owners(candidate, report)
            if owners == [take_id]:
                fitting.append(Found(task=candidate, report=report))
            elif not owners:
                self._known.add(candidate.task_id)
            elif take_id in owners:
                doubtful.append((Found(task=candidate, report=report), frozenset(owners)))
        return Candidates(fitting=tuple(fitting), doubtful=tuple(doubtful), forgotten=tuple(forgotten))

    def _by_turn(self, take_id: str, sightings: Candidates) -> Sequence[Found]:
        """Of tasks that several takes fit, the take's own; none when that cannot be decided.

        Twins are never on the wire together. So where there are as many tasks as twins, the tasks were made in the
        order of the requests.
        """
        groups = {owners for _, owners in sightings.doubtful}
        if sightings.forgotten or len(groups) != 1 or len(twins := groups.pop()) != len(sightings.doubtful):
            return ()
        tasks = sorted((found for found, _ in sightings.doubtful), key=lambda found: found.task.created_at)
        turns = sorted(twins, key=lambda twin: self._orphans[twin].asked.asked_at)
        return (tasks[turns.index(take_id)],)

    def _owners(self, candidate: ListedTask, report: TaskReport) -> list[str]:
        """The takes that the task fits.

        Those that were about to be looked for when it was first seen go before their twins: of these, some had read
        the list without it, and the others posted later (see `Interlock`).
        """
        owners = orphans.owners(report, self._orphans)
        heirs = self._heirs[candidate.task_id]
        return [take_id for take_id in owners if take_id in heirs] or owners

    async def _candidates(self, take_id: str) -> list[ListedTask]:
        """Unowned tasks, from two reads with a pause between: a new task may take a while to be listed."""
        try:
            async with self._crossing.reading():
                self._known |= await anyio.to_thread.run_sync(self._neighbours)
                first = await self._unowned()
                await anyio.sleep(self._pause_s)
                second = await self._unowned()
                candidates = {task.task_id: task for task in (*first, *second)}
                for task_id in candidates:
                    self._heirs.setdefault(task_id, frozenset(self._not_looked_for))
                self._not_looked_for.discard(take_id)
        finally:
            self._crossing.looked_for(self._orphans[take_id].asked.prompt)
        return list(candidates.values())

    async def _unowned(self) -> list[ListedTask]:
        return orphans.candidates(await all_tasks(self._provider, self._model, self._random), self._known)
