"""One model's takes on their way through the service: as many workers as tasks may be in progress.

A worker brings a take, from whatever state the record shows, to the end of its task. The download is left to a
fetcher, so that the worker is free for the next task meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Final, assert_never

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from kfpipe.domain import CANCELED, NEVER_CREATED, NO_REASON, TASK_LOST, MediaRole, Take, TaskStatus
from kfpipe.errors import Refused, ServiceRefused, ServiceUnclear
from kfpipe.events import (
    TakeAdopted,
    TakeFailed,
    TakePostponed,
    TakeProgressed,
    TakeSubmitted,
    TakeSucceeded,
)
from kfpipe.lock.states import (
    Asked,
    Entry,
    Failed,
    Failure,
    Rendered,
    Result,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
    is_rehearsal,
)
from kfpipe.lock.transitions import failures
from kfpipe.plan.model import Action, Step
from kfpipe.provider import TaskReport
from kfpipe.provider.codes import verdict
from kfpipe.runner.adopter import Adopter, Ambiguous, Found
from kfpipe.runner.context import Finished, Postponed, RunContext, UnderWay
from kfpipe.runner.pacing import backoff_s
from kfpipe.runner.plan_queue import PlanQueue
from kfpipe.runner.retry import with_retries
from kfpipe.runner.slots import NoPlace, Slots
from kfpipe.runner.submitter import Submitter

LINK_LIFE: Final = timedelta(hours=24)
"""How long a result's link lasts when it does not say so itself. Source: API reference, 10.4."""

SILENCES: Final = 5
"""How often a submission may go unanswered, and its task not be found, before the take is left for the next run."""


