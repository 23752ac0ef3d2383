"""Whose requests are whose: the account that a project's requests go to, and others that are the same.

A new key of an account, or a new way to its host, looks like another account, until the service shows one of our tasks
to it. What was learned so is kept in the state folder; it is no secret, and only saves the question.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Final

from kfpipe import connection, environment
from kfpipe.domain import Account, TaskStatus
from kfpipe.environment import Environment
from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir
from kfpipe.lock.states import Entry, Submitted, Submitting, Unclear, task_of
from kfpipe.plan.model import Whose
from kfpipe.project import Project
from kfpipe.provider import Provider

FILE: Final = "accounts.json"
ASKED_FOR: Final = 3
"""Tasks of an account that the service is asked for before it is taken for another's."""

TASK_LIFE: Final = timedelta(hours=24)
"""How long the service knows a task, at least. Source: API reference, section 1."""


def known(project: Project, settings: Environment) -> Whose:
    """The project's account, and those that are known to be the same."""
    account = connection.account(project, settings)
    return Whose(account=account, same=frozenset(_same(project.state_dir / FILE, account)))


def strangers(whose: Whose, requests: Iterable[Entry], region: str) -> dict[Account, list[Entry]]:
    """Other accounts that unsettled requests of this region are of, with all their requests."""
    entries = [entry for entry in requests if entry.asked.region == region and not whose.is_ours(entry.asked)]
    indebted = {entry.asked.account for entry in entries if isinstance(entry, Submitting | Submitted | Unclear)}
    found: dict[Account, list[Entry]] = {}
    for entry in entries:
        if entry.asked.account is not None and entry.asked.account in indebted:
            found.setdefault(entry.asked.account, []).append(entry)
    return found


async def recognised(
    project: Project, whose: Whose, requests: Iterable[Entry], provider: Provider, random: Random
) -> Whose:
    """The same, with those accounts whose tasks the service shows to us."""
    same = set(whose.same)
    for account, entries in strangers(whose, requests, project.region.name).items():
        if await _shows_one(entries, provider, random):
            same.add(account)
    return taken_for_same(project, whose, same)


def taken_for_same(project: Project, whose: Whose, same: Iterable[Account]) -> Whose:
    """The same, with these accounts taken for the project's own, from now on."""
    learned = replace(whose, same=whose.same.union(same))
    if learned != whose:
        _save(project.state_dir / FILE, learned)
    return learned


async def _shows_one(entries: Iterable[Entry], provider: Provider, random: Random) -> bool:
    """Whether the service shows one of these requests' tasks to our key; only young ones are asked for."""
    from kfpipe.runner.retry import with_retries  # what asks the service is not loaded for a plan

    since = environment.now() - TASK_LIFE
    tasks = [task for entry in entries if (task := task_of(entry)) is not None and task.submitted_at > since]
    for task in sorted(tasks, key=lambda task: task.submitted_at, reverse=True)[:ASKED_FOR]:
        with suppress(ServiceRefused, ServiceUnclear):
            report = await with_retries(lambda: provider.look(task.task_id), random)  # noqa: B023
            if report.status is not TaskStatus.UNKNOWN:
                return True
    return False


def _same(path: Path, account: Account) -> Iterable[Account]:
    """The accounts of the groups that `account` is in. A file that cannot be read tells nothing."""
    groups: list[list[Account]] = []
    with suppress(OSError, ValueError, TypeError):
        groups = [[Account(**fields) for fields in group] for group in json.loads(path.read_bytes())]
    for group in groups:
        if any(account.is_like(one) for one in group):
            yield from group


def _save(path: Path, whose: Whose) -> None:
    """Keep the group. Failing to write is no error: the service is asked again."""
    group = sorted((whose.account, *whose.same), key=lambda account: account.text)
    with suppress(OSError):
        make_state_dir(path.parent)
        durable.replace(path, [json.dumps([[asdict(account) for account in group]], indent=1).encode()])
