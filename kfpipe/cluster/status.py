"""What a cluster is doing, as values: who is at work, what has become of requests, what each account allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Any

from kfpipe.cluster.grants import shared_limits
from kfpipe.cluster.jobs import Payer
from kfpipe.files.scalars import time_text
from kfpipe.lock.states import STATES
from kfpipe.version import __version__

if TYPE_CHECKING:
    from psycopg import Connection


def status(link: Connection[Any]) -> dict[str, Any]:
    """`workers`, `requests` and `accounts`, as `cluster status --json` prints them."""
    counts = dict(link.execute("SELECT state, count(*) FROM kfpipe.request GROUP BY state").fetchall())
    return {
        "workers": [*_workers(link)],
        "requests": {state: counts.get(state, 0) for state in STATES},
        "waiting": _waiting(link, None),
        "accounts": [*accounts(link)],
    }


def workers_for(link: Connection[Any], queue: str) -> list[str]:
    """Why nobody may carry out what is handed over to this queue, a sentence each; none where somebody will."""
    rows = link.execute("SELECT host, version, keys, is_draining FROM kfpipe.worker ORDER BY since").fetchall()
    if not rows:
        return ["no worker is at work: start `kfpipe worker --cluster ADDRESS` on some machine"]
    same = [row for row in rows if row[1] == __version__]
    if not same:
        others = ", ".join(sorted({f"{version} on {host}" for host, version, _, _ in rows}))
        return [f"no worker of kfpipe {__version__} is at work (there is {others}): use one version on all machines"]
    if not any(queue in keys for _, _, keys, _ in same):
        return ["no worker has the key of this account: the work waits for one that has"]
    return []


def _workers(link: Connection[Any]) -> Iterator[dict[str, Any]]:
    rows = link.execute(
        "SELECT executor, host, pid, version, store, is_draining, since, seen_at, "
        "(SELECT count(*) FROM kfpipe.request WHERE request.executor = worker.executor "
        "AND state IN ('submitting', 'submitted')) FROM kfpipe.worker ORDER BY since, executor"
    ).fetchall()
    for executor, host, pid, version, store, is_draining, since, seen_at, tasks in rows:
        yield {
            "worker": executor,
            "host": host,
            "pid": pid,
            "version": version,
            "store": store,
            "draining": is_draining,
            "since": time_text(since.astimezone(UTC)),
            "seen_at": time_text(seen_at.astimezone(UTC)),
            "in_progress": tasks,
        }


def accounts(link: Connection[Any]) -> Iterator[dict[str, Any]]:
    """Each account with its limits and its work."""
    for account, facts, own in link.execute(
        "SELECT account, facts, own_limits FROM kfpipe.account ORDER BY account"
    ).fetchall():
        payer = Payer.from_json(facts)
        in_progress = link.execute(
            "SELECT count(*) FROM kfpipe.request WHERE account = %s AND state IN ('submitting', 'submitted')", [account]
        ).fetchone()
        assert in_progress is not None
        yield {
            "account": account,
            "name": payer.account.text,
            "region": payer.region,
            "limits": shared_limits(link, account),
            "set_by_hand": own,
            "in_progress": in_progress[0],
            "waiting": _waiting(link, account),
        }


def _waiting(link: Connection[Any], account: str | None) -> int:
    """How many jobs have no request so far."""
    row = link.execute(
        "SELECT count(*) FROM kfpipe.job WHERE NOT is_over AND (%s::text IS NULL OR account = %s) AND NOT EXISTS "
        "(SELECT FROM kfpipe.request WHERE request.job = job.job AND state NOT IN ('failed', 'canceled', 'lost'))",
        [account, account],
    ).fetchone()
    assert row is not None
    return int(row[0])
