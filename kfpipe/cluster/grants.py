"""The right to make a request: granted by the database, in the moment in which its intent is put on record.

One transaction looks at the account's limits, at what is in progress and at what else is under way for the same clip,
and writes the request down as `submitting` with a token. Whoever holds that token may send it once, at the time that
was granted or shortly after; nobody else ever may. So a step that is repeated finds the request on record, looks for
its task, and posts nothing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kfpipe import catalogue
from kfpipe.cluster.limits import EVERY_MODEL, Ceilings, SharedPace, ceilings, in_force, rate_scope
from kfpipe.lock.codec import entry_to_json
from kfpipe.lock.states import Asked, Submitting
from kfpipe.provider.codes import ThrottleKind
from kfpipe.runner import orphans
from kfpipe.runner.settings import RunLimits

if TYPE_CHECKING:
    from psycopg import Connection

SUBMISSIONS: Final = "submissions"
QUERIES: Final = "queries"
TASKS: Final = "tasks"

AHEAD_S: Final = 0.4
"""How long before its time a request is granted: then it is ready when the place becomes free, on a busy machine, too.
"""

ASKED_S: Final = 0.3
"""How long before its time to ask for it."""

AGAIN_S: Final = 0.1
"""How soon to ask again where it cannot be said when there will be a place."""

BUSY_S: Final = 0.25
"""The same where a task has to end first."""

TOKEN_LIFE_S: Final = 3.0
"""A token that was not used by then is dead: its holder was stopped, and others may have looked for the task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request that is to be made. `executor` is the process that will send it, `job` what it is made for."""

    account: str
    job: str
    key: str
    asked: Asked
    executor: str
    catalogue: RunLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """`token` may be used once, `in_s` seconds from the look at the record."""

    token: str
    in_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Ask again in so many seconds. `is_blocked`: this request waits for another one's end, and holds up nobody."""

    in_s: float
    is_blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """Another process has a request for the same clip under way, or has its clip: this one must not be made."""


@dataclass(frozen=True, slots=True)
class Look:
    """All that decides about a request, as one look shows it. `open_ones` are those of its job that stand."""

    pace: SharedPace
    open_ones: list[list[str | None]]
    is_draining: bool
    has_twin: bool
    under_way: Mapping[str, int]
    own_limits: Mapping[str, float]
    manifests: list[Mapping[str, float]]
    tasks: Mapping[str, Any]
    now_s: float


def granted(link: Connection[Any], ask: Ask) -> Permit | Later | Superseded:
    """The right to make the request, on record when this is committed; or when to ask again."""
    return decided(link, ask, looked(link, ask))


def looked(link: Connection[Any], ask: Ask) -> Look:
    """What the record says. Nobody else is granted anything until the transaction is over."""
    pace = _locked(link, ask.account, SUBMISSIONS)
    row = link.execute(_LOOK, _words(ask)).fetchone()
    assert row is not None
    return Look(pace, *row)


def decided(link: Connection[Any], ask: Ask, facts: Look) -> Permit | Later | Superseded:
    """`granted`, by a look that was taken in the same transaction."""
    if not all(row == [ask.key, "submitting", ask.executor] for row in facts.open_ones):
        return Superseded()
    bounds = _bounds(ask, facts)
    places = SharedPace.from_json(facts.tasks).of(bounds.tasks_scope).places(bounds.tasks, facts.now_s)
    if facts.is_draining or facts.has_twin or bounds.counted(facts.under_way) >= places:
        return Later(in_s=BUSY_S, is_blocked=True)
    at_s = facts.pace.at_s(bounds.rates, facts.now_s)
    if at_s is None or at_s > facts.now_s + AHEAD_S:
        return Later(in_s=AGAIN_S if at_s is None else at_s - facts.now_s - ASKED_S)
    token, scope = f"{ask.executor}:{secrets.token_hex(8)}", rate_scope(ask.asked.model, ask.catalogue)
    _mint(link, ask, token, facts.pace.left(token, scope, bounds.rates, at_s, facts.now_s))
    return Permit(token=token, in_s=max(at_s - facts.now_s, 0.0))


