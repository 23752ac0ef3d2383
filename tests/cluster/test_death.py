"""Whatever dies, and whoever is taken for dead: nothing is paid twice, nothing is lost, and the work goes on."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psycopg

from tests.cluster.conftest import Server
from tests.cluster.studio import Studio, finished, numbered, project, rendered

TAKES = 24
SLOWLY = "{submissions_per_second: 12, concurrent_tasks: 12, queries_per_second: 60}"


def begun(studio: Studio, folder: Path, *, tasks: int = 6) -> None:
    studio.until(lambda: sum(studio.states().values()) >= tasks)


def complete(studio: Studio, folder: Path) -> None:
    """Every take has its clip, each paid for once."""
    assert len(rendered(folder)) == TAKES
    assert studio.bill.total() == TAKES
    assert set(studio.bill.values()) == {1}


def test_a_worker_that_is_killed_is_replaced_by_the_others(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(TAKES), SLOWLY)
    first, *_ = studio.workers(3)
    run = studio.run(folder)
    begun(studio, folder)
    first.kill()
    killed_s = time.monotonic()
    studio.until(lambda: studio.query("SELECT count(*) FROM kfpipe.worker")[0][0] == 2)
    print(f"noticed after {time.monotonic() - killed_s:.1f} s")
    finished(run)
    print(f"complete after {time.monotonic() - killed_s:.1f} s")
    complete(studio, folder)


def test_when_all_workers_are_killed_the_next_one_goes_on(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(TAKES), SLOWLY)
    workers = studio.workers(3)
    run = studio.run(folder)
    begun(studio, folder)
    for worker in workers:
        worker.kill()
    killed_s = time.monotonic()
    studio.worker()
    finished(run)
    print(f"complete after {time.monotonic() - killed_s:.1f} s")
    complete(studio, folder)


def test_a_database_that_is_killed_and_comes_back_loses_nothing(studio: Studio, server: Server, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(TAKES), SLOWLY)
    studio.workers(3)
    run = studio.run(folder)
    begun(studio, folder)
    server.kill()
    killed_s = time.monotonic()
    server.start()
    finished(run)
    print(f"complete after {time.monotonic() - killed_s:.1f} s")
    complete(studio, folder)


def test_a_worker_that_loses_its_session_and_lives_pays_for_nothing_twice(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(TAKES), SLOWLY)
    studio.workers(3)
    run = studio.run(folder)
    begun(studio, folder, tasks=3)
    with psycopg.connect(studio.address.url, autocommit=True) as link:
        for _ in range(4):
            link.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN "
                "(SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1) AND pid != pg_backend_pid()"
            )
            time.sleep(0.3)
    finished(run)
    complete(studio, folder)


def test_a_worker_that_was_stopped_for_a_while_pays_for_nothing_twice(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(TAKES), SLOWLY)
    first, *_ = studio.workers(2)
    run = studio.run(folder)
    begun(studio, folder, tasks=3)
    first.send_signal(signal.SIGSTOP)
    with psycopg.connect(studio.address.url, autocommit=True) as link:
        link.execute(  # its lock is lost, as with its machine's network
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
            "AND ((classid::bigint << 32) | objid::bigint) IN (SELECT presence FROM kfpipe.worker)"
        )
    studio.until(lambda: studio.states()["succeeded"] + studio.states()["rendered"] >= TAKES // 2)
    first.send_signal(signal.SIGCONT)
    finished(run)
    complete(studio, folder)
