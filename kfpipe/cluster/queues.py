"""The queues that jobs wait in: for the work at the service, one a key, and for bringing clips to the store."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from kfpipe.cluster.address import OPTION, Address
from kfpipe.cluster.jobs import Payer
from kfpipe.domain import EMULATOR_REGION
from kfpipe.errors import Refused
from kfpipe.version import __version__

if TYPE_CHECKING:
    from dbos import DBOSClient, DBOSConfig
    from psycopg import Connection

RENDER: Final = "kfpipe.render"
KEEP: Final = "kfpipe.keep"
"""The names of the two workflows; their code may change, the names may not."""

STORE_QUEUE: Final = "kfpipe-store"
_POLL_S: Final = 0.5
_AT_ONCE: Final = 128
"""How many jobs of an account one worker has in hand: most of them wait for their turn at the service."""

_CLIPS_AT_ONCE: Final = 4
EXTRA: Final = "cluster"

VERSION: Final = f"kfpipe-{__version__}"
"""Jobs are carried out by workers of the version that handed them over."""


def check_extra() -> None:
    """Raise Refused where the extra is not installed."""
    try:
        import dbos  # noqa: F401
        import psycopg  # noqa: F401
    except ImportError:
        raise Refused.because(
            OPTION, "this needs the extra kfpipe[cluster], which is not installed", fix="pip install 'kfpipe[cluster]'"
        ) from None
    logging.getLogger("dbos").setLevel(logging.ERROR)


def render_queue(key: str | None) -> str:
    """The queue of all accounts that one key opens. Only workers that have the key listen to it."""
    return f"kfpipe-render-{key or EMULATOR_REGION}"


def of_payer(payer: Payer) -> str:
    """The queue that an account's jobs wait in."""
    return render_queue(payer.account.key)


def migrate(address: Address) -> None:
    """Create the tables that the queues are kept in, where they are not there."""
    from dbos import DBOS
    from sqlalchemy.exc import SQLAlchemyError

    try:
        DBOS.migrate(address.url)
    except SQLAlchemyError as error:
        why = str(error).splitlines()[0]
        raise Refused.because(
            OPTION,
            f"the tables of DBOS cannot be made in {address.shown}: {why}",
            expected="a role that may create schemas in the database",
        ) from error


def config(address: Address, executor: str) -> DBOSConfig:
    """How a worker joins: by name and version, with plain JSON, and no more connections than it needs."""
    from dbos import DBOSPortableJSONSerializer

    return {
        "name": "kfpipe",
        "system_database_url": address.url,
        "application_version": VERSION,
        "executor_id": executor,
        "serializer": DBOSPortableJSONSerializer(),
        "sys_db_pool_size": 4,
        "use_listen_notify": False,
        "log_level": "ERROR",
        "notification_listener_polling_interval_sec": 1.0,
    }


def client(address: Address) -> DBOSClient:
    """What hands jobs over: it starts nothing of its own."""
    from dbos import DBOSClient, DBOSPortableJSONSerializer

    return DBOSClient(
        system_database_url=address.url,
        serializer=DBOSPortableJSONSerializer(),
        application_name="kfpipe",
        system_database_pool_size=2,
    )


def register(client: DBOSClient, names: Sequence[str]) -> None:
    """Have these queues. Blocks."""
    for name in names:
        if name == STORE_QUEUE:
            client.register_queue(
                name, worker_concurrency=_CLIPS_AT_ONCE, polling_interval_sec=_POLL_S, on_conflict="never_update"
            )
        else:
            client.register_queue(
                name,
                partition_worker_concurrency=_AT_ONCE,
                polling_interval_sec=_POLL_S,
                on_conflict="never_update",
            )


def enqueue(to: DBOSClient, payer: Payer, job: str, number: int, priority: int = 0) -> None:
    """Have the job carried out; once, however often it is said."""
    to.enqueue(
        {
            "workflow_name": RENDER,
            "queue_name": of_payer(payer),
            "queue_partition_key": payer.id,
            "workflow_id": f"{job}.{number}",
            "app_version": VERSION,
            "priority": max(1, 1_000_000 - priority),
        },
        job,
        number,
    )


def sweep(to: DBOSClient, link: Connection[Any]) -> None:
    """Enqueue what was handed over and is in no queue: the run was killed in between."""
    rows = link.execute(
        "SELECT job, round, facts FROM kfpipe.job JOIN kfpipe.account USING (account) WHERE NOT is_over "
        "AND job.noted_at < clock_timestamp() - interval '5 seconds' "
        "AND NOT EXISTS (SELECT FROM dbos.workflow_status WHERE workflow_uuid = job || '.' || round) LIMIT 1000"
    ).fetchall()
    for job, number, facts in rows:
        enqueue(to, Payer.from_json(facts), job, number)


def keep_clip(to: DBOSClient, job: str, number: int) -> None:
    """Have the job's clip brought to the store; once, however often it is said."""
    to.enqueue(
        {
            "workflow_name": KEEP,
            "queue_name": STORE_QUEUE,
            "workflow_id": f"{job}.{number}.keep",
            "app_version": VERSION,
        },
        job,
        number,
    )
