"""A project under its run lock."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from random import SystemRandom
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from kfpipe import accounts, connection, environment, gcpause
from kfpipe.cluster import marker
from kfpipe.domain import Take
from kfpipe.environment import Environment
from kfpipe.errors import AccountRefused, KfpipeError, LoopRunning
from kfpipe.events import Event, RunFinished
from kfpipe.lock import workspace
from kfpipe.lock.book.database import path_of
from kfpipe.lock.book.elsewhere import tasks_elsewhere
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Approval, Submitted, Submitting, Succeeded, task_ids
from kfpipe.maintenance import cancel, prune, reconcile
from kfpipe.maintenance.cancel import Cancelling
from kfpipe.maintenance.prune import Departed
from kfpipe.maintenance.reconcile import Candidate
from kfpipe.plan import gather
from kfpipe.plan.gather import Standing
from kfpipe.plan.model import Plan, Whose, everything, nothing
from kfpipe.plan.selection import Selection
from kfpipe.project import Project
from kfpipe.provider import Provider
from kfpipe.runner.adopter import Adopter
from kfpipe.runner.company import Entrance, joined_by
from kfpipe.runner.context import RunContext
from kfpipe.runner.examiner import left_over
from kfpipe.runner.follower import Follower
from kfpipe.runner.lifecycle import Lifecycle, result_by
from kfpipe.runner.outcome import finished
from kfpipe.runner.run import Run
from kfpipe.runner.settings import RunSettings
from kfpipe.runner.signals import Interrupts, interrupting
from kfpipe.runner.submitter import Submitter, asked_for, minted

if TYPE_CHECKING:
    from kfpipe.cluster.door import Cluster

LIST_PATIENCE_S: Final = 120.0
"""How long a task may take to appear in the account's list; how soon the service lists one is not documented."""

REHEARSAL_PATIENCE_S: Final = 0.2
"""How long the built-in emulator may take to list a task; nobody pays for what it does."""


@contextmanager
def session(project: Project) -> Iterator[Session]:
    """The project, held for one run; what an earlier run left behind is put on record first.

    Raises `ProjectBusy` when another run holds it, `Refused` when lockfile or journal cannot be trusted.
    """
    with gcpause.paused():
        ledger = Ledger.open(project.paths, now=environment.now)
    with ledger:
        settings = environment.read()
        whose = accounts.known(project, settings)
        yield Session(project=project, ledger=ledger, settings=settings, whose=whose)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)  # event loops spell out what their tasks return
