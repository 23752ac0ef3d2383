"""What a person does to a cluster: set limits, drain workers, prune what is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kfpipe.cluster.database import Postgres
from kfpipe.cluster.jobs import Payer
from kfpipe.cluster.status import accounts
from kfpipe.cluster.store import Store
from kfpipe.errors import Refused
from kfpipe.wording import echoed

if TYPE_CHECKING:
    from psycopg import Connection


def set_limits(link: Connection[Any], account: str | None, limits: Mapping[str, float] | None) -> None:
    """Set these limits beside what is set, or none at all (None). Raises Refused for an account that is not known."""
    found = _named(link, account)
    if limits is None:
        link.execute("UPDATE kfpipe.account SET own_limits = '{}' WHERE account = %s", [found])
    else:
        link.execute(
            "UPDATE kfpipe.account SET own_limits = own_limits || %s WHERE account = %s", [json.dumps(limits), found]
        )


def accounts_named(link: Connection[Any], account: str | None) -> list[dict[str, Any]]:
    """Each account with its limits and its work; only the one that is named, if one is. Raises Refused."""
    wanted = None if account is None else _named(link, account)
    return [one for one in accounts(link) if wanted in (None, one["account"])]


def _named(link: Connection[Any], account: str | None) -> str:
    rows = link.execute("SELECT account, facts FROM kfpipe.account ORDER BY account").fetchall()
    names = {one: Payer.from_json(facts).account for one, facts in rows}
    found = [one for one, own in names.items() if account in (None, one, own.name, own.key)]
    if len(found) == 1:
        return str(found[0])
    known = ", ".join(f"{one} ({own.text})" for one, own in names.items()) or "none: nothing was handed over so far"
    what = "there are several accounts" if account is None else f"{echoed(account)} does not name one account"
    raise Refused.because("cluster limits", what, expected=known)


def drain(link: Connection[Any], worker: str | None) -> list[str]:
    """Have workers end once they have nothing at the service. Raises Refused for one that is not at work."""
    rows = link.execute(
        "UPDATE kfpipe.worker SET is_draining = true WHERE %s::text IS NULL OR %s IN (executor, host) "
        "RETURNING executor",
        [worker, worker],
    ).fetchall()
    if worker is not None and not rows:
        known = [name for (name,) in link.execute("SELECT executor FROM kfpipe.worker ORDER BY since").fetchall()]
        raise Refused.because(
            "cluster drain", f"{echoed(worker)} is not at work", expected=", ".join(known) or "no worker is at work"
        )
    return sorted(name for (name,) in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How much was removed."""

    jobs: int
    clips: int


def prune(database: Postgres, store: Store | None, days: int) -> Pruned:
    """Forget jobs that were over that long ago, and remove clips from the store that came home before then.

    Their requests stay on record.
    """
    clips = 0
    if store is not None:
        for account, task, name in database.do_now(lambda link: _at_home(link, days)):
            store.remove(name)
            database.do_now(
                lambda link: link.execute(
                    "DELETE FROM kfpipe.clip WHERE account = %s AND task = %s",
                    [account, task],  # noqa: B023
                )
            )
            clips += 1
    return Pruned(jobs=database.do_now(lambda link: _forgotten(link, days)), clips=clips)


def _at_home(link: Connection[Any], days: int) -> list[tuple[str, str, str]]:
    return link.execute(
        "SELECT account, clip.task, name FROM kfpipe.clip JOIN kfpipe.request USING (account, task) "
        "WHERE state = 'rendered' AND kept_at <= clock_timestamp() - make_interval(days => %s)",
        [days],
    ).fetchall()


def _forgotten(link: Connection[Any], days: int) -> int:
    gone = link.execute(
        "DELETE FROM kfpipe.job WHERE is_over AND noted_at <= clock_timestamp() - make_interval(days => %s) "
        "AND NOT EXISTS (SELECT FROM kfpipe.wish WHERE wish.job = job.job)",
        [days],
    ).rowcount
    link.execute(
        "DELETE FROM dbos.workflow_status WHERE status NOT IN ('ENQUEUED', 'PENDING', 'DELAYED') "
        "AND NOT EXISTS (SELECT FROM kfpipe.job WHERE job = split_part(workflow_uuid, '.', 1))"
    )
    link.execute("DELETE FROM kfpipe.run WHERE NOT EXISTS (SELECT FROM kfpipe.job WHERE job.run = run.run)")
    link.execute("DELETE FROM kfpipe.seen WHERE at < clock_timestamp() - interval '2 days'")
    return gone
