"""A worker's ledger: what it puts on record is joined in the database before the act that it announces."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio

from kfpipe.cluster import grants, requests
from kfpipe.cluster.database import Postgres
from kfpipe.cluster.grants import SUBMISSIONS, TOKEN_LIFE_S, Ask, Later, Permit, Superseded
from kfpipe.domain import MediaRole, RenderRequest
from kfpipe.errors import ServiceRefused
from kfpipe.lock.join import Requests
from kfpipe.lock.states import Entry, Lock, Submitting, is_unsettled
from kfpipe.provider import Accepted
from kfpipe.provider.codes import NOT_CONNECTED, verdict
from kfpipe.provider.last_check import last_check
from kfpipe.runner.breaker import Breaker
from kfpipe.runner.gate import Gate
from kfpipe.runner.interlock import Interlock
from kfpipe.runner.settings import RunLimits
from kfpipe.runner.submitter import AskedElsewhere

if TYPE_CHECKING:
    from psycopg import Connection

KEPT: Final = 2000
"""How many requests a worker remembers beside those under way."""


class DeskLedger:
    """What one worker knows of an account's requests; each was read from the database, or is on record there."""

    def __init__(self, database: Postgres, payer: str, now: Callable[[], datetime]) -> None:
        self.database = database
        self.payer = payer
        self.requests = Requests()
        self.seen: dict[str, datetime] = {}
        self.turn = anyio.Lock()
        self._now = now

    @property
    def lock(self) -> Lock:
        """The same as a lockfile would hold it."""
        return Lock(requests=self.requests.view)

    async def record(self, key: str, entry: Entry, *, can_wait: bool = False) -> None:
        """Return when what is now known of the request is in the database."""
        with anyio.CancelScope(shield=True):
            known = await self.database.do(partial(requests.put, account=self.payer, known={key: entry}))
        self.take_in(known)

    async def note_seen(self, task_ids: Iterable[str]) -> None:
        """Put on record that the account's list shows these tasks, which are nobody's here."""
        at = max([self._now(), *(entry.asked.asked_at for entry in self.requests.view.values())])
        tasks = [*task_ids]
        self.seen = await self.database.do(partial(requests.note_seen, account=self.payer, tasks=tasks, at=at))

    def take_in(self, known: Mapping[str, Entry]) -> None:
        """What the database has on record."""
        self.requests.take_in(known.items())
        if len(self.requests.view) > 2 * KEPT:
            kept = [one for one in self.requests.view.items() if is_unsettled(one[1])]
            self.requests = Requests(dict([*self.requests.view.items()][-KEPT:]) | dict(kept))


class Wire(Interlock):
    """What one worker has on the wire, of one model, from the right to send a request to the record of its answer.

    Who may send when is the database's to say, twins included: a job that waits for its turn is not on the wire.
    """

    @asynccontextmanager
    async def posting(self, prompt: str) -> AsyncIterator[None]:
        yield

    def begin(self) -> int:
        """A request may be sent now; its number."""
        number = next(self._numbers)
        self._on_the_wire[number] = anyio.Event()
        return number

    def end(self, number: int) -> None:
        """Its answer is on record, or there was none."""
        self._on_the_wire.pop(number).set()


