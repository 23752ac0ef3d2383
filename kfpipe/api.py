"""kfpipe from Python: load a manifest, plan it, run it. The command line uses nothing else.

The names in `kfpipe.__all__` are the public ones; docs/python.md shows them at work.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from os import PathLike
from pathlib import Path
from random import SystemRandom
from threading import current_thread, main_thread
from typing import Final

import anyio
import anyio.to_thread

from kfpipe import environment, gcpause, service
from kfpipe.environment import Environment, now
from kfpipe.errors import KfpipeError, OverBudget
from kfpipe.events import Event, RunFinished
from kfpipe.lock import claim, picks, workspace
from kfpipe.lock import ledger as lockfile
from kfpipe.lock.states import Lock, Submitted, task_ids
from kfpipe.maintenance import cancel, prune, reconcile
from kfpipe.maintenance.cancel import Cancelling
from kfpipe.maintenance.prune import Departed
from kfpipe.maintenance.reconcile import Candidate
from kfpipe.maintenance.verify import Condition, Verified, verify_clips
from kfpipe.media import renders
from kfpipe.plan import compare as comparison
from kfpipe.plan import consent, gather
from kfpipe.plan.compare import Comparison, Revision
from kfpipe.plan.consent import Granted
from kfpipe.plan.model import Chosen, Plan, Step, everything, nothing
from kfpipe.project import Options, Project
from kfpipe.project import load as load_project
from kfpipe.provider import Provider
from kfpipe.review import footage
from kfpipe.review.footage import ShotFootage
from kfpipe.review.output import Handout
from kfpipe.runner.outcome import finished
from kfpipe.runner.run import Run
from kfpipe.runner.settings import RunSettings
from kfpipe.runner.signals import interrupting
from kfpipe.service import base_url

__all__ = [
    "Options",
    "Project",
    "Session",
    "base_url",
    "departed",
    "is_at_work",
    "load",
    "plan",
    "records",
    "run",
    "running",
    "session",
    "verify",
]

LIST_PAUSE_S: Final = 5.0
"""Between two looks at the task list; how soon the service lists a new task is not documented."""

LOOPBACK_LIST_PAUSE_S: Final = 0.2


def _unheard(_: Event) -> None:
    """Where events go that nobody asked for."""


def load(manifest: str | PathLike[str], options: Options | None = None) -> Project:
    """The project of a manifest, with its takes in manifest order. Nothing is sent.

    `options` are what the command line lays over a manifest: region, profile, emulator, prices, variables. Raises
    `Refused` with all that is wrong, in file order.
    """
    return load_project(Path(manifest), options or Options())


@gcpause.paused()
def records(project: Project) -> Lock:
    """What is on record for the project, a run under way or broken off included. Writes nothing."""
    return lockfile.read(project.paths)


def is_at_work(project: Project) -> bool:
    """Whether a run holds the project at this moment."""
    return claim.is_taken(project.paths.claim_path)


def plan(project: Project, *, select: Chosen = everything, retry: Chosen = nothing, rerender: Chosen = nothing) -> Plan:
    """What the next run will do with each take, why, and what it will cost. Sends nothing.

    `select` says of a take id whether it is planned at all, `retry` and `rerender` whether to render it again: what is
    for you to decide, and what is done.
    """
    return gather.plan(project, records(project), select=select, retry=retry, rerender=rerender)


def compare(project: Project, past: Revision, *, select: Chosen = everything) -> Comparison:
    """What differs between the manifest and its records at a commit and now, as far as `select` chooses the takes."""
    chosen = replace(past, takes=tuple(take for take in past.takes if select(take.id)))
    return comparison.compare(chosen, [take for take in project.takes if select(take.id)], records(project))


def verify(project: Project, *, select: Chosen = everything) -> Iterator[Verified]:
    """Compare every rendered file with the lockfile, byte for byte, and look at its pictures. Asks nobody."""
    sound = True
    meant = {take_id: record for take_id, record in records(project).items() if select(take_id)}
    for verified in verify_clips(meant, project.folder):
        sound = sound and verified.condition is Condition.SOUND
        yield verified
    if not sound:  # perhaps a file has changed behind its time stamp's back, and is remembered as it was
        renders.forget(project.state_dir)


def departed(project: Project, lock: Lock) -> list[Departed]:
    """The takes on record that have left the manifest, and what becomes of their clips."""
    disk = gather.disk_facts(project, lock)
    return prune.departed(lock, {take.id for take in project.takes}, disk, project.folder, project.root)


def run(
    project: Project,
    *,
    max_cost: Decimal | None = None,
    select: Chosen = everything,
    retry: Chosen = nothing,
    rerender: Chosen = nothing,
    emit: Callable[[Event], None] = _unheard,
) -> RunFinished:
    """Make every clip that is missing, and return when that is done.

    It spends at most `max_cost`, or the manifest's `budget.max_cost` when none is given; where there is neither, only
    the emulator renders. Raises `OverBudget` before anything is sent when the plan costs more, or nobody knows how
    much. `emit` is called with each event as it happens. Ctrl-C and SIGTERM end the run in good order.
    """
    with session(project) as held:
        planned = held.plan(select=select, retry=retry, rerender=rerender)
        return held.run(planned, cap=_agreed(project, planned, max_cost), emit=emit)


@asynccontextmanager
async def running(
    project: Project,
    *,
    max_cost: Decimal | None = None,
    select: Chosen = everything,
    retry: Chosen = nothing,
    rerender: Chosen = nothing,
) -> AsyncIterator[AsyncIterator[Event]]:
    """`run` on your event loop, asyncio or trio: its events as they happen, the last of them `RunFinished`.

    Who leaves the block early ends the run: tasks under way are on record, and the next run follows them.
    """
    with session(project) as held:
        planned = held.plan(select=select, retry=retry, rerender=rerender)
        async with held.running(planned, cap=_agreed(project, planned, max_cost)) as events:
            yield events


def shot_footage(project: Project, lock: Lock, handout: Handout, *, among: Chosen) -> tuple[ShotFootage, ...]:
    """The takes of each shot with their clips, as they are seen from a file at `handout`."""
    return footage.of(
        gather.completed_takes(project, lock), lock, gather.disk_facts(project, lock), handout.link, among
    )


@contextmanager
def session(project: Project) -> Iterator[Session]:
    """The project, held for one run; what an earlier run left behind is put on record first.

    Raises `ProjectBusy` when another run holds it, `Refused` when lockfile or journal cannot be trusted.
    """
    with gcpause.paused():
        ledger = lockfile.Ledger.open(project.paths, now=now)
    with ledger:
        yield Session(project=project, ledger=ledger, settings=environment.read())


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A project under its run lock."""

    project: Project
    ledger: lockfile.Ledger
    settings: Environment

    def plan(self, *, select: Chosen = everything, retry: Chosen = nothing, rerender: Chosen = nothing) -> Plan:
        """What `run` will do with each take, why, and what it will cost; the arguments are functions of a take's id."""
        return gather.plan(self.project, self.ledger.lock, select=select, retry=retry, rerender=rerender)

    def check_key(self) -> None:
        """Raise `AccountRefused` when there is no key to go to the service with; asks nobody."""
        service.api_key(self.project, self.settings)

    def run(
        self, plan: Plan, *, cap: Decimal | None, emit: Callable[[Event], None], detach: bool = False
    ) -> RunFinished:
        """Carry out `plan`, spending at most `cap` (None: no limit); Ctrl-C and SIGTERM end it in good order.

        Those are heard in the main thread alone. With `detach` it submits what the limits allow at once, brings home
        what is finished, and waits for nothing.
        """

        signals = current_thread() is main_thread()

        async def interruptible() -> RunFinished:
            return await self.run_async(plan, cap=cap, emit=emit, detach=detach, signals=signals)

        return anyio.run(interruptible)

    async def run_async(
        self,
        plan: Plan,
        *,
        cap: Decimal | None,
        emit: Callable[[Event], None],
        detach: bool = False,
        signals: bool = False,
    ) -> RunFinished:
        """The same on the caller's event loop, asyncio or trio. `signals`: whether to listen to the process's."""
        if not plan.work:
            emit(end := finished(plan))
            return end
        try:
            async with self.provider() as provider:
                run = Run(plan, provider, self.ledger, self._run_settings(cap, detach), emit)
                async with interrupting(run, enabled=signals):
                    return await run.carry_out()
        except BaseExceptionGroup as group:
            raise _most_telling(group) from group

    @asynccontextmanager
    async def running(self, plan: Plan, *, cap: Decimal | None) -> AsyncIterator[AsyncIterator[Event]]:
        """The same as a stream of its events; who leaves the block early ends the run."""
        send, receive = anyio.create_memory_object_stream[Event](math.inf)  # whoever reads slowly must not slow the run

        async def carry_out() -> None:
            with send:
                await self.run_async(plan, cap=cap, emit=send.send_nowait)

        with receive:
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(carry_out)
                    yield receive
                    group.cancel_scope.cancel()
            except BaseExceptionGroup as errors:
                raise _most_telling(errors) from errors

    async def cancel(self, take_id: str, provider: Provider) -> Cancelling:
        """Cancel the take's task if it still waits at the service; a running one runs on and is billed."""
        entry = self.ledger.lock[take_id].entry
        if not isinstance(entry, Submitted):
            return Cancelling.OVER
        return await cancel.cancel(take_id, entry, provider, self.ledger, now, SystemRandom())

    async def candidates(self, take_id: str, provider: Provider) -> list[Candidate]:
        """The tasks at the service that may belong to a take without an answer."""
        entry = reconcile.unsettled(self.ledger.lock)[take_id]
        owned = await anyio.to_thread.run_sync(self.owned_tasks)
        return await reconcile.candidates(entry, owned, provider, SystemRandom())

    async def adopt(self, take_id: str, task_id: str) -> None:
        """Say that this task is the take's own; the next run follows it."""
        await reconcile.adopt(take_id, reconcile.unsettled(self.ledger.lock)[take_id], task_id, self.ledger)

    async def declare_lost(self, take_id: str) -> None:
        """Give up the request without an answer; the next run submits anew."""
        await reconcile.declare_lost(take_id, reconcile.unsettled(self.ledger.lock)[take_id], self.ledger, now)

    def pick(self, shot_id: str, take_id: str | None) -> bool:
        """Choose this take of the shot, and no other, or with None no take; whether that changes anything."""
        changed = picks.picked(shot_id, take_id, self.ledger.lock)
        self.ledger.amend(changed)
        return bool(changed)

    async def set_aside(self, one: Departed) -> None:
        """Move the clip of a take that has left the manifest out of the way; it stays on record, with its cost."""
        entry = await anyio.to_thread.run_sync(prune.moved, one, self.project.folder)
        await self.ledger.record(one.take_id, entry)

    def owned_tasks(self) -> set[str]:
        """The ids of all tasks that have an owner, in this manifest or in another one of the project."""
        return task_ids(self.ledger.lock) | self._neighbours()

    @asynccontextmanager
    async def provider(self) -> AsyncIterator[Provider]:
        """The service that this project's requests go to. Raises `AccountRefused` without a key."""
        async with service.provider(self.project, self.settings) as provider:
            yield provider

    def _continued(self, waiting: Step, lock: Lock) -> Step:
        """What is to be done with a take whose sources have their clips now."""
        return gather.continued(self.project, waiting, lock)

    def _neighbours(self) -> set[str]:
        return workspace.known_tasks(self.project.root, self.project.lockfile_path)

    def _run_settings(self, cap: Decimal | None, detach: bool) -> RunSettings:
        local = service.is_local(self.project, self.settings)
        return RunSettings(
            folder=self.project.folder,
            root=self.project.root,
            region=self.project.region.name,
            limits=service.limits(self.project),
            cap=cap,
            is_detached=detach,
            neighbours=self._neighbours,
            continued=self._continued,
            list_pause_s=LOOPBACK_LIST_PAUSE_S if local else LIST_PAUSE_S,
            now=now,
            random=SystemRandom(),
        )


def _agreed(project: Project, plan: Plan, max_cost: Decimal | None) -> Decimal | None:
    """The most that a run of `plan` may spend. Raises `OverBudget` when nobody has agreed to what it may cost."""
    limit = project.manifest.max_cost if max_cost is None else max_cost
    answer = consent.of(plan, cap=limit, charged=service.is_charged(project))
    if isinstance(answer, Granted):
        return answer.cap
    price = f"{plan.cost:f} {plan.currency}" if answer.cap is not None else "a price that nobody knows"
    agreed = "no budget is agreed" if limit is None else f"{limit:f} {plan.currency} are agreed"
    raise OverBudget(f"the run would cost {price}, and {agreed}", fix="give `max_cost`, or `budget:` in the manifest")


def _most_telling(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one exception of a group that a user should read: a bug before a known error, then the first."""
    leaves = [*_leaves(group)]
    return next((leaf for leaf in leaves if not isinstance(leaf, KfpipeError)), leaves[0])


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for inner in group.exceptions:
        if isinstance(inner, BaseExceptionGroup):
            yield from _leaves(inner)
        else:
            yield inner
