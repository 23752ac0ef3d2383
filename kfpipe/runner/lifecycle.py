"""The life of one take in a run: what is under way is brought to its end, then a new task is made if one is wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final, assert_never

import anyio

from kfpipe.domain import CANCELED, NEVER_CREATED, NO_REASON, TASK_LOST, MediaRole, Take, TaskStatus
from kfpipe.errors import Refused, ServiceRefused, ServiceUnclear
from kfpipe.events import TakeAdopted, TakeFailed, TakeProgressed, TakeSubmitted, TakeSucceeded
from kfpipe.lock.states import (
    Asked,
    Entry,
    Failed,
    Failure,
    Record,
    Rendered,
    Result,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
    is_rehearsal,
)
from kfpipe.lock.transitions import failures, has_dead_link
from kfpipe.plan.model import Action, Step
from kfpipe.provider import TaskReport
from kfpipe.provider.codes import verdict
from kfpipe.runner.adopter import Adopter, Ambiguous, Found
from kfpipe.runner.context import Left, RunContext
from kfpipe.runner.follower import Follower
from kfpipe.runner.pacing import backoff_s
from kfpipe.runner.retry import with_retries
from kfpipe.runner.submitter import Submitter

LINK_LIFE: Final = timedelta(hours=24)
"""How long a result's link lasts when it does not say so itself. Source: API reference, 10.4."""

TASK_LIFE: Final = timedelta(hours=24)
"""How long the service knows a task, at least. Source: API reference, section 1."""

UNANSWERED_SUBMISSIONS: Final = 5
"""How often a submission may go unanswered, and its task not be found, before the take is left for the next run."""

End = Succeeded | Failed | Left
"""How a step ends: with its clip at the service, with a failure that lasts, or left for another run."""


