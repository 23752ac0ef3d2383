"""A run that hands its plan over: each take becomes a job of the cluster, and comes back when it has ended."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio

from kfpipe.cluster import jobs, queues, requests, wishes
from kfpipe.cluster.clips import HomeFromStore
from kfpipe.cluster.database import Postgres
from kfpipe.cluster.jobs import Job, Payer
from kfpipe.cluster.stills import IntoStore
from kfpipe.cluster.store import Store
from kfpipe.domain import Take
from kfpipe.errors import AccountRefused
from kfpipe.events import TakeSubmitted, TakeSucceeded
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Ended, Entry, Rendered, Submitted, Succeeded, Unclear
from kfpipe.plan.model import Action, Step
from kfpipe.provider import Provider
from kfpipe.runner.adopter import Adopter
from kfpipe.runner.context import Left, RunContext
from kfpipe.runner.follower import Follower
from kfpipe.runner.lifecycle import Ending, Lifecycle
from kfpipe.runner.settings import RunLimits, RunSettings
from kfpipe.runner.submitter import Submitter, asked_for

if TYPE_CHECKING:
    from dbos import DBOSClient

POLL_S: Final = 0.25
OVERLAP_S: Final = 5.0
"""How far back each look goes: a transaction may show what it wrote a while after it took the time."""

UNLIMITED: Final = 1_000_000


@dataclass(slots=True, kw_only=True)
class Box:
    """What has become known of a job so far."""

    job: str
    round: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)
    outcome: Mapping[str, Any] | None = None
    is_own: bool = False
    changed: anyio.Event = field(default_factory=anyio.Event)


class HandOver:
    """One project's way to the cluster, while a run is at work. `provider` and `settings` are for its runner."""

    def __init__(
        self,
        database: Postgres,
        store: Store | None,
        client: DBOSClient,
        payer: Payer,
        ledger: Ledger,
        provider: Provider,
        settings: RunSettings,
        tell: Callable[[str], None],
        project: str,
    ) -> None:
        """`project` is what the cluster knows the project by, `tell` gets a sentence now and then."""
        self._project = project
        self._back: list[str] = []
        self.payer = payer
        self.limits = settings.limits
        self._database = database
        self._client = client
        self._ledger = ledger
        self._run = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self._boxes: dict[str, Box] = {}
        self._since_s = 0.0
        self._home: dict[str, Entry] = {}
        self._tasks: dict[str, str] = {}
        self.settings = replace(settings, limits=_unlimited(settings.limits))
        self.provider = provider
        if store is not None:
            from_store = HomeFromStore(provider, store, database, payer.id, tell)
            self._tasks = from_store.tasks
            self.provider = IntoStore(from_store, store, settings.folder)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Be told what becomes of jobs while the block runs."""
        self._since_s = await self._database.do(
            partial(wishes.entered, run=self._run, host=socket.gethostname(), payer=self.payer, limits=self.limits)
        )
        heard, self._ledger.heard = self._ledger.heard, self._hear
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._keep_looking)
                yield
                group.cancel_scope.cancel()
        finally:
            self._ledger.heard = heard

    async def settle(self) -> bool:
        """Put on record what else of the project was in the cluster; whether nothing of it is there any more."""
        await self._bring_home()
        rest = await self._database.do(partial(wishes.rest, project=self._project))
        for job, (is_over, entries) in rest.items():
            for key, entry in entries.items():
                await self._ledger.record(key, wishes.not_here(entry))
            if is_over:
                self._back.append(job)
        await self._bring_home()
        return all(is_over for is_over, _ in rest.values())

    def is_back(self, job: str) -> None:
        """What became of a job is on record here."""
        self._back.append(job)

    def _hear(self, key: str, entry: Entry) -> None:
        if isinstance(entry, Succeeded | Rendered):
            self._tasks[entry.result.video_url] = entry.task.task_id
        if isinstance(entry, Rendered):
            self._home[key] = entry

    async def over(self, job: Job, known: Mapping[str, Entry], priority: int) -> Box:
        """Have the job carried out, or join those that want it already; `known` is what is on record here."""
        entered = await self._database.outlast(partial(self._enqueued, job, known, priority))
        box = self._boxes.setdefault(entered.job, Box(job=entered.job))
        box.round, box.outcome, box.is_own = entered.round, entered.outcome, entered.is_own
        box.entries |= entered.entries
        return box

    def _enqueued(self, job: Job, known: Mapping[str, Entry], priority: int) -> wishes.Entered:
        hand = partial(
            wishes.handed_over, payer=self.payer.id, run=self._run, project=self._project, job=job, known=known
        )
        entered = self._database.do_now(hand)
        if entered.outcome is None:
            queues.enqueue(self._client, self.payer, entered.job, entered.round, priority)
        return entered

    async def _keep_looking(self) -> None:
        while True:
            await anyio.sleep(POLL_S)
            await self._bring_home()
            look = partial(wishes.news, account=self.payer.id, since_s=self._since_s - OVERLAP_S)
            self._since_s, over, entries = await self._database.do(look)
            for job, key, entry in entries:
                if job in self._boxes and self._boxes[job].entries.get(key) != entry:
                    self._boxes[job].entries[key] = entry
                    self._open(self._boxes[job])
            for job, number, outcome in over:
                if job in self._boxes and self._boxes[job].outcome is None and self._boxes[job].round == number:
                    self._boxes[job].outcome = outcome
                    self._open(self._boxes[job])

    @staticmethod
    def _open(box: Box) -> None:
        box.changed.set()
        box.changed = anyio.Event()

    async def _bring_home(self) -> None:
        """Have on record there which clips are here, and what need not be kept for this project any longer."""
        if self._home:
            home, self._home = self._home, {}
            await self._database.do(partial(requests.put, account=self.payer.id, known=home))
        if self._back:
            back, self._back = self._back, []
            await self._database.do(partial(wishes.forget_wish, project=self._project, back=back))


class HandedOver(Lifecycle):
    """The life of a request in a run that hands over: what the cluster has on record is put on record here."""

    def __init__(
        self, hands: HandOver, context: RunContext, submitter: Submitter, adopter: Adopter, follower: Follower
    ) -> None:
        super().__init__(context, submitter, adopter, follower)
        self._hands = hands

    async def end_of(self, step: Step) -> Ending | Left:
        """As the runner's own. Interrupted, it leaves the job where it is."""
        reserved = None
        take = step.ready
        if take is not None and step.action is Action.RENDER:
            if not self._context.budget.reserve(take.cap_cost):
                self._context.outcome.over_budget = True
                return Left(reason="it would exceed the budget")
            reserved = take.cap_cost
        job = await self._job(step, take)
        if isinstance(job, Left):
            self._context.budget.release(reserved)
            return job
        known = dict(self._context.ledger.requests.alike(job.asked.fingerprint))
        if job.key is not None and step.record is not None:
            known[job.key] = self._context.ledger.lock.requests[job.key]
        box = await self._hands.over(job, known, 0 if take is None else take.priority)
        end = await self._ended(step, box)
        self._settle(end, take, reserved)
        if box.outcome is not None:
            self._hands.is_back(box.job)
        return end

    async def _ended(self, step: Step, box: Box) -> Ending | Left:
        told: dict[str, Entry] = {}
        while True:
            changed, outcome = box.changed, box.outcome
            for key, entry in [*box.entries.items()]:
                if told.get(key) != entry:
                    await self._put_on_record(step, key, entry, told.get(key), is_own=box.is_own)
                    told[key] = entry
            if outcome is not None:
                return self._verdict(outcome)
            if self._context.settings.is_detached:
                return Left(is_under_way=True)
            await changed.wait()

    async def _put_on_record(self, step: Step, key: str, entry: Entry, before: Entry | None, *, is_own: bool) -> None:
        context = self._context
        entry = wishes.not_here(entry)
        await context.ledger.record(key, entry)
        if isinstance(entry, Submitted) and not isinstance(before, Submitted):
            context.in_flight.add(key)
            context.emit(TakeSubmitted(take_id=step.take_id, task_id=entry.task.task_id))
        elif not isinstance(entry, Submitted):
            context.in_flight.discard(key)
        if isinstance(entry, Succeeded) and not isinstance(before, Succeeded | Rendered):
            if is_own:
                context.outcome.book(entry.result)
            context.emit(
                TakeSucceeded(
                    take_id=step.take_id,
                    asked_seconds=entry.asked.parameters.duration_s,
                    billed_seconds=entry.result.billed_seconds,
                    cost=entry.result.cost,
                    currency=entry.asked.currency,
                )
            )

    def _verdict(self, outcome: Mapping[str, Any]) -> Ending | Left:
        key, reason = outcome["key"], outcome["reason"]
        if outcome["account_code"] is not None:
            raise AccountRefused(outcome["account_code"], reason)
        if key is None:
            return Left(reason=reason)
        entry = self._context.ledger.lock.requests.get(key)
        if isinstance(entry, Rendered):
            entry = Succeeded(asked=entry.asked, task=entry.task, result=entry.result)
        if isinstance(entry, Succeeded | Ended):
            return Ending(key=key, entry=entry)
        if isinstance(entry, Unclear):
            return Left(reason=f"one of these tasks may be its own: {', '.join(sorted(entry.doubts.candidates))}")
        return Left(reason="it is not known what became of its request")

    def _settle(self, end: Ending | Left, take: Take | None, reserved: Decimal | None) -> None:
        if take is not None and isinstance(end, Ending) and isinstance(end.entry, Succeeded):
            self._context.budget.pay(reserved, take.cap_cost_of(end.entry.result.billed_seconds))
        elif isinstance(end, Ending):
            self._context.budget.release(reserved)

    async def _job(self, step: Step, take: Take | None) -> Job | Left:
        """The step as a job; its stills are where a worker can have them."""
        payer, settings = self._hands.payer, self._context.settings
        ready = None
        if take is not None:
            urls = await self._media_urls(take)
            if isinstance(urls, Left):
                return urls
            ready = jobs.with_media(take, urls)
        if step.action is Action.RENDER or step.record is None:
            assert take is not None and ready is not None
            alike = [entry for _, entry in self._context.ledger.requests.alike(take.fingerprint)]
            made = sum(isinstance(entry, Succeeded | Rendered | Unclear) for entry in alike)
            name = jobs.job_id(payer.id, take, made=made, project=str(settings.folder))
            asked = asked_for(
                take, take.request, settings.region, settings.account, self._context.now(), settings.approval
            )
            return Job(id=name, take_id=take.id, asked=asked, take=ready)
        key = step.record.key
        name = jobs.job_of_request(payer.id, key)
        return Job(id=name, take_id=step.take_id, asked=step.record.entry.asked, take=ready, key=key)


def _unlimited(limits: RunLimits) -> RunLimits:
    """The cluster keeps the limits: all takes are handed over at once."""
    return replace(limits, shared_submissions_per_second=UNLIMITED, shared_concurrent_tasks=UNLIMITED)
