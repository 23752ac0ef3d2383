"""The cluster's database: its tables, and transactions that outlive a restart of the server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import anyio.to_thread

from kfpipe.cluster.address import OPTION, Address
from kfpipe.errors import Refused

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

VERSION: Final = 1
"""Of the tables below."""

OLDEST_SERVER: Final = 130000

CONNECTIONS: Final = 4
"""Of one process: each is used by one transaction at a time. What is urgent has as many of its own."""

CONNECT_TIMEOUT_S: Final = 10
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0

KEEPALIVES: Final[dict[str, Any]] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""A machine that has vanished is noticed in some ten seconds, on either side."""

_OPTIONS: Final = "-c idle_in_transaction_session_timeout=4000 -c enable_seqscan=off"
"""A machine that stands still within a transaction holds its locks no longer than that. And what is asked for every
take is found by an index: a plan that is kept from when a table was small would read all of it, ever longer."""

_FOUNDING: Final = 0x6B66706970650001
"""The advisory lock under which the tables are created."""

_TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS kfpipe;
CREATE TABLE IF NOT EXISTS kfpipe.about (version integer NOT NULL);
CREATE TABLE IF NOT EXISTS kfpipe.account (
    account text PRIMARY KEY, facts jsonb NOT NULL, own_limits jsonb NOT NULL DEFAULT '{}', trouble text
);
CREATE TABLE IF NOT EXISTS kfpipe.pace (
    account text NOT NULL, kind text NOT NULL, cells jsonb NOT NULL DEFAULT '{}', PRIMARY KEY (account, kind)
);
CREATE TABLE IF NOT EXISTS kfpipe.worker (
    executor text PRIMARY KEY, presence bigint NOT NULL, host text NOT NULL, pid integer NOT NULL,
    version text NOT NULL, keys text[] NOT NULL, store text,
    since timestamptz NOT NULL DEFAULT clock_timestamp(), seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_draining boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS kfpipe.run (
    run text PRIMARY KEY, account text NOT NULL, host text NOT NULL, limits jsonb NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS kfpipe.job (
    job text PRIMARY KEY, account text NOT NULL, run text NOT NULL, content jsonb NOT NULL, round integer NOT NULL,
    is_over boolean NOT NULL DEFAULT false, outcome jsonb,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS job_noted ON kfpipe.job (account, noted_at);
CREATE INDEX IF NOT EXISTS job_open ON kfpipe.job (run) WHERE NOT is_over;
CREATE TABLE IF NOT EXISTS kfpipe.wish (project text NOT NULL, job text NOT NULL, PRIMARY KEY (project, job));
CREATE INDEX IF NOT EXISTS wish_of ON kfpipe.wish (job);
CREATE TABLE IF NOT EXISTS kfpipe.request (
    account text NOT NULL, key text NOT NULL, job text, state text NOT NULL, entry jsonb NOT NULL,
    fingerprint text NOT NULL, model text NOT NULL, prompt text NOT NULL, task text,
    executor text, token text, minted_at timestamptz,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (account, key)
);
CREATE INDEX IF NOT EXISTS request_noted ON kfpipe.request (account, noted_at);
CREATE INDEX IF NOT EXISTS request_job ON kfpipe.request (job);
CREATE INDEX IF NOT EXISTS request_alike ON kfpipe.request (account, fingerprint);
CREATE UNIQUE INDEX IF NOT EXISTS request_task ON kfpipe.request (account, task) WHERE task IS NOT NULL;
CREATE INDEX IF NOT EXISTS request_under_way ON kfpipe.request (account, model)
    WHERE state IN ('submitting', 'submitted');
CREATE TABLE IF NOT EXISTS kfpipe.seen (
    account text NOT NULL, task text NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (account, task)
);
CREATE TABLE IF NOT EXISTS kfpipe.clip (
    account text NOT NULL, task text NOT NULL, name text NOT NULL, md5 text NOT NULL, size_bytes bigint NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (account, task)
);
"""


class Postgres:
    """Transactions on the cluster's database, from any event loop or thread.

    A transaction whose connection breaks is run again, once there is another: what is done in one may be done twice.
    `on_loss` hears a reason when the database goes away, and None when it is back.
    """

    def __init__(self, address: Address, on_loss: Callable[[str | None], None] = lambda _: None) -> None:
        self.address = address
        self._on_loss = on_loss
        self._idle: list[psycopg.Connection[Any]] = []
        self._guard = threading.Lock()
        self._limiter: anyio.CapacityLimiter | None = None
        self._urgent_limiter: anyio.CapacityLimiter | None = None
        self._is_lost = False

    # ---- coming and going --------------------------------------------------------------------------------------------

    def found(self) -> None:
        """Create the tables, where they are not there. Raises Refused for a database that cannot be used."""
        with self.reaching(), self._connection() as link:
            if link.info.server_version < OLDEST_SERVER:
                version = link.info.server_version // 10000
                raise self._refused(f"it is PostgreSQL {version}", f"PostgreSQL {OLDEST_SERVER // 10000} or later")
            link.execute("SELECT pg_advisory_xact_lock(%s)", [_FOUNDING])
            exists = link.execute("SELECT to_regclass('kfpipe.about') IS NOT NULL").fetchone()
            row = link.execute("SELECT version FROM kfpipe.about").fetchone() if exists and exists[0] else None
            if row is None:
                link.execute(_TABLES)
                link.execute("INSERT INTO kfpipe.about VALUES (%s)", [VERSION])
            elif row[0] != VERSION:
                what = f"its tables have version {row[0]}, and this kfpipe knows version {VERSION}"
                raise self._refused(what, "one version of kfpipe on all machines")

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Translate what goes wrong on the way to the database into `Refused`."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise self._refused(_first_line(error), "a PostgreSQL database that answers") from error

    def _refused(self, what: str, expected: str) -> Refused:
        return Refused.because(
            OPTION, f"the cluster's database {self.address.shown} cannot be used: {what}", expected=expected
        )

    def close(self) -> None:
        """Close what is not in use."""
        with self._guard:
            idle, self._idle = self._idle, []
        for link in idle:
            link.close()

    # ---- transactions ------------------------------------------------------------------------------------------------

    async def do(self, work: Callable[[psycopg.Connection[Any]], T], *, is_urgent: bool = False) -> T:
        """What `work` returns, committed. Waits for as long as the database is away; `is_urgent`: for nothing else."""
        return await self.outlast(partial(self.do_now, work), is_urgent=is_urgent)

    async def outlast(self, call: Callable[[], T], *, is_urgent: bool = False) -> T:
        """What a call returns that blocks, in a thread; again where the database goes away. Once begun, it ends."""
        import psycopg

        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(CONNECTIONS)
            self._urgent_limiter = anyio.CapacityLimiter(CONNECTIONS)
        limiter = self._urgent_limiter if is_urgent else self._limiter
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                done = await anyio.to_thread.run_sync(call, limiter=limiter)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                self._lose(_first_line(error))
                await anyio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                self._lose(None)
                return done

    def do_now(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        """The same, once and blocking. Raises what the driver raises."""
        with self._connection() as link:
            return work(link)

    def _lose(self, reason: str | None) -> None:
        if (reason is not None) != self._is_lost:
            self._is_lost = reason is not None
            self._on_loss(reason)

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        with self._guard:
            link = self._idle.pop() if self._idle else None
        link = link or self.connect()
        try:
            with link.transaction():
                yield link
        except BaseException:
            if link.closed or link.broken:
                self.close()  # the others are of the same server
            link.close()
            raise
        with self._guard:
            self._idle.append(link)

    def connect(self, *, autocommit: bool = True) -> psycopg.Connection[Any]:
        """A connection of one's own; the caller begins its transactions."""
        import psycopg

        return psycopg.connect(
            self.address.url,
            autocommit=autocommit,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name="kfpipe",
            options=_OPTIONS,
            **KEEPALIVES,
        )


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
