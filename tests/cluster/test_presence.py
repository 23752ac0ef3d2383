"""Who looks after the others goes on doing so, whatever comes up."""

from __future__ import annotations

import threading

from kfpipe.cluster.database import Postgres
from kfpipe.cluster.presence import SignOfLife, WorkerCard


def test_an_error_that_nobody_foresaw_is_told_and_dead_workers_are_looked_after_all_the_same(
    database: Postgres,
) -> None:
    database.do_now(
        lambda link: link.execute("INSERT INTO kfpipe.worker VALUES ('dead', 7, 'attic', 7, '0.2.0', '{}', NULL)")
    )
    told: list[str] = []
    tried: list[list[str]] = []
    is_resumed = threading.Event()

    def resume(executors: list[str]) -> None:
        tried.append(executors)
        if len(tried) == 1:
            raise RuntimeError("the queues are upside down")
        is_resumed.set()

    card = WorkerCard(executor="alive", host="here", pid=1, version="0.2.0", keys=[], store=None)
    sign = SignOfLife(database, card, resume, lambda _: None, told.append, beat_s=0.01, grace_s=0.0)
    sign.start()
    assert is_resumed.wait(60)
    sign.stop()
    assert tried == [["dead"], ["dead"]]
    assert told == ["looking after other workers: RuntimeError: the queues are upside down; it is tried again"]
    at_work = database.do_now(lambda link: link.execute("SELECT executor FROM kfpipe.worker").fetchall())
    assert at_work == [("alive",)]
