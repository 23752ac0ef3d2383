"""A run that hands its plan over: each take becomes a job of the cluster, and comes back when it has ended."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio

from kfpipe.cluster import jobs, queues, requests
from kfpipe.cluster.clips import HomeFromStore
from kfpipe.cluster.database import Postgres
from kfpipe.cluster.grants import database_time_s
from kfpipe.cluster.jobs import Job, Payer
from kfpipe.cluster.limits import asked_of
from kfpipe.cluster.stills import IntoStore
from kfpipe.cluster.store import Store
from kfpipe.domain import Take
from kfpipe.errors import AccountRefused
from kfpipe.events import TakeSubmitted, TakeSucceeded
from kfpipe.lock.codec import entry_from_json
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
    from psycopg import Connection

POLL_S: Final = 0.25
OVERLAP_S: Final = 5.0
"""How far back each look goes: a transaction may show what it wrote a while after it took the time."""

UNLIMITED: Final = 1_000_000


@dataclass(slots=True, kw_only=True)
class Box:
    """What has become known of a job so far."""

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
    ) -> None:
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
            from_store = HomeFromStore(provider, store, database, payer.id)
            self._tasks = from_store.tasks
            self.provider = IntoStore(from_store, store, settings.folder)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Be told what becomes of jobs while the block runs."""
        self._since_s = await self._database.do(partial(_entered, run=self._run, payer=self.payer, limits=self.limits))
        heard, self._ledger.heard = self._ledger.heard, self._hear
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._keep_looking)
                yield
                group.cancel_scope.cancel()
        finally:
            self._ledger.heard = heard
        await self._bring_home()

    @property
    def is_all_over(self) -> bool:
        """Whether nothing that was handed over is open any more."""
        return all(box.outcome is not None for box in self._boxes.values())

    def _hear(self, key: str, entry: Entry) -> None:
        if isinstance(entry, Succeeded | Rendered):
            self._tasks[entry.result.video_url] = entry.task.task_id
        if isinstance(entry, Rendered):
            self._home[key] = entry

    async def over(self, job: Job, known: Mapping[str, Entry], priority: int) -> Box:
        """Have the job carried out, or join those that want it already; `known` is what is on record here."""
        entered = await self._database.outlast(partial(self._enqueued, job, known, priority))
        box = self._boxes.setdefault(entered.job, Box())
        box.round, box.outcome, box.is_own = entered.round, entered.outcome, entered.is_own
        box.entries |= entered.entries
        return box

    def _enqueued(self, job: Job, known: Mapping[str, Entry], priority: int) -> Entered:
        hand = partial(_handed_over, payer=self.payer.id, run=self._run, job=job, known=known)
        entered = self._database.do_now(hand)
        if entered.outcome is None:
            queues.enqueue(self._client, self.payer, entered.job, entered.round, priority)
        return entered

    async def _keep_looking(self) -> None:
        while True:
            await anyio.sleep(POLL_S)
            await self._bring_home()
            look = partial(_news, account=self.payer.id, since_s=self._since_s - OVERLAP_S)
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
        """Have on record there which clips are here."""
        if self._home:
            home, self._home = self._home, {}
            await self._database.do(partial(requests.put, account=self.payer.id, known=home))


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
            await changed.wait()

    async def _put_on_record(self, step: Step, key: str, entry: Entry, before: Entry | None, *, is_own: bool) -> None:
        context = self._context
        if isinstance(entry, Rendered):  # elsewhere; here it is still at the service, or in the store
            entry = Succeeded(asked=entry.asked, doubts=entry.doubts, task=entry.task, result=entry.result)
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


# ---- one transaction each ------------------------------------------------------------------------------------------


