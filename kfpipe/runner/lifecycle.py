"""The life of one request in a run: a debt is brought to its end, a wanted clip to its task and to the end of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, assert_never

import anyio

from kfpipe import catalogue
from kfpipe.domain import CANCELED, NEVER_CREATED, NO_LINK, NO_REASON, TASK_LOST, MediaRole, Take, TaskStatus
from kfpipe.errors import Refused, ServiceRefused, ServiceUnclear
from kfpipe.events import TakeAdopted, TakeFailed, TakeProgressed, TakeSubmitted, TakeSucceeded
from kfpipe.lock.states import (
    Asked,
    Canceled,
    Doubts,
    Ended,
    Failed,
    Failure,
    Lost,
    Rendered,
    Result,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
    cost_of,
)
from kfpipe.lock.transitions import LINK_LIFE, failures
from kfpipe.plan.model import Action, Debt, Step
from kfpipe.provider import TaskReport
from kfpipe.provider.codes import verdict
from kfpipe.runner.adopter import Absent, Adopter, Ambiguous, Found, UnderWay
from kfpipe.runner.context import Left, RunContext
from kfpipe.runner.follower import Follower
from kfpipe.runner.pacing import backoff_s
from kfpipe.runner.retry import with_retries
from kfpipe.runner.submitter import AskedElsewhere, Submitter, minted

NO_END: Final = timedelta(days=3650)

TASK_LIFE: Final = timedelta(hours=24)
"""How long the service knows a task, at least. Source: API reference, section 1."""

UNANSWERED_SUBMISSIONS: Final = 5
"""How often a submission may go unanswered, and its task not be found, before the take is left for the next run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a request ended, on record under its key: with its clip at the service, or without one."""

    key: str
    entry: Succeeded | Ended

    @property
    def is_absent(self) -> bool:
        """Whether it is proven that the request never became a task."""
        return isinstance(self.entry, Failed) and self.entry.failure.code == NEVER_CREATED


class Lifecycle:
    """The requests of one model, one by one. `adopter` looks for tasks whose answer was lost."""

    def __init__(self, context: RunContext, submitter: Submitter, adopter: Adopter, follower: Follower) -> None:
        self._context = context
        self._submitter = submitter
        self._adopter = adopter
        self._follower = follower

    async def end_of(self, step: Step) -> Ending | Left:
        """Bring the step's request to its end, or a new one where that is what it asks for. All of it is on record."""
        record, take = step.record, step.ready
        if step.action is Action.RENDER or record is None:
            return Left() if take is None else await self._render(take)
        entry = self._context.ledger.lock.requests[record.key]
        reserved = _set_aside(record.key, step)
        match entry:
            case Submitting():
                end = await self._adopted(step.take_id, record.key, entry)
            case Submitted():
                end = await self._followed(step.take_id, record.key, entry)
            case Succeeded() | Failed() | Canceled() | Lost():
                end = Ending(key=record.key, entry=entry)
            case Unclear() | Rendered():
                return Left()
            case other:
                assert_never(other)
        self._account_for(step, end, reserved)
        if take is not None and isinstance(end, Ending) and end.is_absent:
            return await self._render(take)
        return end

    def _account_for(self, step: Step, end: Ending | Left, reserved: Decimal | None) -> None:
        """Replace what was set aside for a debt with what it came to."""
        budget = self._context.budget
        if isinstance(end, Ending) and isinstance(end.entry, Succeeded):
            result = end.entry.result
            budget.pay(reserved, result.cost if step.take is None else step.take.cap_cost_of(result.billed_seconds))
        elif not isinstance(end, Left):
            budget.release(reserved)

    # ---- what is under way -----------------------------------------------------------------------------------------

    async def _adopted(self, take_id: str, key: str, orphan: Submitting) -> Ending | Left:
        """The end of a request without an answer; it `is_absent` when it is proven that there is no task of it."""
        try:
            found = await self._found(key, orphan)
        except (ServiceRefused, ServiceUnclear) as trouble:
            return Left(reason=f"its task could not be looked up: {trouble}")
        if isinstance(found, UnderWay):
            return Left(is_under_way=True)
        if isinstance(found, Ambiguous):
            doubts = Doubts(candidates=frozenset(found.task_ids))
            await self._context.ledger.record(key, Unclear(asked=orphan.asked, doubts=doubts))
            return Left(reason=f"one of these tasks may be its own: {', '.join(found.task_ids)}")
        if not isinstance(found, Found):
            return await self._closed(key, orphan.asked)
        task = Task(task_id=found.task.task_id, request_id=found.task.request_id, submitted_at=found.task.created_at)
        self._context.emit(TakeAdopted(take_id=take_id, task_id=task.task_id))
        entry = Submitted(asked=orphan.asked, task=task)
        if found.report.video_url is None:
            await self._context.ledger.record(key, entry)
            return await self._followed(take_id, key, entry)
        return await self._succeeded(take_id, key, entry, found.report)

    async def _found(self, key: str, orphan: Submitting) -> Found | Absent | Ambiguous | UnderWay:
        """What became of a request without an answer. A task that another project has on record is not its own."""
        while True:
            self._adopter.expect(key, orphan)
            found = await self._adopter.find(key)
            if not isinstance(found, Found) or not await self._context.shares.is_anothers(found.task.task_id):
                return found

    async def _followed(self, take_id: str, key: str, entry: Submitted) -> Ending | Left:
        """How the task ended, on record."""
        context = self._context
        context.in_flight.add(key)
        try:
            report = await self._last_report(take_id, entry)
        except (ServiceRefused, ServiceUnclear) as trouble:
            return Left(reason=f"the service gives no status of its task: {trouble}")
        finally:
            context.in_flight.discard(key)
        if report is None:
            return Left(is_under_way=True)
        if report.status is TaskStatus.UNKNOWN and not _is_past(entry.task, report):
            return Left(
                reason=f"the service does not know task {entry.task.task_id} at the moment: that settles nothing"
            )
        if report.status is TaskStatus.SUCCEEDED:
            return await self._succeeded(take_id, key, entry, report)
        ended = _ended(entry, report, context.now())
        await context.ledger.record(key, ended)
        return Ending(key=key, entry=ended)

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

    async def _succeeded(self, take_id: str, key: str, entry: Submitted, report: TaskReport) -> Ending | Left:
        if report.video_url is None:
            return await self._billed_for_nothing(key, entry, report)
        context, asked = self._context, entry.asked
        result = result_by(report, asked, context.now())
        succeeded = Succeeded(asked=asked, task=entry.task, result=result)
        await context.ledger.record(key, succeeded, can_wait=True)
        context.outcome.book(result)
        context.emit(
            TakeSucceeded(
                take_id=take_id,
                asked_seconds=asked.parameters.duration_s,
                billed_seconds=result.billed_seconds,
                cost=result.cost,
                currency=asked.currency,
            )
        )
        return Ending(key=key, entry=succeeded)

    async def _billed_for_nothing(self, key: str, entry: Submitted, report: TaskReport) -> Left:
        """Put on record that a task was billed whose clip the service keeps; what was set aside for it stays so."""
        message = f"task {entry.task.task_id} succeeded and was billed, but the service gives no link to its clip"
        failure = Failure(code=NO_LINK, message=message, request_id=report.request_id, billed=True)
        failed = Failed(asked=entry.asked, task=entry.task, ended_at=self._context.now(), failure=failure)
        await self._context.ledger.record(key, failed)
        self._context.outcome.spent += cost_of(failed) or Decimal(0)
        return Left(reason=message)

    async def _closed(self, key: str, asked: Asked) -> Ending:
        """Put on record that nothing is owed for a request: it never became a task."""
        failure = Failure(code=NEVER_CREATED, message="the request never became a task", request_id=None, billed=False)
        failed = Failed(asked=asked, task=None, ended_at=self._context.now(), failure=failure)
        await self._context.ledger.record(key, failed)
        return Ending(key=key, entry=failed)

    # ---- a new task ------------------------------------------------------------------------------------------------

    async def _render(self, take: Take) -> Ending | Left:
        """Submit until there is a clip, a lasting failure, or no more money."""
        context = self._context
        while True:
            media_urls = await self._media_urls(take)
            if isinstance(media_urls, Left):
                return media_urls
            if not context.budget.reserve(take.cap_cost):
                context.outcome.over_budget = True
                return Left(reason="it would exceed the budget")
            try:
                end = await self._attempt(take, media_urls)
            except AskedElsewhere as place:
                context.budget.release(take.cap_cost)
                return Left(reason=f"its clip is under way elsewhere, and on record in {place}")
            if isinstance(end, Left):
                return end  # its task may be billed: what was set aside for it stays so
            if isinstance(end.entry, Succeeded):
                context.budget.pay(take.cap_cost, take.cap_cost_of(end.entry.result.billed_seconds))
                return end
            context.budget.release(take.cap_cost)
            failure, tried = end.entry.failure, self._failures(take)
            may_pass = end.entry.task is not None and verdict(failure.code, failure.message).may_pass
            if not may_pass or tried >= take.attempts:
                return end
            context.emit(failed_event(take.id, failure, retried=True))
            await anyio.sleep(backoff_s(tried, None, context.random.random()))

    def _failures(self, take: Take) -> int:
        alike = self._context.ledger.requests.alike(take.fingerprint)
        return failures((entry for _, entry in alike), take.fingerprint)

    async def _attempt(self, take: Take, media_urls: Mapping[MediaRole, str]) -> Ending | Left:
        """How the take's next task ended."""
        for _ in range(UNANSWERED_SUBMISSIONS):
            key = minted(take)
            try:
                entry = await self._submitter.submit(key, take, media_urls)
            except ServiceUnclear:
                end = await self._after_silence(take, key)
                if isinstance(end, Ending) and end.is_absent:
                    continue
                return end
            if isinstance(entry, Failed):
                return Ending(key=key, entry=entry)
            self._context.emit(TakeSubmitted(take_id=take.id, task_id=entry.task.task_id))
            if self._context.settings.is_detached:
                return Left(is_under_way=True)
            return await self._followed(take.id, key, entry)
        return Left(reason="the service does not answer submissions")

    async def _after_silence(self, take: Take, key: str) -> Ending | Left:
        """What became of a request without an answer."""
        orphan = self._context.ledger.lock.requests.get(key)
        if not isinstance(orphan, Submitting):
            return Left(reason="it is not known what became of its request")
        return await self._adopted(take.id, key, orphan)

    async def _media_urls(self, take: Take) -> Mapping[MediaRole, str] | Left:
        provider = self._context.provider
        try:
            return await with_retries(lambda: provider.media_urls(take.request), self._context.random)
        except Refused as refusal:
            return Left(reason="; ".join(problem.what for problem in refusal.problems))
        except (ServiceRefused, ServiceUnclear) as trouble:
            return Left(reason=f"its stills could not be uploaded: {trouble}")