def shared_limits(link: Connection[Any], account: str) -> dict[str, float]:
    """What holds for the whole account now: by hand, else the lowest of the manifests whose runs are at work."""
    row = link.execute("SELECT own_limits FROM kfpipe.account WHERE account = %s", [account]).fetchone()
    rows = link.execute(_AT_WORK, {"account": account}).fetchall()
    return in_force(row[0] if row else {}, (limits for (limits,) in rows))


def answered(link: Connection[Any], account: str, kind: str, tokens: Iterable[str], age_s: float = 0.0) -> None:
    """These requests have had their answers for `age_s` seconds, or will never have one."""
    pace, at_s = _locked(link, account, kind), database_time_s(link) - age_s
    names = [*tokens]
    _save(link, account, kind, pace.changed({scope: cell.answered(names, at_s) for scope, cell in pace.cells.items()}))


def throttled(link: Connection[Any], ask: Ask, why: ThrottleKind, retry_after_s: float | None) -> None:
    """The service refused the request: all machines make fewer from now on, or have fewer tasks in progress."""
    facts = looked(link, ask)
    pace, bounds, now_s = facts.pace, _bounds(ask, facts), facts.now_s
    slower = {one: pace.of(one).throttled(rate, now_s, why, retry_after_s) for one, rate in bounds.rates.items()}
    _save(link, ask.account, SUBMISSIONS, pace.changed(slower))
    if why is ThrottleKind.QUOTA:
        tasks = _locked(link, ask.account, TASKS)
        fewer = tasks.of(bounds.tasks_scope).crowded(bounds.tasks, now_s, bounds.counted(facts.under_way))
        _save(link, ask.account, TASKS, tasks.changed({bounds.tasks_scope: fewer}))


def query_granted(link: Connection[Any], account: str, token: str, limit: float) -> Permit | Later:
    """The right to ask the service something."""
    link.execute("SET LOCAL synchronous_commit = off")  # what a power cut takes back is older than a second
    limit = shared_limits(link, account).get("queries_per_second", limit)
    pace, now_s = _locked(link, account, QUERIES), database_time_s(link)
    rates = {EVERY_MODEL: limit}
    at_s = pace.at_s(rates, now_s)
    if at_s is None or at_s > now_s + AHEAD_S:
        return Later(in_s=AGAIN_S if at_s is None else at_s - now_s - ASKED_S)
    _save(link, account, QUERIES, pace.left(token, EVERY_MODEL, rates, at_s, now_s))
    return Permit(token=token, in_s=max(at_s - now_s, 0.0))


def dead(link: Connection[Any], executor: str) -> None:
    """What a process has sent that has ended has arrived, or never will: its places are free in a second."""
    for account, kind, cells in link.execute("SELECT account, kind, cells FROM kfpipe.pace").fetchall():
        held = {token for cell in cells.values() for token in cell["held"] if token.startswith(f"{executor}:")}
        if held:
            answered(link, account, kind, held)


def database_time_s(link: Connection[Any]) -> float:
    """The database's clock, which is the only one that all machines share."""
    row = link.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row is not None
    return float(row[0])


def prompt_digest(asked: Asked) -> str:
    """What requests have in common that the account's list cannot tell apart; all of a model that shows no prompt."""
    shown = orphans.folded(asked.prompt) if catalogue.shows_prompt(asked.model) else ""
    return hashlib.sha256(shown.encode()).hexdigest()[:32]


# ---- one step each ---------------------------------------------------------------------------------------------------


