"""What a run and the cluster tell each other about jobs: one transaction each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kfpipe.cluster import requests
from kfpipe.cluster.grants import database_time_s
from kfpipe.cluster.jobs import Job, Payer
from kfpipe.cluster.limits import asked_of
from kfpipe.lock.codec import entry_from_json
from kfpipe.lock.states import Ended, Entry, Rendered, Succeeded
from kfpipe.runner.settings import RunLimits

if TYPE_CHECKING:
    from psycopg import Connection


def entered(link: Connection[Any], *, run: str, host: str, payer: Payer, limits: RunLimits) -> float:
    """Note a run that begins to hand over, with its account and its manifest's limits; the database's time."""
    link.execute(
        "INSERT INTO kfpipe.account (account, facts) VALUES (%s, %s) "
        "ON CONFLICT (account) DO UPDATE SET facts = excluded.facts",
        [payer.id, json.dumps(payer.to_json())],
    )
    link.execute(
        "INSERT INTO kfpipe.run (run, account, host, limits) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [run, payer.id, host, json.dumps(asked_of(limits))],
    )
    return database_time_s(link)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """How a job stands when it was handed over. `outcome` is None while it is open; `is_own`: this run opened it."""

    job: str
    round: int
    outcome: Mapping[str, Any] | None
    entries: Mapping[str, Entry]
    is_own: bool


def handed_over(
    link: Connection[Any], *, payer: str, run: str, project: str, job: Job, known: Mapping[str, Entry]
) -> Entered:
    if known:
        requests.put(link, payer, known)
    name = job.id if job.key is None else _claimed(link, payer, job.id, job.key)
    link.execute("INSERT INTO kfpipe.wish VALUES (%s, %s) ON CONFLICT DO NOTHING", [project, name])
    entries = requests.made_for(link, name)
    ended = [key for key, entry in entries.items() if isinstance(entry, Ended)]
    content = json.dumps(replace(job, past=tuple(ended)).to_json())
    new = link.execute(
        "INSERT INTO kfpipe.job (job, account, run, content, round) VALUES (%s, %s, %s, %s, 0) "
        "ON CONFLICT DO NOTHING RETURNING round",
        [name, payer, run, content],
    ).fetchone()
    if new is not None:
        return Entered(job=name, round=0, outcome=None, entries=entries, is_own=True)
    row = link.execute("SELECT round, is_over, run FROM kfpipe.job WHERE job = %s FOR UPDATE", [name]).fetchone()
    assert row is not None
    number, is_over, owner = row
    settled = _settled(entries, job.key) if is_over else None
    if settled is None and is_over:
        number += 1
        link.execute(
            "UPDATE kfpipe.job SET round = %s, is_over = false, outcome = NULL, content = %s, run = %s, "
            "noted_at = clock_timestamp() WHERE job = %s",
            [number, content, run, name],
        )
        return Entered(job=name, round=number, outcome=None, entries=entries, is_own=True)
    outcome = None if settled is None else {"key": settled, "reason": None, "account_code": None}
    return Entered(job=name, round=number, outcome=outcome, entries=entries, is_own=owner == run)


def rest(link: Connection[Any], *, project: str) -> dict[str, tuple[bool, dict[str, Entry]]]:
    """The jobs that the project still wants: whether each is over, and its requests."""
    rows = link.execute(
        "SELECT job, coalesce(is_over, true) FROM kfpipe.wish LEFT JOIN kfpipe.job USING (job) WHERE project = %s",
        [project],
    ).fetchall()
    return {job: (is_over, requests.made_for(link, job)) for job, is_over in rows}


def forget_wish(link: Connection[Any], *, project: str, back: list[str]) -> None:
    link.execute("DELETE FROM kfpipe.wish WHERE project = %s AND job = ANY(%s)", [project, back])


def not_here(entry: Entry) -> Entry:
    """The request as others see it who do not have its clip in place."""
    if not isinstance(entry, Rendered):
        return entry
    return Succeeded(asked=entry.asked, doubts=entry.doubts, task=entry.task, result=entry.result)


def _claimed(link: Connection[Any], payer: str, job: str, key: str) -> str:
    """The job that has this request in hand: the given one, unless there is one already."""
    link.execute(
        "UPDATE kfpipe.request SET job = %s WHERE account = %s AND key = %s AND job IS NULL", [job, payer, key]
    )
    row = link.execute("SELECT job FROM kfpipe.request WHERE account = %s AND key = %s", [payer, key]).fetchone()
    return str(row[0]) if row is not None else job


def _settled(entries: Mapping[str, Entry], key: str | None) -> str | None:
    """The request by which a job that is over stays so: the one with the clip, or the one that was to be settled."""
    clips = [one for one, entry in entries.items() if isinstance(entry, Succeeded | Rendered)]
    if clips:
        return max(clips, key=lambda one: entries[one].asked.asked_at)
    return key if key is not None and isinstance(entries.get(key), Ended) else None


def news(
    link: Connection[Any], *, account: str, since_s: float
) -> tuple[float, list[tuple[str, int, Any]], list[tuple[str, str, Entry]]]:
    """The time, the jobs that have ended, and the requests that have changed since then."""
    now_s = database_time_s(link)
    over = link.execute(
        "SELECT job, round, outcome FROM kfpipe.job WHERE account = %s AND is_over AND noted_at > to_timestamp(%s)",
        [account, since_s],
    ).fetchall()
    rows = link.execute(
        "SELECT job, key, entry FROM kfpipe.request "
        "WHERE account = %s AND job IS NOT NULL AND noted_at > to_timestamp(%s)",
        [account, since_s],
    ).fetchall()
    return now_s, over, [(job, key, entry_from_json(entry)) for job, key, entry in rows]