def result_by(report: TaskReport, asked: Asked, now: datetime) -> Result:
    """What a task has come to that succeeded; it is billed by the seconds that the service names."""
    if report.video_url is None:
        raise AssertionError("a clip without a link is nothing to put on record")
    billed_seconds = Decimal(asked.parameters.duration_s) if report.billed_seconds is None else report.billed_seconds
    return Result(
        finished_at=now,
        video_url=report.video_url,
        url_expires_at=report.url_expires_at or now + _link_life(asked.model),
        actual_prompt=report.actual_prompt,
        billed_seconds=billed_seconds,
        cost=None if asked.unit_price is None else asked.unit_price * billed_seconds,
    )


def _link_life(name: str) -> timedelta:
    """How long a link of this model is good, where it does not say so; for years where the pages name no end."""
    model = catalogue.shipped().model(name)
    if model is None:
        return LINK_LIFE
    return NO_END if model.links.life_h is None else timedelta(hours=model.links.life_h)


def _is_past(task: Task, report: TaskReport) -> bool:
    """Whether the service need not know the task any more, by its own clock; this machine's may be days off."""
    return report.answered_at is not None and report.answered_at - task.submitted_at >= TASK_LIFE


def _set_aside(key: str, step: Step) -> Decimal | None:
    """What was set aside from the start of the run for a request that an earlier one has made."""
    if step.action is Action.ADOPT and step.take is not None:
        return step.cap_cost
    return Debt(key=key, step=step).may_cost


