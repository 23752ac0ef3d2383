"""Carries out a plan: a lane of workers for each model, one follower of all tasks, a few fetchers of clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from decimal import Decimal
from typing import Final

import anyio
import anyio.to_thread

from kfpipe import catalogue
from kfpipe.errors import BadRender, Refused
from kfpipe.events import Event, Interrupted, RunFinished, RunStarted, TakePostponed
from kfpipe.lock.book.sharing import LimitKind
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Rendered, Submitted, Submitting, task_ids
from kfpipe.plan.chain import why_not
from kfpipe.plan.model import Action, Plan, Step
from kfpipe.provider import Provider
from kfpipe.runner import company
from kfpipe.runner.adopter import Adopter
from kfpipe.runner.breaker import Breaker
from kfpipe.runner.budget import Budget
from kfpipe.runner.context import RunContext
from kfpipe.runner.delivery import Delivery
from kfpipe.runner.dependents import Dependents
from kfpipe.runner.follower import Follower
from kfpipe.runner.gate import Gate
from kfpipe.runner.interlock import Interlock
from kfpipe.runner.lane import Lane
from kfpipe.runner.lifecycle import Lifecycle
from kfpipe.runner.outcome import finished
from kfpipe.runner.plan_queue import PlanQueue
from kfpipe.runner.queries import Paced
from kfpipe.runner.retry import with_retries
from kfpipe.runner.settings import RunSettings
from kfpipe.runner.shares import Shares
from kfpipe.runner.slots import Slots
from kfpipe.runner.snapshot import Snapshot
from kfpipe.runner.submitter import Submitter

GRACE_S: Final = 4.0
"""How long an interrupted run waits for the answer to a request that is on the wire."""


class Run:
    """One execution of a plan. `emit` is called with each event, in order, and must not block."""

    def __init__(
        self,
        plan: Plan,
        provider: Provider,
        ledger: Ledger,
        settings: RunSettings,
        emit: Callable[[Event], None],
        shares: Shares,
        made_by: Callable[[RunContext, Submitter, Adopter, Follower], Lifecycle] = Lifecycle,
    ) -> None:
        """`made_by` is what brings a request to its end: this run itself, unless it hands its plan over."""
        self._plan = plan
        self._made_by = made_by
        self._shares = shares
        queries = shares.gate(LimitKind.QUERIES, settings.limits.queries_per_second, harmless=True)
        self._context = RunContext(
            provider=Breaker(Paced(provider, queries), settings.random, emit),
            ledger=ledger,
            settings=settings,
            emit=emit,
            budget=Budget(cap=settings.cap, reserved=plan.under_way + _adoptable(plan)),
            known=task_ids(ledger.lock),
            shares=shares,
        )
        self._scope = anyio.CancelScope()
        self._follower = Follower(self._context)
        self._dependents = Dependents(plan.work)
        self._delivery = Delivery(self._context, self._settled, self._dependents.awaits, capacity=len(plan.work))
        self._queues: dict[str, PlanQueue] = {}
        self._adopters: dict[str, Adopter] = {}
        self._interlocks: dict[str, Interlock] = {}

    def interrupt(self) -> None:
        """Stop: no more submissions, tasks under way are noted. The second call no longer waits for answers."""
        if self._scope.cancel_called:
            self._context.shields.lower(0)
            return
        self._context.emit(Interrupted(running=len(self._context.in_flight), cost=self._context.budget.reserved))
        self._context.shields.lower(GRACE_S)
        self._scope.cancel()

    async def carry_out(self) -> RunFinished:
        """Do all that the plan says. What concerns one take is an outcome; what concerns all is an exception."""
        plan, context, work = self._plan, self._context, self._plan.work
        context.emit(
            RunStarted(
                takes=len(plan.steps),
                work=len(work),
                cost=plan.cost,
                currency=plan.currency,
                under_way=plan.under_way,
                cap=context.settings.cap,
            )
        )
        with self._scope, self._delivery:
            if work:  # to look clips over nothing is asked of the service
                await with_retries(context.provider.check_account, context.random)
            await self._delivery.try_places(work)
            self._delivery.look_over(plan.steps)
            async with anyio.create_task_group() as service:
                service.start_soon(self._follower.run)
                service.start_soon(self._shares.run)
                service.start_soon(company.look_after, self._shares, context.provider)
                await self._work_through(work)
                service.cancel_scope.cancel()
        self._delivery.tidy()
        end = finished(plan, context.outcome, interrupted=self._scope.cancel_called)
        context.emit(end)
        return end

    async def _work_through(self, work: Sequence[Step]) -> None:
        await self._take_over(work)
        self._expect_orphans()
        async with anyio.create_task_group() as fetching:
            fetching.start_soon(self._delivery.fetch_all)
            with ExitStack() as queues:
                async with anyio.create_task_group() as self._lanes:
                    self._start_lanes([step for step in work if step.action.is_made_in_a_lane], queues)
                    self._delivery.send_all([step for step in work if step.action is Action.DOWNLOAD])
                    at_hand = [step for step in work if step.action is Action.REUSE]
                    self._lanes.start_soon(self._delivery.reuse, at_hand)
            self._delivery.close()

    async def _take_over(self, work: Sequence[Step]) -> None:
        """Put on record what other lockfiles of the project know of the requests that this run has in hand."""
        for step in work:
            record = step.record
            if record is not None and record.place is not None and not isinstance(record.entry, Rendered):
                await self._context.ledger.record(record.key, record.entry)

    # ---- lanes -----------------------------------------------------------------------------------------------------

    def _start_lanes(self, steps: Sequence[Step], queues: ExitStack) -> None:
        limits, shares = self._context.settings.limits, self._shares
        per_second, at_once = limits.shared_submissions_per_second, limits.shared_concurrent_tasks
        shared_gate = per_second and shares.gate(LimitKind.SUBMISSIONS, per_second)
        shared_slots = at_once and shares.slots(at_once)
        gates: dict[str, Gate] = {}
        places: dict[str, Slots] = {}
        for model, own in _by_model(steps).items():
            pace = limits.of(model)
            rate_of, tasks_of = pace.rate_with or model, pace.tasks_with or model
            if not shared_gate and rate_of not in gates:
                gates[rate_of] = shares.gate(LimitKind.SUBMISSIONS, pace.submissions_per_second, rate_of)
            if not shared_slots and tasks_of not in places:
                places[tasks_of] = shares.slots(pace.concurrent_tasks, tasks_of)
            gate, slots = shared_gate or gates[rate_of], shared_slots or places[tasks_of]
            workers = at_once or pace.concurrent_tasks
            self._queues[model] = queue = queues.enter_context(PlanQueue(own))
            for step in own:
                if step.action is not Action.WAIT:
                    queue.add(step)
            self._lanes.start_soon(self._lane(model, gate, slots).run, queue, min(workers, len(own)))

    def _lane(self, model: str, gate: Gate, slots: Slots) -> Lane:
        interlock = self._interlock(model)
        by_prompt = catalogue.shows_prompt(model)
        snapshot = Snapshot(self._context, interlock, model)
        submitter = Submitter(self._context, gate, slots, interlock, snapshot, by_prompt=by_prompt)
        lifecycle = self._made_by(self._context, submitter, self._adopter(model), self._follower)
        return Lane(self._context, lifecycle, slots, self._delivery.send, self._settled)

    def _adopter(self, model: str) -> Adopter:
        if model not in self._adopters:
            by_prompt = catalogue.shows_prompt(model)
            self._adopters[model] = Adopter(
                self._context, self._follower, self._interlock(model), model, by_prompt=by_prompt
            )
        return self._adopters[model]

    def _interlock(self, model: str) -> Interlock:
        return self._interlocks.setdefault(model, Interlock())

    def _expect_orphans(self) -> None:
        """Register all unanswered requests on record: a task may belong to a take that this plan leaves alone."""
        settings = self._context.settings
        for key, entry in self._context.ledger.lock.requests.items():
            if (
                isinstance(entry, Submitting)
                and entry.asked.region == settings.region
                and settings.is_ours(entry.asked)
            ):
                self._adopter(entry.asked.model).expect(key, entry)

    # ---- takes that continue others --------------------------------------------------------------------------------

    def _settled(self, step: Step, *, arrived: bool) -> None:
        """A take has its clip, or gets none in this run: pass that on to those that wait for it."""
        if arrived:
            for waiting in self._dependents.arrived(step.id):
                self._lanes.start_soon(self._continue, waiting)
        else:
            for waiting in self._dependents.missed(step.id):
                self._leave(waiting, f"waits for {step.id}, which has no clip")

    async def _continue(self, waiting: Step) -> None:
        """Cut the pictures that a take continues from, and do with it what is then to be done."""
        try:
            step = await anyio.to_thread.run_sync(self._context.settings.continued, waiting)
        except (BadRender, Refused) as trouble:
            self._leave(waiting, why_not(trouble))
            self._settled(waiting, arrived=False)
        else:
            await self._send_on(step)
        self._queues[waiting.model].drop(waiting)

    async def _send_on(self, step: Step) -> None:
        """A step that no longer waits goes where its action is carried out."""
        if step.action is Action.KEEP:
            self._context.outcome.kept += 1
            self._settled(step, arrived=True)
        elif step.action is Action.REUSE:
            await self._delivery.reuse([step])
        elif step.action is Action.DOWNLOAD:
            self._delivery.send_all([step])
        elif step.action.is_made_in_a_lane:
            self._queues[step.model].add(step)
        else:
            self._leave(step, "; ".join(step.reasons))
            self._settled(step, arrived=False)

    def _leave(self, step: Step, reason: str) -> None:
        self._context.emit(TakePostponed(take_id=step.take_id, reason=reason))
        self._queues[step.model].drop(step)


def _adoptable(plan: Plan) -> Decimal:
    """What the plan counts for requests without an answer, each of which may be a task already."""
    steps = (step for step in plan.steps if step.action is Action.ADOPT)
    return sum((step.cap_cost or Decimal(0) for step in steps), Decimal(0))


def _by_model(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """Each lane's steps: what is under way first, then by priority, then in film order.

    Of one shot's takes, those go first that others wait for.
    """
    lanes: dict[str, list[Step]] = {}
    places = {shot_id: place for place, shot_id in enumerate(dict.fromkeys(step.shot_id for step in steps))}
    awaited = {take_id for step in steps for take_id in step.sources}
    for step in sorted(steps, key=lambda step: (*_urgency(step), places[step.shot_id], step.take_id not in awaited)):
        lanes.setdefault(step.model, []).append(step)
    return lanes


def _urgency(step: Step) -> tuple[bool, int]:
    under_way = step.record is not None and isinstance(step.record.entry, Submitted | Submitting)
    return (not under_way, -step.take.priority if step.take is not None else 0)
