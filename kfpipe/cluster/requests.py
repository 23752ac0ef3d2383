"""The ledger of requests as a table: what two processes know of one request is joined, as everywhere."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kfpipe.cluster.grants import prompt_digest
from kfpipe.lock.codec import entry_from_json, entry_to_json
from kfpipe.lock.join import Requests
from kfpipe.lock.states import Entry, state_name, task_of

if TYPE_CHECKING:
    from psycopg import Connection

_PUT: Final = """
INSERT INTO kfpipe.request (account, key, job, state, entry, fingerprint, model, prompt, task)
VALUES (%(account)s, %(key)s, %(job)s, %(state)s, %(entry)s, %(fingerprint)s, %(model)s, %(prompt)s, %(task)s)
ON CONFLICT (account, key) DO UPDATE SET job = coalesce(request.job, excluded.job), state = excluded.state,
    entry = excluded.entry, task = excluded.task, noted_at = clock_timestamp()
"""

_FOUND: Final = "SELECT key, entry FROM kfpipe.request WHERE account = %s AND"
"""One way to find a row a statement: of two, either may lead through all of the account's."""


def put(link: Connection[Any], account: str, known: Mapping[str, Entry], job: str | None = None) -> dict[str, Entry]:
    """Join what is known of these requests with what is on record; all that this changes, as it is now.

    A task belongs to one request of an account: where two name it, the one that was asked first has it.
    """
    link.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [account])
    tasks = [task.task_id for entry in known.values() if (task := task_of(entry)) is not None]
    before = _on_record(link, account, known.keys(), tasks)
    requests = Requests(before)
    requests.take_in(known.items())
    changed = {key: entry for key, entry in requests.view.items() if before.get(key) != entry}
    # Who loses a task goes first: two rows never have one.
    for key, entry in sorted(changed.items(), key=lambda one: task_of(one[1]) is not None):
        link.execute(_PUT, _row(account, key, entry, job))
    if job is not None:
        same = [key for key in known if key not in changed]
        link.execute(
            "UPDATE kfpipe.request SET job = %s WHERE account = %s AND key = ANY(%s) AND job IS NULL",
            [job, account, same],
        )
    return changed


def _on_record(link: Connection[Any], account: str, keys: Collection[str], tasks: list[str]) -> dict[str, Entry]:
    by_key = link.execute(f"{_FOUND} key = ANY(%s) FOR UPDATE", [account, [*keys]]).fetchall()
    by_task = link.execute(f"{_FOUND} task = ANY(%s) FOR UPDATE", [account, tasks]).fetchall() if tasks else []
    return _entries([*by_key, *by_task])


def _row(account: str, key: str, entry: Entry, job: str | None) -> dict[str, object]:
    task = task_of(entry)
    return {
        "account": account,
        "key": key,
        "job": job,
        "state": state_name(entry),
        "entry": json.dumps(entry_to_json(entry)),
        "fingerprint": entry.asked.fingerprint,
        "model": entry.asked.model,
        "prompt": prompt_digest(entry.asked),
        "task": task and task.task_id,
    }


def of_job(link: Connection[Any], account: str, job: str, fingerprint: str) -> tuple[dict[str, Entry], list[str]]:
    """What is on record for a clip, and which of it was made for this job."""
    made = made_for(link, job)
    alike = link.execute(f"{_FOUND} fingerprint = %s", [account, fingerprint])
    return made | _entries(alike), [*made]


def made_for(link: Connection[Any], job: str) -> dict[str, Entry]:
    """The requests that were made for a job."""
    return _entries(link.execute("SELECT key, entry FROM kfpipe.request WHERE job = %s", [job]))


def taken_over(link: Connection[Any], account: str, key: str, executor: str, life_s: float) -> float:
    """Take a request without an answer from its sender; how long its token is still alive, in seconds.

    From then on nobody may send it. 0: it may be looked for.
    """
    row = link.execute(
        "UPDATE kfpipe.request SET executor = %s, token = NULL WHERE account = %s AND key = %s RETURNING "
        "extract(epoch FROM minted_at - clock_timestamp())::float8",
        [executor, account, key],
    ).fetchone()
    return 0.0 if row is None or row[0] is None else max(float(row[0]) + life_s, 0.0)


def tasks_on_record(link: Connection[Any], account: str) -> set[str]:
    """The ids of all tasks of the account that have an owner."""
    rows = link.execute("SELECT task FROM kfpipe.request WHERE account = %s AND task IS NOT NULL", [account])
    return {task for (task,) in rows.fetchall()}


def has_other_owner(link: Connection[Any], account: str, task_id: str, key: str) -> bool:
    """Whether another request has the task."""
    sql = "SELECT FROM kfpipe.request WHERE account = %s AND task = %s AND key != %s"
    return link.execute(sql, [account, task_id, key]).fetchone() is not None


def note_seen(link: Connection[Any], account: str, tasks: Collection[str], at: datetime) -> dict[str, datetime]:
    """Note tasks of others that the account's list shows; since when each of the account's is known."""
    link.cursor().executemany(
        "INSERT INTO kfpipe.seen VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", [(account, task, at) for task in tasks]
    )
    return dict(link.execute("SELECT task, at FROM kfpipe.seen WHERE account = %s", [account]).fetchall())


def _entries(rows: Iterable[Any]) -> dict[str, Entry]:
    return {key: entry_from_json(entry) for key, entry in rows}