class JobLedger:
    """The same for the work on one job: its requests are granted as they are put on record.

    A request that is `submitting` returns from `record` when it may be sent, and has a token, which `Bearer` uses up.
    """

    def __init__(self, desk: DeskLedger, job: str, executor: str, catalogue: RunLimits, wire: Wire) -> None:
        self._wire = wire
        self._number: int | None = None
        self._desk = desk
        self._job = job
        self._executor = executor
        self._catalogue = catalogue
        self._ask: Ask | None = None
        self._token: str | None = None
        self._minted_s = (0.0, 0.0)
        self._looked_s = 0.0
        self._answered_s: float | None = None
        self.refusal: ServiceRefused | None = None
        self.is_superseded = False

    @property
    def requests(self) -> Requests:
        return self._desk.requests

    @property
    def seen(self) -> dict[str, datetime]:
        return self._desk.seen

    @property
    def lock(self) -> Lock:
        return self._desk.lock

    async def note_seen(self, task_ids: Iterable[str]) -> None:
        await self._desk.note_seen(task_ids)

    async def record(self, key: str, entry: Entry, *, can_wait: bool = False) -> None:
        """Return when it is in the database, and, of a request that is about to be made, when it may be sent.

        Raises `AskedElsewhere` when another process has a request for the job under way.
        """
        if isinstance(entry, Submitting):
            await self._granted(key, entry)
        else:
            with anyio.CancelScope(shield=True):
                self._desk.take_in(await self._desk.database.do(partial(self._put, key=key, entry=entry)))

    async def _granted(self, key: str, entry: Submitting) -> None:
        self._ask = ask = Ask(
            account=self._desk.payer,
            job=self._job,
            key=key,
            asked=entry.asked,
            executor=self._executor,
            catalogue=self._catalogue,
        )
        while True:
            match await self._asked(ask):
                case Later(in_s=in_s):
                    await anyio.sleep(in_s)
                case Superseded():
                    self.is_superseded = True
                    raise AskedElsewhere("the cluster")
                case Permit(token=token, in_s=in_s):
                    self._token, self._answered_s = token, None
                    self._number = self._wire.begin()
                    self._desk.take_in({key: entry})
                    await anyio.sleep(max(self._looked_s + in_s - time.monotonic(), 0.0))
                    return

    async def _asked(self, ask: Ask) -> Permit | Later | Superseded:
        """The database's answer. One job at a time asks, and waits for its turn at the service, as all others would."""
        async with self._desk.turn:
            while True:
                self._minted_s = _clocks_s()
                answer = await self._desk.database.do(partial(self._answer, ask=ask), is_urgent=True)
                if not isinstance(answer, Later) or answer.is_blocked:
                    return answer
                await anyio.sleep(answer.in_s)

    def _answer(self, link: Connection[Any], ask: Ask) -> Permit | Later | Superseded:
        look = grants.looked(link, ask)
        self._looked_s = time.monotonic()  # the database's clock was read by then: nothing is sent too early
        return grants.decided(link, ask, look)

    @property
    def may_send(self) -> bool:
        """Whether the request that was granted may still be sent: nobody can have looked for its task yet."""
        aged_s = (now - then for now, then in zip(_clocks_s(), self._minted_s, strict=True))
        return self._token is not None and max(aged_s) < TOKEN_LIFE_S

    def answered(self) -> None:
        """The request has its answer now, or there will be none."""
        self._answered_s = time.monotonic()

    def _put(self, link: Connection[Any], *, key: str, entry: Entry) -> dict[str, Entry]:
        changed = requests.put(link, self._desk.payer, {key: entry}, self._job)
        self._release(link)
        return changed

    async def release(self) -> None:
        """Give back the place of a request that has its answer, and slow down where that asks for it."""
        try:
            if self._token is not None:
                with anyio.CancelScope(shield=True):
                    await self._desk.database.do(self._release)
        finally:
            if self._number is not None:
                self._wire.end(self._number)
                self._number = None

    def _release(self, link: Connection[Any]) -> None:
        if self._token is None:
            return
        age_s = 0.0 if self._answered_s is None else time.monotonic() - self._answered_s
        grants.answered(link, self._desk.payer, SUBMISSIONS, [self._token], age_s)
        self._token = None

    async def slow_down(self, refusal: ServiceRefused) -> None:
        """Have all machines send fewer requests, or hold fewer places for tasks, by the kind of refusal."""
        kind = verdict(refusal.code, refusal.message).throttle
        if kind is not None and self._ask is not None:
            why, wait_s = kind, refusal.retry_after_s
            await self._desk.database.do(partial(grants.throttled, ask=self._ask, why=why, retry_after_s=wait_s))


class Bearer:
    """The provider of the work on one job: it posts only what its ledger has a live token for."""

    def __init__(self, provider: Breaker, ledger: JobLedger) -> None:
        self._provider = provider
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def submit(
        self, request: RenderRequest, media_urls: Mapping[MediaRole, str], *, take_id: str | None = None
    ) -> Accepted:
        """One POST, if the right to it has not run out while the service was down, or this machine asleep."""
        await self._provider.ready()
        self._check()
        try:
            with last_check(self._check):
                return await self._provider.submit(request, media_urls, take_id=take_id)
        except ServiceRefused as refusal:
            await self._ledger.slow_down(refusal)
            raise
        finally:
            self._ledger.answered()

    def _check(self) -> None:
        if not self._ledger.may_send:
            raise ServiceRefused(NOT_CONNECTED, "the right to send the request has run out", status=0)


class JobGate(Gate):
    """The gate of one job: its ledger paces it; here the place is given back, whatever the answer was."""

    def __init__(self, ledger: JobLedger) -> None:
        self._ledger = ledger

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Callable[[], None]]:
        try:
            yield _is_counted
        finally:
            await self._ledger.release()

    @asynccontextmanager
    async def slot_after(self, getting_ready: Callable[[], Awaitable[None]]) -> AsyncIterator[Callable[[], None]]:
        """The ledger takes the place when the request is put on record, and may be cut short in the wait for it."""
        async with self.slot() as answered:
            await getting_ready()
            yield answered

    def heed(self, refusal: ServiceRefused) -> None:
        """All machines have heeded it already."""


class QueryGate(Gate):
    """Where an account's queries of one machine queue up for a place beside those of all others."""

    def __init__(self, database: Postgres, payer: str, executor: str, limit_per_s: float) -> None:
        self._database = database
        self._payer = payer
        self._executor = executor
        self._limit_per_s = limit_per_s
        self._number = 0
        self._turn = anyio.Lock()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Callable[[], None]]:
        async with self._turn:
            token = await self._granted()
        try:
            yield _is_counted
        finally:
            with anyio.CancelScope(shield=True):
                await self._database.do(partial(_query_answered, account=self._payer, token=token))

    async def _granted(self) -> str:
        self._number += 1
        token = f"{self._executor}:{self._number}"
        ask = partial(grants.query_granted, account=self._payer, token=token, limit=self._limit_per_s)
        while True:
            answer = await self._database.do(ask)
            await anyio.sleep(answer.in_s)
            if isinstance(answer, Permit):
                return token

    def heed(self, refusal: ServiceRefused) -> None:
        """Queries are harmless: the next one waits for its place all the same."""


def _is_counted() -> None:
    """That an answer is here, the database learns by itself."""


def _query_answered(link: Connection[Any], *, account: str, token: str) -> None:
    link.execute("SET LOCAL synchronous_commit = off")
    grants.answered(link, account, grants.QUERIES, [token])


def _clocks_s() -> tuple[float, float]:
    """One clock stands still while a machine sleeps, the other may be set: what is younger by both is young."""
    return time.monotonic(), time.time()