def failed_event(take_id: str, failure: Failure, *, retried: bool) -> TakeFailed:
    """What is reported of a failure."""
    return TakeFailed(
        take_id=take_id,
        code=failure.code,
        message=failure.message,
        request_id=failure.request_id,
        retried=retried,
    )


def _ended(entry: Submitted, report: TaskReport, now: datetime) -> Failed | Canceled | Lost:
    """The request by the report of a task that has ended without a clip."""
    kind: type[Failed | Canceled | Lost] = Failed
    billed: bool | None = False
    match report.status:
        case TaskStatus.CANCELED:
            kind, code, message = Canceled, CANCELED, "the task was cancelled while it waited"
        case TaskStatus.UNKNOWN:
            kind, code, message, billed = Lost, TASK_LOST, "the service no longer knows the task", None
        case TaskStatus.FAILED:
            code, message = report.code or NO_REASON, report.message or "the service gave no reason"
        case TaskStatus.SUCCEEDED | TaskStatus.PENDING | TaskStatus.RUNNING | TaskStatus.SUSPENDED as status:
            raise AssertionError(f"a task that is {status} has not failed")
        case other:
            assert_never(other)
    failure = Failure(code=code, message=message, request_id=report.request_id, billed=billed)
    return kind(asked=entry.asked, task=entry.task, ended_at=now, failure=failure)
