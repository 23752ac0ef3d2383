"""A run among others: it comes into the account book, looks after what dead runs have left at the service, and goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from kfpipe.domain import TaskStatus
from kfpipe.errors import ServiceRefused, ServiceUnclear
from kfpipe.events import Event, Unshared
from kfpipe.lock.book.account_book import AccountBook, LeftTask
from kfpipe.lock.book.database import BookLost
from kfpipe.lock.book.elsewhere import place_at
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Asked, Entry, Submitted, Submitting, is_unsettled, task_of
from kfpipe.plan.model import Plan
from kfpipe.provider import Provider
from kfpipe.runner.shares import Shares

LISTED_FOR: Final = timedelta(hours=48)
"""Requests younger than this are told to the others: the service shows their tasks for half as long."""

LOOK_S: Final = 3.0
"""How often a run that lacks places asks for the tasks that others have left behind."""

LOOKS: Final = 5
"""How many of them it asks for at a time: the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Where a run comes in: `book` is None where it is alone anyway, `since` is when its plan was made.

    `groups` are the names under which models share their limits.
    """

    book: Path | None
    lockfile: Path
    is_ours: Callable[[Asked], bool]
    since: datetime
    now: Callable[[], datetime]
    is_detached: bool = False
    groups: Mapping[str, str] = field(default_factory=dict)

    def now_s(self) -> float:
        """The time of day, in seconds."""
        return self.now().timestamp()


@asynccontextmanager
async def joined_by(
    entrance: Entrance, plan: Plan, ledger: Ledger, emit: Callable[[Event], None]
) -> AsyncIterator[Shares]:
    """The shares of the run that carries out `plan`; what it puts on record is told to the others."""
    book: AccountBook | None = None
    try:
        if entrance.book is not None:
            book = await anyio.to_thread.run_sync(_entered, entrance.book, entrance, ledger)
    except BookLost as lost:
        emit(Unshared(reason=f"{entrance.book}: {lost}"))
    shares = Shares(
        book,
        ledger,
        emit,
        now_s=entrance.now_s,
        since_s=entrance.since.timestamp(),
        followed=_followed(plan, entrance.groups),
        is_detached=entrance.is_detached,
    )
    unheard, ledger.heard = ledger.heard, shares.note
    try:
        yield shares
    finally:
        ledger.heard = unheard
        with anyio.CancelScope(shield=True):
            await shares.close()


def _entered(path: Path, entrance: Entrance, ledger: Ledger) -> AccountBook:
    book = AccountBook(path, entrance.lockfile, entrance.groups)
    try:
        known = ledger.requests.view
        book.enter(_of_interest(known.items(), entrance), known.keys(), entrance.now_s())
    except BaseException:
        with suppress(BookLost):
            book.close()
        raise
    return book


def _of_interest(known: Iterable[tuple[str, Entry]], entrance: Entrance) -> Iterable[tuple[str, Entry]]:
    since = entrance.now() - LISTED_FOR
    for key, entry in known:
        asked = entry.asked
        if (is_unsettled(entry) or asked.asked_at > since) and asked.account is not None and entrance.is_ours(asked):
            yield key, entry


def _followed(plan: Plan, groups: Mapping[str, str]) -> dict[str, list[str]]:
    """The requests that the run brings to their end, and whose tasks may be in progress, by model or group of them."""
    found: dict[str, list[str]] = {}
    for step in plan.work:
        if step.record is not None and isinstance(step.record.entry, Submitted | Submitting):
            found.setdefault(groups.get(step.model, step.model), []).append(step.record.key)
    return found


async def look_after(shares: Shares, provider: Provider) -> None:
    """Free the places of tasks that dead runs have left at the service, as they end, until cancelled."""
    while not shares.is_alone:
        await anyio.sleep(LOOK_S)
        for left in (await shares.left_tasks())[:LOOKS]:
            if await _has_ended(left, provider):
                await shares.release(left.request)


async def _has_ended(left: LeftTask, provider: Provider) -> bool:
    task_id = left.task_id
    if task_id is None:  # the run died before it told, or had no answer: its own record knows
        there = await anyio.to_thread.run_sync(place_at, left.lockfile)
        entry = None if there is None else there.requests.view.get(left.request)
        task = None if entry is None else task_of(entry)
        if task is None or not isinstance(entry, Submitting | Submitted):
            return there is not None and not isinstance(entry, Submitting)
        task_id = task.task_id
    with suppress(ServiceRefused, ServiceUnclear):
        status = (await provider.look(task_id)).status
        return status.is_final and status is not TaskStatus.UNKNOWN
    return False