class Lifecycle:
    """The takes of one model, one by one.

    `adopter_of` finds the adopter of any model: a take may have changed its own. `deliver` downloads a clip, and says
    whether it is here.
    """

    def __init__(
        self,
        context: RunContext,
        submitter: Submitter,
        adopter_of: Callable[[str], Adopter],
        follower: Follower,
        deliver: Callable[[Step, Succeeded], Awaitable[bool]],
    ) -> None:
        self._context = context
        self._submitter = submitter
        self._adopter_of = adopter_of
        self._follower = follower
        self._deliver = deliver

    async def end_of(self, step: Step) -> End:
        """Bring the take to the end of its task, and of a new one if that is wanted. All of it is on record."""
        record = self._record_of(step.take_id)
        earlier = None if record is None else await self._finished(step.take_id, record.entry)
        if isinstance(earlier, Left):
            return earlier
        if record is not None and isinstance(record.entry, Submitting) and isinstance(earlier, Succeeded):
            seconds = earlier.result.billed_seconds
            self._context.budget.pay(
                Decimal(0), earlier.result.cost if step.take is None else step.take.cap_cost_of(seconds)
            )
        if earlier is None and step.ready is None and record is not None:
            await self._close(step.take_id, record.entry.asked)
            return Left()
        if step.ready is not None and _wants_another(step.action, earlier):
            if isinstance(earlier, Succeeded) and not await self._is_home(step, earlier):
                return Left()
            return await self._render(step.ready)
        return earlier if isinstance(earlier, Succeeded | Failed) else Left()

    def _record_of(self, take_id: str) -> Record | None:
        """What is on record for the take, as far as the service knows of it too."""
        record = self._context.ledger.lock.get(take_id)
        if record is None or is_rehearsal(record.entry, self._context.settings.region):
            return None
        return record

    # ---- what is under way -----------------------------------------------------------------------------------------

    async def _finished(self, take_id: str, entry: Entry) -> Entry | Left | None:
        """The record's entry, brought to the end of its task. None: nothing is under way, and nothing was billed."""
        match entry:
            case Submitting():
                self._adopter_of(entry.asked.model).expect(take_id, entry)
                return await self._adopted(take_id, entry)
            case Submitted():
                return await self._followed(take_id, entry)
            case Unclear() | Succeeded() | Rendered() | Failed():
                return entry
            case other:
                assert_never(other)

    async def _adopted(self, take_id: str, orphan: Submitting) -> Succeeded | Left | None:
        """The task of a request without an answer, on record with its result; None when there is none."""
        try:
            found = await self._adopter_of(orphan.asked.model).find(take_id)
        except (ServiceRefused, ServiceUnclear) as trouble:
            return Left(reason=f"its task could not be looked up: {trouble}")
        if isinstance(found, Ambiguous):
            await self._context.ledger.record(take_id, Unclear(asked=orphan.asked, candidates=found.task_ids))
            return Left(reason=f"one of these tasks may be its own: {', '.join(found.task_ids)}")
        if not isinstance(found, Found):
            return None
        task = Task(task_id=found.task.task_id, request_id=found.task.request_id, submitted_at=found.task.created_at)
        self._context.emit(TakeAdopted(take_id=take_id, task_id=task.task_id))
        return await self._succeeded(take_id, Submitted(asked=orphan.asked, task=task), found.report)

    async def _followed(self, take_id: str, entry: Submitted) -> End:
        """How the task ended, on record."""
        context = self._context
        context.in_flight.add(take_id)
        try:
            report = await self._last_report(take_id, entry)
        except ServiceRefused as refusal:
            return Left(reason=f"the service gives no status of its task: {refusal}")
        finally:
            context.in_flight.discard(take_id)
        if report is None:
            return Left(is_under_way=True)
        if report.status is TaskStatus.UNKNOWN and context.now() - entry.task.submitted_at < TASK_LIFE:
            return Left(
                reason=f"the service does not know task {entry.task.task_id} at the moment: that settles nothing"
            )
        if report.status is TaskStatus.SUCCEEDED:
            return await self._succeeded(take_id, entry, report)
        failed = Failed(asked=entry.asked, task=entry.task, failed_at=context.now(), failure=_failure_of(report))
        await context.ledger.record(take_id, failed)
        return failed

    async def _last_report(self, take_id: str, entry: Submitted) -> TaskReport | None:
        """The task's end; None when it has none by now, and this run does not wait for it."""
        context = self._context
        if context.settings.is_detached:
            return await self._follower.glance(entry.task.task_id)
        return await self._follower.until_final(
            entry.task.task_id,
            entry.asked.model,
            age_s=(context.now() - entry.task.submitted_at).total_seconds(),
            on_status=lambda status: context.emit(TakeProgressed(take_id=take_id, status=status)),
        )

    async def _succeeded(self, take_id: str, entry: Submitted, report: TaskReport) -> Succeeded | Left:
        if report.video_url is None:
            return Left(reason=f"task {entry.task.task_id} succeeded, but the service gives no link yet")
        context, asked, now = self._context, entry.asked, self._context.now()
        asked_seconds = asked.parameters.duration_s
        billed_seconds = Decimal(asked_seconds) if report.billed_seconds is None else report.billed_seconds
        result = Result(
            finished_at=now,
            video_url=report.video_url,
            url_expires_at=report.url_expires_at or now + LINK_LIFE,
            actual_prompt=report.actual_prompt,
            billed_seconds=billed_seconds,
            cost=None if asked.unit_price is None else asked.unit_price * billed_seconds,
        )
        succeeded = Succeeded(asked=asked, task=entry.task, result=result)
        await context.ledger.record(take_id, succeeded)
        context.outcome.book(result)
        context.emit(
            TakeSucceeded(
                take_id=take_id,
                asked_seconds=asked_seconds,
                billed_seconds=billed_seconds,
                cost=result.cost,
                currency=asked.currency,
            )
        )
        return succeeded

    async def _is_home(self, step: Step, earlier: Succeeded) -> bool:
        """Whether a clip that was paid for is out of the way of the next one: here, or lost with its link."""
        if has_dead_link(earlier, self._context.now()) or await self._deliver(step, earlier):
            return True
        left = self._context.ledger.lock[step.take_id].entry
        return isinstance(left, Succeeded) and has_dead_link(left, self._context.now())

    async def _close(self, take_id: str, asked: Asked) -> None:
        """Put on record that nothing is owed for a take's earlier request: it never became a task."""
        failure = Failure(code=NEVER_CREATED, message="the request never became a task", request_id=None, billed=False)
        failed = Failed(asked=asked, task=None, failed_at=self._context.now(), failure=failure)
        await self._context.ledger.record(take_id, failed)

    # ---- a new task ------------------------------------------------------------------------------------------------

    async def _render(self, take: Take) -> End:
        """Submit until there is a clip, a lasting failure, or no more money."""
        context = self._context
        while True:
            media_urls = await self._media_urls(take)
            if isinstance(media_urls, Left):
                return media_urls
            if not context.budget.reserve(take.cap_cost):
                context.outcome.over_budget = True
                return Left(reason="it would exceed the budget")
            end = await self._attempt(take, media_urls)
            if isinstance(end, Left):
                return end  # its task may be billed: what was set aside for it stays so
            if isinstance(end, Succeeded):
                context.budget.pay(take.cap_cost, take.cap_cost_of(end.result.billed_seconds))
                return end
            context.budget.release(take.cap_cost)
            tried = failures(context.ledger.lock[take.id])
            may_pass = end.task is not None and verdict(end.failure.code, end.failure.message).may_pass
            if not may_pass or tried >= take.attempts:
                return end
            context.emit(failed_event(take.id, end.failure, retried=True))
            await anyio.sleep(backoff_s(tried, None, context.random.random()))

    async def _attempt(self, take: Take, media_urls: Mapping[MediaRole, str]) -> End:
        """How the take's next task ended."""
        for _ in range(UNANSWERED_SUBMISSIONS):
            try:
                entry = await self._submitter.submit(take, media_urls)
            except ServiceUnclear:
                found = await self._finished(take.id, self._context.ledger.lock[take.id].entry)
                if isinstance(found, Succeeded | Failed | Left):
                    return found
                continue
            if isinstance(entry, Failed):
                return entry
            self._context.emit(TakeSubmitted(take_id=take.id, task_id=entry.task.task_id))
            if self._context.settings.is_detached:
                return Left(is_under_way=True)
            return await self._followed(take.id, entry)
        return Left(reason="the service does not answer submissions")

    async def _media_urls(self, take: Take) -> Mapping[MediaRole, str] | Left:
        provider = self._context.provider
        try:
            return await with_retries(lambda: provider.media_urls(take.request), self._context.random)
        except Refused as refusal:
            return Left(reason="; ".join(problem.what for problem in refusal.problems))
        except (ServiceRefused, ServiceUnclear) as trouble:
            return Left(reason=f"its stills could not be uploaded: {trouble}")


def failed_event(take_id: str, failure: Failure, *, retried: bool) -> TakeFailed:
    """What is reported of a failure."""
    return TakeFailed(
        take_id=take_id,
        code=failure.code,
        message=failure.message,
        request_id=failure.request_id,
        retried=retried,
    )


def _wants_another(action: Action, earlier: Entry | None) -> bool:
    """Whether a new task is due once the earlier one has come to its end."""
    return action is Action.RENDER or (action is Action.ADOPT and earlier is None)


def _failure_of(report: TaskReport) -> Failure:
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
