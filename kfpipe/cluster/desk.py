"""An account's desk in a worker: all that the runner has for one run, driven job by job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final, cast

import anyio

from kfpipe.cluster import requests
from kfpipe.cluster.database import Postgres
from kfpipe.cluster.grants import TOKEN_LIFE_S, database_time_s
from kfpipe.cluster.jobs import Job, Payer
from kfpipe.cluster.ledger import Bearer, DeskLedger, JobGate, JobLedger, QueryGate, Wire
from kfpipe.domain import Take
from kfpipe.errors import AccountRefused, Refused, ServiceUnreachable, StorageFailed
from kfpipe.events import Event
from kfpipe.lock.records import Record
from kfpipe.lock.states import Asked, Ended, Entry, Failed, Rendered, Submitting, Succeeded, Unclear, is_never_made
from kfpipe.lock.transitions import failures
from kfpipe.plan.model import Action, Step
from kfpipe.provider import Provider
from kfpipe.provider.codes import verdict
from kfpipe.runner.adopter import Adopter
from kfpipe.runner.breaker import Breaker
from kfpipe.runner.budget import Budget
from kfpipe.runner.context import Left, RunContext
from kfpipe.runner.follower import Follower
from kfpipe.runner.lifecycle import Lifecycle
from kfpipe.runner.queries import Paced
from kfpipe.runner.settings import RunLimits, RunSettings
from kfpipe.runner.shares import Shares
from kfpipe.runner.slots import Slots
from kfpipe.runner.snapshot import Snapshot
from kfpipe.runner.submitter import Submitter

if TYPE_CHECKING:
    from psycopg import Connection

AGAIN_S: Final = 0.5
"""How soon to look again at a job that another process has in hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """How the work on a job ended. `key` is its request with what came of it, None where there is none.

    `reason` says why there is no clip; `account_code` stands beside it when the service refuses the whole account.
    """

    key: str | None = None
    reason: str | None = None
    account_code: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"key": self.key, "reason": self.reason, "account_code": self.account_code}


