"""`kfpipe worker`: a machine that carries out what others have handed over."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import socket
import tempfile
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import anyio
import anyio.abc
import anyio.to_thread

from kfpipe import catalogue
from kfpipe.addresses import is_loopback, is_service_host
from kfpipe.catalogue import Region
from kfpipe.cluster import clips, jobs, queues
from kfpipe.cluster.database import Postgres
from kfpipe.cluster.desk import AccountDesk, Concluded, Equipment, clock_ahead
from kfpipe.cluster.jobs import Job, Payer
from kfpipe.cluster.presence import SignOfLife, WorkerCard
from kfpipe.cluster.stills import FromStore
from kfpipe.cluster.store import Store
from kfpipe.connection import EMULATOR_KEY, NO_KEY, catalogue_limits
from kfpipe.domain import EMULATOR_REGION
from kfpipe.environment import API_KEY, Environment
from kfpipe.errors import AccountRefused, ExitCode, KfpipeError, Refused
from kfpipe.events import Event
from kfpipe.lock.states import Succeeded
from kfpipe.provider import Provider
from kfpipe.version import __version__

if TYPE_CHECKING:
    from psycopg import Connection

LIST_PATIENCE_S: Final = 120.0
REHEARSAL_PATIENCE_S: Final = 0.2
_KEY_DIGITS: Final = 12
_BEAT_S: Final = 0.25

TRIES: Final = 6
"""How often a job is begun again after an error that nobody has foreseen: a minute in total."""

GRACE_S: Final = 4.0
"""How long a worker that is stopped waits for answers."""


class Worker:
    """One worker process. `tell` gets a sentence now and then, `emit` what happens to takes."""

    def __init__(
        self,
        database: Postgres,
        settings: Environment,
        store: Store | None,
        tell: Callable[[str], None],
        emit: Callable[[Event], None],
    ) -> None:
        self._database = database
        self._settings = settings
        self._store = store
        self._tell = tell
        self._store_news = clips.StoreNews(tell)
        self._emit = emit
        self.executor = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._keys = {hashlib.sha256(key.encode()).hexdigest()[:_KEY_DIGITS]: key for key in settings.keys.values()}
        self._desks: dict[str, AccountDesk] = {}
        self._opening = anyio.Lock()
        self._in_hand = 0

    def queues(self) -> list[str]:
        """What this worker listens to: the accounts that it has keys of, and the store. Raises AccountRefused."""
        names = [queues.render_queue(digest) for digest in self._keys]
        if self._settings.base_url is not None and is_loopback(self._settings.base_url):
            names.append(queues.render_queue(None))
        if not names:
            raise AccountRefused(NO_KEY, f"this worker has no API key: {API_KEY} is not set")
        return [*names, *([queues.STORE_QUEUE] if self._store is not None else [])]

    async def run(self, stopping: anyio.Event) -> None:
        """Carry out jobs until told to stop, or drained. Must be called on asyncio, in the main thread."""
        from dbos import DBOS

        names = self.queues()
        with tempfile.TemporaryDirectory(prefix="kfpipe-worker-") as home:
            self._home = Path(home)
            DBOS(config=queues.config(self._database.address, self.executor))
            self._register()
            DBOS.listen_queues(names)
            async with anyio.create_task_group() as self._group:
                self._client = await anyio.to_thread.run_sync(queues.client, self._database.address)
                await anyio.to_thread.run_sync(queues.register, self._client, names)
                sweep = partial(queues.sweep, self._client)
                presence = SignOfLife(self._database, self._card(names), _resume, sweep, self._tell)
                DBOS.launch()
                presence.start()
                self._tell(f"ready: {self.executor}")
                while not (stopping.is_set() or (presence.is_draining and not self._in_hand_at_the_service())):
                    with anyio.move_on_after(_BEAT_S):
                        await stopping.wait()
                await self._finish_sending()
                presence.stop()
                # What is under way here is nobody's end: another worker resumes it. So nothing is
                # cancelled, which would be taken for an outcome.
                os._exit(ExitCode.OK)

    async def _finish_sending(self) -> None:
        """Wait for the answers to requests that are on the wire, a while; nothing more is sent."""
        with anyio.move_on_after(GRACE_S):
            for desk in self._desks.values():
                await desk.silenced()

    def _register(self) -> None:
        from dbos import DBOS

        @DBOS.workflow(name=queues.RENDER, max_recovery_attempts=None)
        async def render(job: str, number: int) -> None:
            await self._render(job, number)

        @DBOS.workflow(name=queues.KEEP, max_recovery_attempts=None)
        async def keep(job: str, number: int) -> None:
            await self._keep(job, number)

    def _in_hand_at_the_service(self) -> bool:
        return any(desk.has_open_requests for desk in self._desks.values())

    def _card(self, names: list[str]) -> WorkerCard:
        return WorkerCard(
            executor=self.executor,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            keys=[name for name in names if name != queues.STORE_QUEUE],
            store=None if self._store is None else self._store.shown,
        )

    # ---- the two workflows -------------------------------------------------------------------------------------------

    async def _render(self, job: str, number: int) -> None:
        """Bring a job to its end. It is repeated when its worker dies, or is taken for dead: see `grants`."""
        found = await self._database.do(partial(_found, job=job, number=number))
        if found is None:
            return
        payer, wanted = found
        end = await self._concluded(payer, wanted)
        if end.key is not None and await self._database.do(_has_store):
            await anyio.to_thread.run_sync(queues.keep_clip, self._client, job, number)
        await self._database.do(partial(_over, job=job, number=number, end=end))  # last: then it is not repeated

    async def _concluded(self, payer: Payer, job: Job) -> Concluded:
        """How the job ended. All of the work can be begun again: what it ran into on the way is no end of it."""
        for attempt in range(TRIES):
            try:
                desk = await self._desk(payer)
                return await desk.conclude(job)
            except KfpipeError as trouble:
                code = trouble.code if isinstance(trouble, AccountRefused) else None
                return Concluded(reason=str(trouble), account_code=code)
            except Exception as trouble:  # noqa: BLE001  what nobody has foreseen: DBOS would take it for the job's end
                # and never begin it again, while the run that handed it over waits
                why = _described(trouble)
                self._tell(f"{job.take_id}: {why}; it is tried again")
                await anyio.sleep(2.0**attempt)
        return Concluded(reason=f"the worker gave up: {why}")

    async def _keep(self, job: str, number: int) -> None:
        """Bring the job's clip to the store."""
        found = await self._database.do(partial(_found, job=job, number=None))
        if found is None or self._store is None:
            return
        payer, wanted = found
        for key, entry in (await self._database.do(partial(_clips_of, job=job))).items():
            if isinstance(entry, Succeeded):
                async with self._client_for(payer, with_key=False) as provider:
                    keeper = clips.Keeper(
                        self._database, self._store, self._home, provider, payer.id, self._tell, self._store_news
                    )
                    await keeper.keep(key, entry, wanted)

    # ---- desks -------------------------------------------------------------------------------------------------------

    async def _desk(self, payer: Payer) -> AccountDesk:
        async with self._opening:
            if payer.id not in self._desks:
                self._desks[payer.id] = await self._group.start(self._serve, payer)
            return self._desks[payer.id]

    async def _serve(self, payer: Payer, *, task_status: anyio.abc.TaskStatus[AccountDesk]) -> None:
        is_charged = payer.region != EMULATOR_REGION
        async with self._client_for(payer, with_key=True) as provider:
            patience_s = self._settings.list_patience_s or (LIST_PATIENCE_S if is_charged else REHEARSAL_PATIENCE_S)
            desk = AccountDesk(
                payer=payer,
                provider=provider if self._store is None else FromStore(provider, self._store, self._home),
                catalogue=catalogue_limits(catalogue.shipped(), _region(payer)),
                equipment=Equipment(
                    database=self._database,
                    executor=self.executor,
                    home=self._home,
                    list_patience_s=patience_s,
                    emit=self._emit,
                    random=SystemRandom(),
                ),
                clock_ahead=await clock_ahead(self._database),
            )
            task_status.started(desk)
            await desk.run()

    @asynccontextmanager
    async def _client_for(self, payer: Payer, *, with_key: bool) -> AsyncIterator[Provider]:
        from kfpipe.provider.client import DashScope

        key = self._key_for(payer) if with_key else "none"  # clips are on hosts that must not get it
        async with DashScope(
            base_url=payer.base_url,
            api_key=key,
            region=payer.region,
            catalogue=catalogue.shipped(),
            project=self._home,
            uploads_file=self._home / f"{payer.id}.uploads.jsonl",
            workspace=payer.account.workspace,
            submit_timeout_s=self._settings.submit_timeout_s,
        ) as client:
            yield client

    def _key_for(self, payer: Payer) -> str:
        """The account's key, if it may go to the account's address: whoever handed a job over has no say in that."""
        host = urlsplit(payer.base_url).hostname or ""
        own = (self._settings.base_url or "").rstrip("/")
        if not is_service_host(host) and payer.base_url.rstrip("/") != own:
            raise Refused.because(
                "worker",
                f"the job asks for the address {payer.base_url}, which this worker does not know",
                expected="one of the service's own hosts, or the worker's own DASHSCOPE_HTTP_BASE_URL",
            )
        if payer.region == EMULATOR_REGION:
            return EMULATOR_KEY
        return self._keys[payer.account.key or ""]


