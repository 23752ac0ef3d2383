"""Who is at work: every worker holds a lock of the database on a session of its own, which ends with the worker.

The lock is the proof. One worker, elected by a lock as well, tries those of the others: a lock that can be had belongs
to nobody any more. What its holder had in hand is then resumed elsewhere. Should the holder live after all, having
lost no more than its session, nothing is paid twice: what it is about to send it may not send any more.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kfpipe.cluster import grants
from kfpipe.cluster.database import Postgres

if TYPE_CHECKING:
    import psycopg

BEAT_S: Final = 0.5
"""How often a worker shows that it is there, and the elected one looks after the others."""

GRACE_S: Final = 3.0
"""How long nobody is taken for dead after the database was away: the others come back one by one."""

_ELECTED: Final = 0x6B66706970650002

_SERVER_KEEPALIVES: Final = """
SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCard:
    """What a worker says of itself."""

    executor: str
    host: str
    pid: int
    version: str
    keys: Sequence[str]
    store: str | None

    @property
    def lock(self) -> int:
        """The number of its lock."""
        return int.from_bytes(hashlib.sha256(self.executor.encode()).digest()[:8], signed=True)


class SignOfLife:
    """A worker's sign of life, in a thread of its own.

    `resume` is called with the executors that have died, `sweep` by the elected one, from time to time; `tell` gets a
    sentence about what they raise.
    """

    def __init__(
        self,
        database: Postgres,
        card: WorkerCard,
        resume: Callable[[list[str]], None],
        sweep: Callable[[psycopg.Connection[Any]], None],
        tell: Callable[[str], None],
        *,
        beat_s: float = BEAT_S,
        grace_s: float = GRACE_S,
    ) -> None:
        self._beat_s = beat_s
        self._grace_s = grace_s
        self._tell = tell
        self._sweep = sweep
        self._database = database
        self._card = card
        self._resume = resume
        self._stopped = threading.Event()
        self._link: psycopg.Connection[Any] | None = None
        self._grace_until_s = 0.0
        self.is_draining = False
        self._thread = threading.Thread(target=self._run, name="kfpipe-presence", daemon=True)

    def start(self) -> None:
        """Return when the lock is held. Raises what the driver raises."""
        self._connect()
        self._grace_until_s = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Let go of the lock. The card stays, for others to see that there may be work to resume."""
        self._stopped.set()
        self._thread.join()
        self._drop()

    def _run(self) -> None:
        import psycopg

        while not self._stopped.wait(self._beat_s):
            try:
                self._beat()
            except (psycopg.OperationalError, psycopg.InterfaceError):  # said where the database is asked for work
                self._begin_again()
            except Exception as error:  # noqa: BLE001  DBOS raises its own here, and SQLAlchemy's; without this thread
                # the worker would look alive for ever, and nobody be looked after
                self._tell(f"looking after other workers: {type(error).__name__}: {error}; it is tried again")
                self._begin_again()

    def _begin_again(self) -> None:
        self._drop()
        self._grace_until_s = time.monotonic() + self._grace_s

    def _beat(self) -> None:
        link = self._link or self._connect()
        row = link.execute(
            "UPDATE kfpipe.worker SET seen_at = clock_timestamp() WHERE executor = %s RETURNING is_draining",
            [self._card.executor],
        ).fetchone()
        if row is None:  # it was taken for dead
            self._show_card(link)
        else:
            self.is_draining = bool(row[0])
        if time.monotonic() >= self._grace_until_s:
            with link.transaction():  # one that stands still in it is elected no longer
                if _got(link, _ELECTED):
                    self._look_after_others(link)
                    self._sweep(link)

    def _look_after_others(self, link: psycopg.Connection[Any]) -> None:
        rows = link.execute(
            "SELECT executor, presence FROM kfpipe.worker WHERE executor != %s", [self._card.executor]
        ).fetchall()
        for executor, lock in rows:
            if _got(link, lock):
                grants.dead(link, executor)
                self._resume([executor])
                link.execute("DELETE FROM kfpipe.worker WHERE executor = %s", [executor])

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg

        link = self._database.connect()
        try:
            with suppress(psycopg.DatabaseError):  # a socket of this machine knows no such thing
                link.execute(_SERVER_KEEPALIVES)
            link.execute("SELECT pg_advisory_lock(%s)", [self._card.lock])
            self._show_card(link)
        except BaseException:
            link.close()
            raise
        self._link = link
        return link

    def _show_card(self, link: psycopg.Connection[Any]) -> None:
        card = self._card
        link.execute(
            "INSERT INTO kfpipe.worker (executor, presence, host, pid, version, keys, store) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (executor) DO UPDATE SET seen_at = clock_timestamp()",
            [card.executor, card.lock, card.host, card.pid, card.version, [*card.keys], card.store],
        )

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None


def _got(link: psycopg.Connection[Any], lock: int) -> bool:
    """Whether nobody else holds it; then it is held to the end of the transaction."""
    row = link.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock]).fetchone()
    return row is not None and bool(row[0])