class Session:
    """A project under its run lock, since `opened_at`.

    `approval` says who agreed to the plan that it is to carry out; with a `cluster` it is handed over there.
    """

    project: Project
    ledger: Ledger
    settings: Environment
    whose: Whose
    approval: Approval | None = None
    cluster: Cluster | None = None
    opened_at: datetime = field(default_factory=environment.now)

    @property
    def standing(self) -> Standing:
        """What is on record for each take now."""
        return gather.standing(self.project, self.ledger.lock, self.ledger.requests, self.whose.account)

    async def recognised(self, *, is_same: bool = False) -> Session:
        """The session once the service was asked whether other accounts, which have debts here, are this one.

        `is_same`: a person says that they are. Asks only where there are such debts.
        """
        requests = [*self.ledger.lock.requests.values()]
        strangers = accounts.strangers(self.whose, requests, self.project.region.name)
        if not strangers:
            return self
        if is_same:
            return replace(self, whose=accounts.taken_for_same(self.project, self.whose, strangers))
        with suppress(AccountRefused):  # without a key there is nobody to ask for
            async with self.provider() as provider:
                whose = await accounts.recognised(self.project, self.whose, requests, provider, SystemRandom())
                return replace(self, whose=whose)
        return self

    def plan(
        self,
        *,
        select: Selection = everything,
        retry: Selection = nothing,
        rerender: Selection = nothing,
        new_seed: bool = False,
        now: Standing | None = None,
    ) -> Plan:
        """What `run` will do with each take, why, and what it will cost; the arguments are those of `kfpipe.plan`.

        `now` is the session's standing, where it is at hand and nothing was put on record since.
        """
        return gather.plan(
            self.project,
            self.ledger.lock,
            select=select,
            retry=retry,
            rerender=rerender,
            new_seed=new_seed,
            whose=self.whose,
            requests=self.ledger.requests,
            now=now,
        )

    def check_key(self) -> None:
        """Raise `AccountRefused` when there is no key for the service; sends nothing."""
        connection.api_key(self.project, self.settings)

    def _has_key(self) -> bool:
        with suppress(AccountRefused):
            self.check_key()
            return True
        return False

    def run(
        self, plan: Plan, *, cap: Decimal | None, emit: Callable[[Event], None], detach: bool = False
    ) -> RunFinished:
        """Carry out `plan`, spending at most `cap` (None: no limit); Ctrl-C and SIGTERM end it in good order.

        Signals are handled in the main thread only. With `detach` it submits what the limits allow at once, downloads
        what is finished, and waits for nothing.
        """

        refuse_on_a_loop("session.run(...)", instead="await session.run_async(...)")
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
        interrupts: Interrupts | None = None,
    ) -> RunFinished:
        """The same on the caller's event loop, asyncio or trio. `signals`: whether to handle the process's.

        Who runs several projects at once handles them, and passes them on by `interrupts`.
        """
        if not plan.work and not (left_over(plan.steps) and self._has_key()):
            emit(end := finished(plan))
            return end
        if self.cluster is None:
            marker.check(marker.place_of(self.project.state_dir, self.project.stem), self.project.sources[0].file)
        try:
            entrance = self._entrance(detach)
            settings = self._run_settings(cap, detach)
            async with (
                self.provider() as provider,
                joined_by(entrance, plan, self.ledger, emit) as shares,
                self._made(provider, settings) as made,
            ):
                run = Run(plan, made.provider, self.ledger, made.settings, emit, shares, made.by)
                heard = interrupts or Interrupts()
                async with interrupting(heard, enabled=signals):
                    with heard.of(run):
                        return await run.carry_out()
        except BaseExceptionGroup as group:
            raise most_telling(group) from group

    @asynccontextmanager
    async def running(self, plan: Plan, *, cap: Decimal | None) -> AsyncIterator[AsyncIterator[Event]]:
        """The same as a stream of its events; leaving the block early ends the run."""
        send, receive = anyio.create_memory_object_stream[Event](math.inf)  # a slow reader must not slow the run

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
                raise most_telling(errors) from errors

    async def cancel(self, key: str, provider: Provider) -> Cancelling:
        """Cancel the request's task if it still waits at the service; a running one continues and is billed."""
        entry = self.ledger.lock.requests[key]
        if not isinstance(entry, Submitted):
            return Cancelling.OVER
        if not self.whose.is_ours(entry.asked):
            return Cancelling.FOREIGN
        return await cancel.cancel(key, entry, provider, self.ledger, environment.now, SystemRandom())

    async def candidates(self, key: str, provider: Provider) -> list[Candidate]:
        """The tasks at the service that may belong to a request without an answer."""
        entry = reconcile.unsettled(self.ledger.lock)[key]
        owned = await anyio.to_thread.run_sync(self.owned_tasks)
        return await reconcile.candidates(entry, owned, provider, SystemRandom())

    async def unrecorded(self, provider: Provider) -> list[Candidate]:
        """The account's tasks of the last 24 h that are on nobody's record here."""
        asked = (entry.asked.model for entry in self.ledger.lock.requests.values())
        models = dict.fromkeys([*(take.request.model for take in self.project.takes), *asked])
        known = [model for model in models if model in self.project.catalogue.models]
        owned = await anyio.to_thread.run_sync(self.owned_tasks)
        return await reconcile.unrecorded(known, owned, provider, SystemRandom())

    async def take_back(self, provider: Provider) -> list[str]:
        """Put on record that tasks which were put down as lost or cancelled have a clip after all; their requests."""
        reports = await reconcile.looked_at_again(self.ledger.lock, self.whose, provider, SystemRandom())
        for key, report in reports.items():
            entry = self.ledger.lock.requests[key]
            if reconcile.has_no_clip(entry) and entry.task is not None:
                result = result_by(report, entry.asked, environment.now())
                await self.ledger.record(key, Succeeded(asked=entry.asked, task=entry.task, result=result))
        return sorted(reports)

    async def adopt_for(self, take: Take, task_id: str) -> None:
        """Put on record that this task, which is on nobody's, is a request of the take; the next run follows it."""
        account, now = self.whose.account, environment.now()
        asked = asked_for(take, take.request, self.project.region.name, account, now)
        await reconcile.adopt(minted(take), Submitting(asked=asked), task_id, self.ledger)

    async def adopt(self, key: str, task_id: str) -> None:
        """Assign this task to the request; the next run follows it."""
        await reconcile.adopt(key, self.ledger.lock.requests[key], task_id, self.ledger)

    async def declare_lost(self, key: str) -> None:
        """Give up the request without an answer; the next run submits it again."""
        await reconcile.declare_lost(key, reconcile.unsettled(self.ledger.lock)[key], self.ledger, environment.now)

    async def set_aside(self, one: Departed) -> None:
        """Move the clip of a take that has left the manifest out of the way; it stays on record, with its cost."""
        entry = await anyio.to_thread.run_sync(prune.moved, one, self.project.folder)
        await self.ledger.record(one.key, entry)

    def owned_tasks(self) -> set[str]:
        """The ids of all tasks that have an owner, in this manifest or in another one of the project."""
        return task_ids(self.ledger.lock) | self._neighbours()

    @asynccontextmanager
    async def provider(self) -> AsyncIterator[Provider]:
        """The service that this project's requests go to. Raises `AccountRefused` without a key."""
        async with connection.provider(self.project, self.settings) as provider:
            yield provider

    @asynccontextmanager
    async def _made(self, provider: Provider, settings: RunSettings) -> AsyncIterator[Made]:
        """Who makes the requests of a run: itself, or a cluster. Raises Refused where they are in a cluster already."""
        project = self.project
        if self.cluster is None:
            yield Made(provider=provider, settings=settings, by=Lifecycle)
            return
        from kfpipe.cluster.handover import HandedOver
        from kfpipe.cluster.jobs import Payer

        base_url = self.cluster.check_address(connection.base_url(project, self.settings))
        payer = Payer(account=self.whose.account, region=project.region.name, base_url=base_url)
        async with self.cluster.handed_over(payer, self.ledger, provider, settings, project.stem) as hands:
            yield Made(provider=hands.provider, settings=hands.settings, by=partial(HandedOver, hands))

    def _neighbours(self) -> set[str]:
        own, keys = self.project.lockfile_path, self.ledger.requests.view.keys()
        elsewhere = tasks_elsewhere(path_of(self.whose.account), own, keys, environment.now().timestamp())
        return elsewhere | workspace.known_tasks(self.project.root, own)

    def _entrance(self, detach: bool) -> Entrance:
        return Entrance(
            book=None if self.cluster is not None else path_of(self.whose.account),
            lockfile=self.project.lockfile_path,
            is_ours=self.whose.is_ours,
            since=self.opened_at,
            now=environment.now,
            is_detached=detach,
            groups=connection.groups(self.project),
        )

    def _run_settings(self, cap: Decimal | None, detach: bool) -> RunSettings:
        charged, project = connection.is_charged(self.project), self.project
        known = gather.register(project, self.ledger.lock, self.ledger.requests, self.whose.account)
        return RunSettings(
            folder=self.project.folder,
            root=self.project.root,
            state_dir=project.state_dir,
            output_dir=project.manifest.output_dir,
            belonging=gather.belonging(project, known),
            region=self.project.region.name,
            account=self.whose.account,
            is_ours=self.whose.is_ours,
            limits=connection.limits(self.project),
            cap=cap,
            is_detached=detach,
            neighbours=self._neighbours,
            continued=partial(gather.continued, project, {take.id: take for take in project.takes}, known, self.whose),
            find=lambda render, origin: gather.shelf(project).find(render, origin),
            list_patience_s=self.settings.list_patience_s or (LIST_PATIENCE_S if charged else REHEARSAL_PATIENCE_S),
            now=environment.now,
            random=SystemRandom(),
            approval=self.approval,
        )


def refuse_on_a_loop(called: str, *, instead: str) -> None:
    """Raises LoopRunning where an event loop is running in this thread: no second one can be started."""
    try:
        anyio.get_cancelled_exc_class()
    except RuntimeError:  # what says so is of another library in each release of anyio
        return
    raise LoopRunning(called, instead=instead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a runner is given: the way to the service, its settings, and who brings requests to their end."""

    provider: Provider
    settings: RunSettings
    by: Callable[[RunContext, Submitter, Adopter, Follower], Lifecycle]


def most_telling(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The exception of a group that a user should see: a bug before a known error, then the first."""
    leaves = [*_leaves(group)]
    return next((leaf for leaf in leaves if not isinstance(leaf, KfpipeError)), leaves[0])


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for inner in group.exceptions:
        if isinstance(inner, BaseExceptionGroup):
            yield from _leaves(inner)
        else:
            yield inner