class SharedByAll(Shares):
    """What a worker shares with others is in the database: its pace, its places, and whose a task is."""

    def __init__(self, desk: DeskLedger, emit: Callable[[Event], None]) -> None:
        super().__init__(None, desk, emit, now_s=lambda: 0.0)
        self._desk = desk

    async def rival_of(self, key: str, asked: Asked) -> str | None:
        """The database decides when the request is put on record."""
        return None

    async def is_anothers(self, task_id: str) -> bool:
        """Whether another request has the task on record."""
        owner = await self._desk.database.do(partial(_owner, account=self._desk.payer, task_id=task_id))
        return owner is not None and not isinstance(self._desk.requests.view.get(owner), Submitting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a worker gives each of its desks. `home` is a folder for files on their way."""

    database: Postgres
    executor: str
    home: Path
    list_patience_s: float
    emit: Callable[[Event], None]
    random: Random


@dataclass(slots=True, kw_only=True)
class _Model:
    """What the requests of one model share."""

    wire: Wire
    adopter: Adopter
    snapshot: Snapshot


@dataclass(slots=True, kw_only=True)
class AccountDesk:
    """Works while `run` runs. `clock_ahead` is how far this machine's clock is ahead of the database's."""

    payer: Payer
    provider: Provider
    catalogue: RunLimits
    equipment: Equipment
    clock_ahead: timedelta
    _models: dict[str, _Model] = field(default_factory=dict)
    _in_hand: dict[str, anyio.Event] = field(default_factory=dict)
    _ledger: DeskLedger = field(init=False)
    _context: RunContext = field(init=False)
    _follower: Follower = field(init=False)

    def __post_init__(self) -> None:
        tools = self.equipment
        self._ledger = DeskLedger(tools.database, self.payer.id, self._now)
        gate = QueryGate(tools.database, self.payer.id, tools.executor, self.catalogue.queries_per_second)
        self._context = RunContext(
            provider=Breaker(Paced(self.provider, gate), tools.random, tools.emit),
            ledger=self._ledger,
            settings=self._settings(),
            emit=tools.emit,
            budget=Budget(cap=None),
            known=set(),
            shares=SharedByAll(self._ledger, tools.emit),
        )
        self._follower = Follower(self._context)

    async def run(self) -> None:
        """Follow the tasks of all jobs, until cancelled."""
        await self._follower.run()

    @property
    def has_open_requests(self) -> bool:
        """Whether a request that this worker has made is under way."""
        return bool(self._context.in_flight)

    async def silenced(self) -> None:
        """Let no more requests be sent; return when those that are on the wire have their answers."""
        await self._ledger.turn.acquire()
        for model in self._models.values():
            await model.wire.all_answered()

    # ---- jobs --------------------------------------------------------------------------------------------------------

    async def conclude(self, job: Job) -> Concluded:
        """Bring the job's request to its end, or make one, as the record says. All of it is in the database."""
        while (other := self._in_hand.get(job.id)) is not None:
            await other.wait()
        self._in_hand[job.id] = anyio.Event()
        try:
            while True:
                end = await self._attempted(job)
                if end is not None:
                    return end
                await anyio.sleep(AGAIN_S)
        except AccountRefused as refusal:
            return Concluded(reason=refusal.message, account_code=refusal.code)
        except (ServiceUnreachable, StorageFailed, Refused) as trouble:
            return Concluded(reason=str(trouble))
        finally:
            self._in_hand.pop(job.id).set()

    async def _attempted(self, job: Job) -> Concluded | None:
        """How the job ended; None to look at the record again."""
        database, payer = self.equipment.database, self.payer.id
        look = partial(requests.of_job, account=payer, job=job.id, fingerprint=job.asked.fingerprint)
        known, own = await database.do(look)
        self._ledger.take_in(known)
        key = _newest(known, [*own, *([job.key] if job.key in known else [])])
        entry = None if key is None else known[key]
        if key is not None and (isinstance(entry, Succeeded | Rendered | Unclear) or _is_over(job, key, known)):
            return Concluded(key=key)
        if key is not None and isinstance(entry, Submitting) and not await self._is_forsaken(key):
            return None
        wire = self._model(job.asked.model).wire
        ledger = JobLedger(self._ledger, job.id, self.equipment.executor, self.catalogue, wire)
        end = await self._lifecycle(job, ledger).end_of(_step(job, key, entry))
        if ledger.is_superseded:
            return None
        if isinstance(end, Left):
            return Concluded(reason=end.reason or "its task is under way")
        is_won_over = end.key in self._ledger.requests.view and not isinstance(
            self._ledger.requests.view[end.key], Ended | Succeeded | Rendered
        )
        return None if is_won_over else Concluded(key=end.key)

    async def _is_forsaken(self, key: str) -> bool:
        """Take a request without an answer over; whether nobody can send it any more."""
        take_over = partial(
            requests.taken_over,
            account=self.payer.id,
            key=key,
            executor=self.equipment.executor,
            life_s=TOKEN_LIFE_S,
        )
        left_s = await self.equipment.database.do(take_over)
        await anyio.sleep(left_s)
        return left_s == 0

    def _lifecycle(self, job: Job, ledger: JobLedger) -> Lifecycle:
        """The runner's own, with what is of this job alone."""
        model = self._model(job.asked.model)
        account = job.asked.account or self.payer.account
        settings = replace(self._context.settings, approval=job.asked.approval, account=account)
        context = replace(
            self._context,
            provider=cast(Provider, Bearer(cast(Breaker, self._context.provider), ledger)),
            ledger=ledger,
            settings=settings,
        )
        submitter = Submitter(context, JobGate(ledger), Slots(1), model.wire, model.snapshot)
        return Lifecycle(context, submitter, model.adopter, self._follower)

    def _model(self, name: str) -> _Model:
        if name not in self._models:
            wire = Wire()
            self._models[name] = _Model(
                wire=wire,
                adopter=Adopter(self._context, self._follower, wire, name),
                snapshot=Snapshot(self._context, wire, name),
            )
        return self._models[name]

    # ---- what the runner asks for ------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        """The database's time of day, in milliseconds."""
        now = datetime.now(UTC) - self.clock_ahead
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _settings(self) -> RunSettings:
        tools, account = self.equipment, self.payer.account
        return RunSettings(
            folder=tools.home,
            root=tools.home,
            state_dir=tools.home,
            output_dir=".",
            belonging=lambda _: frozenset(),
            region=self.payer.region,
            account=account,
            is_ours=lambda asked: asked.account is None or account.is_like(asked.account),
            limits=self.catalogue,
            cap=None,
            is_detached=False,
            list_patience_s=tools.list_patience_s,
            neighbours=lambda: tools.database.do_now(partial(requests.tasks_on_record, account=self.payer.id)),
            continued=_not_here,
            find=lambda _render, _origin: None,
            now=self._now,
            random=tools.random,
        )


async def clock_ahead(database: Postgres) -> timedelta:
    """How far this machine's clock is ahead of the database's."""
    theirs_s = await database.do(database_time_s)
    return timedelta(seconds=datetime.now(UTC).timestamp() - theirs_s)


def _owner(link: Connection[Any], *, account: str, task_id: str) -> str | None:
    sql = "SELECT key FROM kfpipe.request WHERE account = %s AND task = %s"
    row = link.execute(sql, [account, task_id]).fetchone()
    return None if row is None else str(row[0])


def _newest(known: dict[str, Entry], own: list[str]) -> str | None:
    """The request that a job stands by: one that has not ended without a clip, else the newest."""
    return max(own, key=lambda key: (not isinstance(known[key], Ended), known[key].asked.asked_at, key), default=None)


def _is_over(job: Job, key: str, known: dict[str, Entry]) -> bool:
    """Whether the job's request has ended since it was handed over, and is not to be made again."""
    entry = known[key]
    if not isinstance(entry, Ended) or key in job.past or is_never_made(entry):
        return False
    may_pass = isinstance(entry, Failed) and entry.task is not None and not entry.failure.billed
    if job.take is None or not may_pass or not verdict(entry.failure.code, entry.failure.message).may_pass:
        return True
    return failures(known.values(), job.take.fingerprint) >= job.take.attempts


def _step(job: Job, key: str | None, entry: Entry | None) -> Step:
    """The job as a step of a plan."""
    record = None if key is None or entry is None or isinstance(entry, Ended) else Record(key=key, entry=entry)
    action = Action.RENDER if record is None else Action.FOLLOW
    if record is not None and isinstance(record.entry, Submitting):
        action = Action.ADOPT
    return Step(
        take_id=job.take_id,
        shot_id=_shot(job.take),
        action=action,
        reasons=(),
        take=job.take,
        record=record,
        output="" if job.take is None else job.take.output,
    )


def _shot(take: Take | None) -> str:
    return "" if take is None else take.shot_id


def _not_here(waiting: Step) -> Step:
    raise AssertionError(f"{waiting.take_id} was handed over before its pictures were there")