class Lane:
    """The takes of one model. `adopter_of` finds the adopter of any model: a take may have changed its own."""

    def __init__(
        self,
        shared: RunContext,
        submitter: Submitter,
        adopter_of: Callable[[str], Adopter],
        slots: Slots,
        outbox: MemoryObjectSendStream[Finished],
    ) -> None:
        self._shared = shared
        self._submitter = submitter
        self._adopter_of = adopter_of
        self._slots = slots
        self._outbox = outbox

    async def run(self, steps: PlanQueue, workers: int) -> None:
        """Carry out `steps` until their stream ends, in this order as far as the limits allow."""
        ready, queue = anyio.create_memory_object_stream[Step](workers)
        with steps, ready, queue:
            async with anyio.create_task_group() as group:
                group.start_soon(self._prepare, steps, ready)
                for _ in range(workers):
                    group.start_soon(self._work, queue)

    async def _prepare(self, steps: PlanQueue, ready: MemoryObjectSendStream[Step]) -> None:
        """Upload the stills of the takes that come next, so that no task in progress waits for an upload."""
        async for step in steps:
            if step.take is not None and step.action is Action.RENDER and not self._slots.is_full:
                # Errors are left to the worker, which retries and reports them.
                with suppress(Refused, ServiceRefused, ServiceUnclear):
                    await self._shared.provider.media_urls(step.take.request)
            await ready.send(step)
        ready.close()

    async def _work(self, queue: MemoryObjectReceiveStream[Step]) -> None:
        async for step in queue:
            try:
                async with self._slots.place():
                    await self._carry_out(step)
            except NoPlace:
                self._shared.settled(step.take_id, arrived=False)

    # ---- one take ------------------------------------------------------------------------------------------------

    async def _carry_out(self, step: Step) -> None:
        try:
            clip = await self._clip_of(step)
        except Postponed as stop:
            self._shared.emit(TakePostponed(take_id=step.take_id, reason=stop.reason))
            clip = None
        except UnderWay:
            self._shared.tally.under_way += self._is_asked_for(step)
            self._slots.keep()
            clip = None
        if clip is None:
            self._shared.settled(step.take_id, arrived=False)
        else:
            await self._outbox.send(Finished(step=step, entry=clip))

    def _is_asked_for(self, step: Step) -> bool:
        """Whether the take's latest request is the one that is wanted, so that another run only has to follow it."""
        asked = self._shared.ledger.lock[step.take_id].entry.asked
        return step.take is None or step.take.fingerprint == asked.fingerprint

    async def _clip_of(self, step: Step) -> Succeeded | None:
        """The clip that the step comes to, at the service; None when there is none, which was reported."""
        record = self._shared.ledger.lock.get(step.take_id)
        if record is not None and is_rehearsal(record.entry, self._shared.region):
            record = None  # the service has never seen it
        earlier = await self._finish(step.take_id, None if record is None else record.entry)
        if record is not None and isinstance(record.entry, Submitting) and isinstance(earlier, Succeeded):
            self._shared.purse.pay(Decimal(0), earlier.result.cost)
        if earlier is None and step.ready is None and record is not None:
            await self._close(step.take_id, record.entry.asked)
        elif step.ready is not None and _wants_another(step.action, earlier):
            if isinstance(earlier, Succeeded) and not await self._is_home(step, earlier):
                return None
            return await self._render(step.ready)
        elif isinstance(earlier, Failed):
            self._tell_failure(step.take_id, earlier.failure, retried=False)
        return earlier if isinstance(earlier, Succeeded) else None

    async def _finish(self, take_id: str, entry: Entry | None) -> Entry | None:
        """The record's entry, brought to the end of its task. None: nothing is under way, and nothing was billed."""
        match entry:
            case Submitting():
                self._adopter_of(entry.asked.model).expect(take_id, entry)
                return await self._settle(take_id, entry)
            case Submitted():
                return await self._follow(take_id, entry)
            case Unclear() | Succeeded() | Rendered() | Failed() | None:
                return entry
            case other:
                assert_never(other)

    async def _is_home(self, step: Step, earlier: Succeeded) -> bool:
        """Whether a clip that was paid for no longer blocks the next one: it is here, or lost with its link."""
        return earlier.result.url_expires_at <= self._shared.now() or await self._shared.deliver(step, earlier)

    async def _close(self, take_id: str, asked: Asked) -> None:
        """Put on record that nothing is owed for a take's earlier request: it never became a task."""
        failure = Failure(code=NEVER_CREATED, message="the request never became a task", request_id=None, billed=False)
        failed = Failed(asked=asked, task=None, failed_at=self._shared.now(), failure=failure)
        await self._shared.ledger.record(take_id, failed)

    async def _render(self, take: Take) -> Succeeded | None:
        """Submit until there is a clip, a lasting failure, or no more money."""
        shared = self._shared
        while True:
            media_urls = await self._media_urls(take)
            if not shared.purse.reserve(take.cost):
                shared.tally.over_budget = True
                raise Postponed("it would exceed the budget")
            entry = await self._attempt(take, media_urls)
            if isinstance(entry, Succeeded):
                shared.purse.pay(take.cost, entry.result.cost)
                return entry
            shared.purse.release(take.cost)
            tried = failures(shared.ledger.lock[take.id])
            passing = entry.task is not None and verdict(entry.failure.code, entry.failure.message).may_pass
            retried = passing and tried < take.attempts
            self._tell_failure(take.id, entry.failure, retried=retried)
            if not retried:
                return None
            await anyio.sleep(backoff_s(tried, None, shared.random.random()))

    async def _attempt(self, take: Take, media_urls: Mapping[MediaRole, str]) -> Succeeded | Failed:
        """How the take's next task ended."""
        for _ in range(SILENCES):
            try:
                entry = await self._submitter.submit(take, media_urls)
            except ServiceUnclear:
                orphan = self._shared.ledger.lock[take.id].entry
                found = await self._finish(take.id, orphan)
                if isinstance(found, Succeeded | Failed):
                    return found
                continue
            if isinstance(entry, Failed):
                return entry
            self._shared.emit(TakeSubmitted(take_id=take.id, task_id=entry.task.task_id))
            if self._shared.is_detached:
                raise UnderWay
            return await self._follow(take.id, entry)
        raise Postponed("the service does not answer submissions")

    async def _media_urls(self, take: Take) -> Mapping[MediaRole, str]:
        provider = self._shared.provider
        try:
            return await with_retries(lambda: provider.media_urls(take.request), self._shared.random)
        except Refused as refusal:
            raise Postponed("; ".join(problem.what for problem in refusal.problems)) from refusal
        except (ServiceRefused, ServiceUnclear) as trouble:
            raise Postponed(f"its stills could not be uploaded: {trouble}") from trouble

    async def _settle(self, take_id: str, orphan: Submitting) -> Succeeded | None:
        """The task of a request without an answer, on record with its result; None when there is none."""
        try:
            found = await self._adopter_of(orphan.asked.model).find(take_id)
        except (ServiceRefused, ServiceUnclear) as trouble:
            raise Postponed(f"its task could not be looked up: {trouble}") from trouble
        if isinstance(found, Ambiguous):
            await self._shared.ledger.record(take_id, Unclear(asked=orphan.asked, candidates=found.task_ids))
            raise Postponed(f"one of these tasks may be its own: {', '.join(found.task_ids)}")
        if not isinstance(found, Found):
            return None
        task = Task(task_id=found.task.task_id, request_id=found.task.request_id, submitted_at=found.task.created_at)
        self._shared.emit(TakeAdopted(take_id=take_id, task_id=task.task_id))
        return await self._succeeded(take_id, Submitted(asked=orphan.asked, task=task), found.report)

    async def _follow(self, take_id: str, entry: Submitted) -> Succeeded | Failed:
        """How the task ended, on record."""
        shared = self._shared
        shared.in_flight.add(take_id)
        try:
            report = await (self._report_by_now(entry) if shared.is_detached else self._last_report(take_id, entry))
        except ServiceRefused as refusal:
            raise Postponed(f"the service gives no status of its task: {refusal}") from refusal
        finally:
            shared.in_flight.discard(take_id)
        if report.status is TaskStatus.SUCCEEDED:
            return await self._succeeded(take_id, entry, report)
        failed = Failed(asked=entry.asked, task=entry.task, failed_at=shared.now(), failure=_failure(report))
        await shared.ledger.record(take_id, failed)
        return failed

    async def _last_report(self, take_id: str, entry: Submitted) -> TaskReport:
        shared = self._shared
        return await shared.follower.until_final(
            entry.task.task_id,
            entry.asked.model,
            age_s=(shared.now() - entry.task.submitted_at).total_seconds(),
            on_status=lambda status: shared.emit(TakeProgressed(take_id=take_id, status=status)),
        )

    async def _report_by_now(self, entry: Submitted) -> TaskReport:
        report = await self._shared.follower.glance(entry.task.task_id)
        if report is None:
            raise UnderWay
        return report

    async def _succeeded(self, take_id: str, entry: Submitted, report: TaskReport) -> Succeeded:
        if report.video_url is None:
            raise Postponed(f"task {entry.task.task_id} succeeded, but the service gives no link yet")
        shared, now = self._shared, self._shared.now()
        asked_seconds = Decimal(entry.asked.parameters.duration_s)
        billed_seconds = asked_seconds if report.billed_seconds is None else report.billed_seconds
        price = entry.asked.unit_price
        result = Result(
            finished_at=now,
            video_url=report.video_url,
            url_expires_at=report.url_expires_at or now + LINK_LIFE,
            actual_prompt=report.actual_prompt,
            billed_seconds=billed_seconds,
            cost=None if price is None else price * billed_seconds,
        )
        succeeded = Succeeded(asked=entry.asked, task=entry.task, result=result)
        await shared.ledger.record(take_id, succeeded)
        shared.tally.book(result)
        shared.emit(
            TakeSucceeded(
                take_id=take_id,
                asked_seconds=entry.asked.parameters.duration_s,
                billed_seconds=billed_seconds,
                cost=result.cost,
                currency=entry.asked.currency,
            )
        )
        return succeeded

    def _tell_failure(self, take_id: str, failure: Failure, *, retried: bool) -> None:
        self._shared.tally.failed += not retried
        self._shared.emit(
            TakeFailed(
                take_id=take_id,
                code=failure.code,
                message=failure.message,
                request_id=failure.request_id,
                retried=retried,
            )
        )


def _wants_another(action: Action, earlier: Entry | None) -> bool:
    """Whether a new task is due once the earlier one has come to its end."""
    return action is Action.RENDER or (action is Action.ADOPT and earlier is None)


def _failure(report: TaskReport) -> Failure:
    billed: bool | None = False
    match report.status:
        case TaskStatus.CANCELED:
            code, message = CANCELED, "the task was cancelled while it waited"
        case TaskStatus.UNKNOWN:
            code, message, billed = TASK_LOST, "the service no longer knows the task", None
        case TaskStatus.FAILED:
            code, message = report.code or NO_REASON, report.message or "the service gave no reason"
        case TaskStatus.SUCCEEDED | TaskStatus.PENDING | TaskStatus.RUNNING | TaskStatus.SUSPENDED as status:
            raise AssertionError(f"a task that is {status} has not failed")
        case other:
            assert_never(other)
    return Failure(code=code, message=message, request_id=report.request_id, billed=billed)