def serve(worker: Worker) -> None:
    """Have the worker at work until SIGINT or SIGTERM. Raises AccountRefused where it has no key."""
    worker.queues()

    async def until_stopped() -> None:
        stopping = anyio.Event()

        async def listen() -> None:
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    stopping.set()

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            await worker.run(stopping)
            group.cancel_scope.cancel()

    anyio.run(until_stopped)


def _described(trouble: Exception) -> str:
    """The error, and where it was raised."""
    (*_, last) = traceback.extract_tb(trouble.__traceback__)
    return f"{type(trouble).__name__}: {trouble} ({Path(last.filename).name}:{last.lineno})"


def _resume(executors: list[str]) -> None:
    from dbos import DBOS

    DBOS._recover_pending_workflows(executors)


def _region(payer: Payer) -> Region:
    region = catalogue.shipped().region(payer.region)
    if region is None:
        raise Refused.because("worker", f"the job is for the region {payer.region}, which this kfpipe does not know")
    return region


def _found(link: Connection[Any], *, job: str, number: int | None) -> tuple[Payer, Job] | None:
    """The job and its account; None where this round of it is over."""
    row = link.execute(
        "SELECT content, facts FROM kfpipe.job JOIN kfpipe.account USING (account) "
        "WHERE job = %s AND (%s::int IS NULL OR (round = %s AND NOT is_over))",
        [job, number, number],
    ).fetchone()
    return None if row is None else (Payer.from_json(row[1]), jobs.from_json(job, row[0]))


def _over(link: Connection[Any], *, job: str, number: int, end: Concluded) -> None:
    import json

    link.execute(
        "UPDATE kfpipe.job SET is_over = true, outcome = %s, noted_at = clock_timestamp() "
        "WHERE job = %s AND round = %s AND NOT is_over",
        [json.dumps(end.to_json()), job, number],
    )


def _has_store(link: Connection[Any]) -> bool:
    return link.execute("SELECT FROM kfpipe.worker WHERE store IS NOT NULL LIMIT 1").fetchone() is not None


def _clips_of(link: Connection[Any], *, job: str) -> dict[str, Any]:
    from kfpipe.lock.codec import entry_from_json

    rows = link.execute("SELECT key, entry FROM kfpipe.request WHERE job = %s AND state = 'succeeded'", [job])
    return {key: entry_from_json(entry) for key, entry in rows.fetchall()}
