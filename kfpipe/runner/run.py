"""Carries out a plan: a lane of workers for each model, one follower of all tasks, a few fetchers of clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

import anyio
import anyio.to_thread

from kfpipe.errors import BadRender, Refused, ServiceRefused, ServiceUnclear
from kfpipe.events import Event, Interrupted, RunFinished, RunStarted, TakePostponed, TakeRendered, TakeRestored
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Entry, Submitted, Submitting, Succeeded, result_of, task_ids, task_of
from kfpipe.plan.chain import why_not
from kfpipe.plan.model import Action, Plan, Step
from kfpipe.provider import Provider
from kfpipe.runner.adopter import Adopter
from kfpipe.runner.breaker import Breaker
from kfpipe.runner.budget import Budget
from kfpipe.runner.context import Finished, Postponed, RunContext
from kfpipe.runner.dependents import Dependents
from kfpipe.runner.fetcher import Fetcher
from kfpipe.runner.follower import Follower
from kfpipe.runner.gate import Gate
from kfpipe.runner.interlock import Interlock
from kfpipe.runner.lane import Lane
from kfpipe.runner.outcome import Outcome, finished
from kfpipe.runner.plan_queue import PlanQueue
from kfpipe.runner.retry import with_retries
from kfpipe.runner.settings import RunSettings
from kfpipe.runner.shields import Shields
from kfpipe.runner.slots import Slots
from kfpipe.runner.submitter import Submitter

FETCHERS: Final = 4
GRACE_S: Final = 4.0
"""How long an interrupted run waits for the answer to a request that is on the wire."""


class Run:
    """One execution of a plan. `emit` is called with each event, in order, and must not block."""

    def __init__(
        self, plan: Plan, provider: Provider, ledger: Ledger, settings: RunSettings, emit: Callable[[Event], None]
    ) -> None:
        self._plan = plan
        self._provider = provider = Breaker(provider, settings.random, emit)
        self._ledger = ledger
        self._settings = settings
        self._emit = emit
        self._scope = anyio.CancelScope()
        self._shields = Shields()
        self._fetcher = Fetcher(provider, ledger, settings.folder, settings.root, random=settings.random)
        self._known = task_ids(ledger.lock)
        self._crossings: dict[str, Interlock] = {}
        self._adopters: dict[str, Adopter] = {}
        self._waiting = Dependents(plan.work)
        self._on_their_way = 0
        self._queues: dict[str, PlanQueue] = {}
        self._outbox, self._inbox = anyio.create_memory_object_stream[Finished](len(plan.work))
        queries_per_second = settings.limits.queries_per_second
        self._shared = RunContext(
            provider=provider,
            ledger=ledger,
            follower=Follower(
                provider, Gate(queries_per_second), queries_per_second=queries_per_second, random=settings.random
            ),
            deliver=self._deliver,
            settled=self._settled,
            purse=Budget(cap=settings.cap),
            tally=Outcome(),
            in_flight=set(),
            region=settings.region,
            is_detached=settings.is_detached,
            emit=emit,
            now=settings.now,
            random=settings.random,
        )

    def interrupt(self) -> None:
        """Stop: no more submissions, tasks under way are noted. The second call no longer waits for answers."""
        if self._scope.cancel_called:
            self._shields.lower(0)
            return
        self._emit(Interrupted(running=len(self._shared.in_flight)))
        self._shields.lower(GRACE_S)
        self._scope.cancel()

    async def carry_out(self) -> RunFinished:
        """Do all that the plan says. What concerns one take is an outcome; what concerns all is an exception."""
        plan, work = self._plan, self._plan.work
        self._emit(RunStarted(takes=len(plan.steps), work=len(work), cost=plan.cost, currency=plan.currency))
        with self._scope, self._inbox, self._outbox:
            await with_retries(self._provider.check_account, self._settings.random)
            async with anyio.create_task_group() as service:
                service.start_soon(self._shared.follower.run)
                await self._work_through(work)
                service.cancel_scope.cancel()
        self._fetcher.tidy()
        end = finished(plan, self._shared.tally, interrupted=self._scope.cancel_called)
        self._emit(end)
        return end

    async def _work_through(self, work: Sequence[Step]) -> None:
        async with anyio.create_task_group() as fetchers:
            for _ in range(FETCHERS):
                fetchers.start_soon(self._fetch_all)
            for parcel in _waiting_for_download(work):
                self._outbox.send_nowait(parcel)
            await self._run_lanes([step for step in work if step.action not in (Action.DOWNLOAD, Action.RESTORE)])
            self._outbox.close()

    # ---- submitting and following ----------------------------------------------------------------------------------

    async def _run_lanes(self, steps: Sequence[Step]) -> None:
        limits = self._settings.limits
        self._expect_orphans()
        shared_gate = limits.shared_submissions_per_second and Gate(limits.shared_submissions_per_second)
        shared_slots = limits.shared_concurrent_tasks and Slots(limits.shared_concurrent_tasks)
        with ExitStack() as queues:
            async with anyio.create_task_group() as self._lanes:
                for model, own_steps in _by_model(steps).items():
                    pace = limits.of(model)
                    gate = shared_gate or Gate(pace.submissions_per_second)
                    slots = shared_slots or Slots(pace.concurrent_tasks)
                    lane = Lane(self._shared, self._submitter(model, gate, slots), self._adopter, slots, self._outbox)
                    workers = limits.shared_concurrent_tasks or pace.concurrent_tasks
                    queue = queues.enter_context(self._queue(model, own_steps))
                    self._lanes.start_soon(lane.run, queue, min(workers, len(own_steps)))
                self._lanes.start_soon(self._put_all_back)
                self._close_queues_when_nobody_waits()

    def _queue(self, model: str, steps: Sequence[Step]) -> PlanQueue:
        """The lane's steps: those that wait for nothing at once, the others as soon as they can be made."""
        self._queues[model] = turns = PlanQueue(steps)
        for step in steps:
            if step.action is not Action.WAIT:
                turns.add(step)
        return turns

    # ---- takes that continue from others -----------------------------------------------------------------------------

    def _settled(self, take_id: str, *, arrived: bool) -> None:
        """A take has its clip, or gets none in this run: pass that on to those that wait for it."""
        if arrived:
            for step in self._waiting.arrived(take_id):
                self._on_their_way += 1
                self._lanes.start_soon(self._continue, step)
        else:
            for step in self._waiting.missed(take_id):
                self._emit(TakePostponed(take_id=step.take_id, reason=f"continues from {take_id}, which has no clip"))
        self._close_queues_when_nobody_waits()

    async def _continue(self, waiting: Step) -> None:
        """Cut the pictures that a take continues from, and carry out its next step."""
        try:
            await self._send_on(await self._continuation(waiting))
        except Postponed as stop:
            self._emit(TakePostponed(take_id=waiting.take_id, reason=stop.reason))
            self._settled(waiting.take_id, arrived=False)
        finally:
            self._on_their_way -= 1
            self._close_queues_when_nobody_waits()

    async def _continuation(self, waiting: Step) -> Step:
        try:
            return await anyio.to_thread.run_sync(self._settings.continued, waiting, self._ledger.lock)
        except (BadRender, Refused) as trouble:
            raise Postponed(why_not(trouble)) from trouble

    async def _send_on(self, step: Step) -> None:
        if step.action is Action.KEEP:
            self._shared.tally.kept += 1
            self._settled(step.take_id, arrived=True)
        elif step.action is Action.RESTORE:
            await self._put_back(step)
        elif step.action is Action.DOWNLOAD:
            for parcel in _waiting_for_download([step]):
                await self._outbox.send(parcel)
        elif step.action.is_work:
            self._queues[step.model].add(step)
        else:
            raise Postponed("; ".join(step.reasons))

    # ---- clips that are wanted again ---------------------------------------------------------------------------------

    async def _put_all_back(self) -> None:
        for step in self._plan.work:
            if step.action is Action.RESTORE:
                await self._put_back(step)

    async def _put_back(self, step: Step) -> None:
        assert step.ready is not None, "an earlier clip is only wanted by a take that is complete"
        try:
            await self._fetcher.put_back(step.take_id, step.ready.fingerprint, step.output, self._settings.region)
        except BadRender as trouble:
            self._emit(TakePostponed(take_id=step.take_id, reason=str(trouble)))
            self._settled(step.take_id, arrived=False)
            return
        self._shared.tally.kept += 1
        self._emit(TakeRestored(take_id=step.take_id, path=step.output))
        self._settled(step.take_id, arrived=True)

    def _close_queues_when_nobody_waits(self) -> None:
        if not self._waiting and not self._on_their_way:
            for queue in self._queues.values():
                queue.close()

    def _expect_orphans(self) -> None:
        """Register all unanswered requests on record: a task may belong to a take that this plan leaves alone."""
        for take_id, record in self._ledger.lock.items():
            if isinstance(record.entry, Submitting) and record.entry.asked.region == self._settings.region:
                self._adopter(record.entry.asked.model).expect(take_id, record.entry)

    def _submitter(self, model: str, gate: Gate, slots: Slots) -> Submitter:
        return Submitter(
            self._provider,
            self._ledger,
            self._known,
            gate,
            slots,
            self._crossing(model),
            self._shields,
            region=self._settings.region,
            emit=self._emit,
            now=self._settings.now,
            random=self._settings.random,
        )

    def _adopter(self, model: str) -> Adopter:
        if model not in self._adopters:
            self._adopters[model] = Adopter(
                self._provider,
                self._known,
                self._settings.neighbours,
                self._shared.follower,
                self._crossing(model),
                model=model,
                pause_s=self._settings.list_pause_s,
                now=self._settings.now,
                random=self._settings.random,
            )
        return self._adopters[model]

    def _crossing(self, model: str) -> Interlock:
        return self._crossings.setdefault(model, Interlock())

    # ---- fetching ------------------------------------------------------------------------------------------------

    async def _fetch_all(self) -> None:
        async for parcel in self._inbox:
            arrived = await self._deliver(parcel.step, parcel.entry)
            self._shared.tally.rendered += arrived
            self._settled(parcel.step.take_id, arrived=arrived)

    async def _deliver(self, step: Step, entry: Succeeded) -> bool:
        """Whether the clip is here now; else the reason was reported."""
        take = step.take
        size = take.size if take is not None and take.fingerprint == entry.asked.fingerprint else None
        try:
            rendered = await self._fetcher.fetch(step.take_id, entry, step.output, size)
        except (BadRender, ServiceRefused, ServiceUnclear) as trouble:
            self._emit(TakePostponed(take_id=step.take_id, reason=f"its clip could not be downloaded: {trouble}"))
            return False
        render = rendered.render
        self._emit(TakeRendered(take_id=step.take_id, path=render.path, size_bytes=render.size_bytes))
        return True


def _by_model(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """Each lane's steps: what is under way first, then by priority, then in manifest order."""
    lanes: dict[str, list[Step]] = {}
    for step in sorted(steps, key=_urgency):
        lanes.setdefault(step.model, []).append(step)
    return lanes


def _urgency(step: Step) -> tuple[bool, int]:
    under_way = step.record is not None and isinstance(step.record.entry, Submitted | Submitting)
    return (not under_way, -step.take.priority if step.take is not None else 0)


def _waiting_for_download(steps: Sequence[Step]) -> list[Finished]:
    """Clips that are paid for, those whose link ends first at the front."""
    parcels = [
        Finished(step=step, entry=_at_the_service(step.record.entry))
        for step in steps
        if step.action is Action.DOWNLOAD and step.record is not None
    ]
    return sorted(parcels, key=lambda parcel: parcel.entry.result.url_expires_at)


def _at_the_service(entry: Entry) -> Succeeded:
    """The entry as it was before its file was here."""
    task, result = task_of(entry), result_of(entry)
    if task is None or result is None:
        raise AssertionError("only what was paid for is downloaded")
    return Succeeded(asked=entry.asked, task=task, result=result)