def _entered(link: Connection[Any], *, run: str, payer: Payer, limits: RunLimits) -> float:
    link.execute(
        "INSERT INTO kfpipe.account (account, facts) VALUES (%s, %s) "
        "ON CONFLICT (account) DO UPDATE SET facts = excluded.facts",
        [payer.id, json.dumps(payer.to_json())],
    )
    link.execute(
        "INSERT INTO kfpipe.run (run, account, host, limits) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [run, payer.id, socket.gethostname(), json.dumps(asked_of(limits))],
    )
    return database_time_s(link)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """How a job stands when it was handed over. `outcome` is None while it is open; `is_own`: this run opened it."""

    job: str
    round: int
    outcome: Mapping[str, Any] | None
    entries: Mapping[str, Entry]
    is_own: bool


def _handed_over(link: Connection[Any], *, payer: str, run: str, job: Job, known: Mapping[str, Entry]) -> Entered:
    if known:
        requests.put(link, payer, known)
    name = job.id if job.key is None else _claimed(link, payer, job.id, job.key)
    entries = requests.made_for(link, name)
    ended = [key for key, entry in entries.items() if isinstance(entry, Ended)]
    content = json.dumps(replace(job, past=tuple(ended)).to_json())
    new = link.execute(
        "INSERT INTO kfpipe.job (job, account, run, content, round) VALUES (%s, %s, %s, %s, 0) "
        "ON CONFLICT DO NOTHING RETURNING round",
        [name, payer, run, content],
    ).fetchone()
    if new is not None:
        return Entered(job=name, round=0, outcome=None, entries=entries, is_own=True)
    row = link.execute("SELECT round, is_over, run FROM kfpipe.job WHERE job = %s FOR UPDATE", [name]).fetchone()
    assert row is not None
    number, is_over, owner = row
    settled = _settled(entries, job.key) if is_over else None
    if settled is None and is_over:
        number += 1
        link.execute(
            "UPDATE kfpipe.job SET round = %s, is_over = false, outcome = NULL, content = %s, run = %s, "
            "noted_at = clock_timestamp() WHERE job = %s",
            [number, content, run, name],
        )
        return Entered(job=name, round=number, outcome=None, entries=entries, is_own=True)
    outcome = None if settled is None else {"key": settled, "reason": None, "account_code": None}
    return Entered(job=name, round=number, outcome=outcome, entries=entries, is_own=owner == run)


def _claimed(link: Connection[Any], payer: str, job: str, key: str) -> str:
    """The job that has this request in hand: the given one, unless there is one already."""
    link.execute(
        "UPDATE kfpipe.request SET job = %s WHERE account = %s AND key = %s AND job IS NULL", [job, payer, key]
    )
    row = link.execute("SELECT job FROM kfpipe.request WHERE account = %s AND key = %s", [payer, key]).fetchone()
    return str(row[0]) if row is not None else job


def _settled(entries: Mapping[str, Entry], key: str | None) -> str | None:
    """The request by which a job that is over stays so: the one with the clip, or the one that was to be settled."""
    clips = [one for one, entry in entries.items() if isinstance(entry, Succeeded | Rendered)]
    if clips:
        return max(clips, key=lambda one: entries[one].asked.asked_at)
    return key if key is not None and isinstance(entries.get(key), Ended) else None


def _news(
    link: Connection[Any], *, account: str, since_s: float
) -> tuple[float, list[tuple[str, int, Any]], list[tuple[str, str, Entry]]]:
    """The time, the jobs that have ended, and the requests that have changed since then."""
    now_s = database_time_s(link)
    over = link.execute(
        "SELECT job, round, outcome FROM kfpipe.job WHERE account = %s AND is_over AND noted_at > to_timestamp(%s)",
        [account, since_s],
    ).fetchall()
    rows = link.execute(
        "SELECT job, key, entry FROM kfpipe.request "
        "WHERE account = %s AND job IS NOT NULL AND noted_at > to_timestamp(%s)",
        [account, since_s],
    ).fetchall()
    return now_s, over, [(job, key, entry_from_json(entry)) for job, key, entry in rows]


def _unlimited(limits: RunLimits) -> RunLimits:
    """The cluster keeps the limits: all takes are handed over at once."""
    return replace(limits, shared_submissions_per_second=UNLIMITED, shared_concurrent_tasks=UNLIMITED)