def _locked(link: Connection[Any], account: str, kind: str) -> SharedPace:
    sql = "SELECT cells FROM kfpipe.pace WHERE account = %s AND kind = %s FOR UPDATE"
    row = link.execute(sql, [account, kind]).fetchone()
    if row is None:
        link.execute("INSERT INTO kfpipe.pace (account, kind) VALUES (%s, %s) ON CONFLICT DO NOTHING", [account, kind])
        row = link.execute(sql, [account, kind]).fetchone()
    assert row is not None
    return SharedPace.from_json(row[0])


def _save(link: Connection[Any], account: str, kind: str, pace: SharedPace) -> None:
    link.execute(
        "UPDATE kfpipe.pace SET cells = %s WHERE account = %s AND kind = %s",
        [json.dumps(pace.to_json()), account, kind],
    )


_AT_WORK: Final = """
SELECT limits FROM kfpipe.run WHERE account = %(account)s
    AND (SELECT true FROM kfpipe.job WHERE job.run = run.run AND NOT is_over LIMIT 1)
"""
"""The limits of runs that still wait for something. With EXISTS, all open jobs would be read to join them."""

_LOOK: Final = f"""
SELECT
    coalesce((SELECT jsonb_agg(jsonb_build_array(key, state, executor)) FROM kfpipe.request
        WHERE job = %(job)s AND state NOT IN ('failed', 'canceled', 'lost')), '[]'),
    coalesce((SELECT is_draining FROM kfpipe.worker WHERE executor = %(executor)s), false),
    EXISTS (SELECT FROM kfpipe.request WHERE account = %(account)s AND model = %(model)s AND state = 'submitting'
        AND prompt = %(prompt)s AND key != %(key)s),
    coalesce((SELECT jsonb_object_agg(model, tasks) FROM (SELECT model, count(*) AS tasks FROM kfpipe.request
        WHERE account = %(account)s AND state IN ('submitting', 'submitted') AND key != %(key)s
        GROUP BY model) one), '{{}}'),
    coalesce((SELECT own_limits FROM kfpipe.account WHERE account = %(account)s), '{{}}'),
    coalesce((SELECT jsonb_agg(limits) FROM ({_AT_WORK}) one), '[]'),
    coalesce((SELECT cells FROM kfpipe.pace WHERE account = %(account)s AND kind = %(tasks)s), '{{}}'),
    extract(epoch FROM clock_timestamp())::float8
"""  # noqa: S608  of parts that are written here
"""Twins are requests with one prompt: the account's list could not tell them apart."""

_MINT: Final = """
WITH paced AS (UPDATE kfpipe.pace SET cells = %(cells)s WHERE account = %(account)s AND kind = %(kind)s)
INSERT INTO kfpipe.request
    (account, key, job, state, entry, fingerprint, model, prompt, executor, token, minted_at)
VALUES (%(account)s, %(key)s, %(job)s, 'submitting', %(entry)s, %(fingerprint)s, %(model)s, %(prompt)s, %(executor)s,
    %(token)s, clock_timestamp())
ON CONFLICT (account, key) DO UPDATE SET token = excluded.token, minted_at = excluded.minted_at,
    noted_at = clock_timestamp()
"""


def _words(ask: Ask) -> dict[str, object]:
    return {
        "account": ask.account,
        "key": ask.key,
        "job": ask.job,
        "executor": ask.executor,
        "model": ask.asked.model,
        "prompt": prompt_digest(ask.asked),
        "tasks": TASKS,
    }


def _bounds(ask: Ask, facts: Look) -> Ceilings:
    return ceilings(ask.asked.model, ask.catalogue, in_force(facts.own_limits, facts.manifests))


def _mint(link: Connection[Any], ask: Ask, token: str, pace: SharedPace) -> None:
    """Put the request on record with its token, and that it leaves."""
    words = _words(ask) | {
        "kind": SUBMISSIONS,
        "cells": json.dumps(pace.to_json()),
        "entry": json.dumps(entry_to_json(Submitting(asked=ask.asked))),
        "fingerprint": ask.asked.fingerprint,
        "token": token,
    }
    link.execute(_MINT, words)
