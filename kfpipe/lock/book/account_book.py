"""One run's hold on the account book: its places, its requests, and what other runs and projects have there."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kfpipe.lock.book import presence
from kfpipe.lock.book.database import BookLost, Database, as_lost
from kfpipe.lock.book.presence import Presence
from kfpipe.lock.book.sharing import LimitKind, Share, allowed
from kfpipe.lock.states import Asked, Entry, Submitted, Submitting, state_name, task_of

TURN_S: Final = 2.0
"""How long one run comes first where places cannot be shared evenly."""

COOLING_S: Final = 1.05
"""How long the places of a run stay taken after its last sign: the service may still count its last requests."""

TASK_LIFE_S: Final = 24 * 3600.0
"""No task is in progress for longer. Source: API reference, section 1."""

UNANSWERED_LIFE_S: Final = 3600.0
"""The same for a request without an answer, of which nobody can ask: renders take minutes."""

KEPT_FOR_S: Final = 30 * 86400.0
KEPT_ROWS: Final = 100_000
"""Of the requests that are not in progress, the newest."""

_UPSERT: Final = """
INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    state = excluded.state, task = excluded.task, noted_at = excluded.noted_at, run = excluded.run,
    is_in_progress = excluded.is_in_progress
WHERE state != excluded.state OR task IS NOT excluded.task
"""

_LEFT: Final = """
FROM request WHERE is_in_progress AND run NOT IN (SELECT run FROM run)
    AND asked_at > ? - CASE WHEN task IS NULL THEN ? ELSE ? END
    AND request NOT IN (SELECT request FROM request WHERE is_in_progress AND run IN (SELECT run FROM run))
"""
"""The tasks in progress that runs have left behind: no run holds a place for them."""

_RIVALS: Final = """
SELECT request, lockfile, run IN (SELECT run FROM run) FROM request
WHERE (fingerprint IN (?, ?) OR reseeds IN (?, ?)) AND lockfile != ?
    AND (state IN ('submitting', 'submitted', 'succeeded', 'unclear') OR (state = 'rendered' AND noted_at > ?))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The places of one limit that a run has: it may use fewer than it holds while others wait for some of them."""

    held: int
    may_use: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A request of another project for the same clip. `is_live`: the run that has it in hand is at work."""

    request: str
    lockfile: Path
    is_live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftTask:
    """A request that a run has left behind, and its task, if it had an answer."""

    request: str
    lockfile: Path
    task_id: str | None


_NO_GROUPS: Final[Mapping[str, str]] = {}


class AccountBook:
    """The book while a run is at work. To be used by one thread at a time; all raise BookLost.

    `groups` are the names under which models share their limits; tasks of one group are counted together.
    """

    def __init__(self, path: Path, lockfile: Path, groups: Mapping[str, str] = _NO_GROUPS) -> None:
        self.lockfile = lockfile
        self._groups = groups
        self._database = Database(path)
        self._folder = path.parent / "runs"
        with as_lost():
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._presence = Presence(self._folder)
        self.run = self._presence.run

    def is_changed(self) -> bool:
        """Whether anybody may have written since this run last looked; never waits."""
        return self._database.is_changed()

    def sign(self) -> None:
        """A request leaves now, or has its answer."""
        self._presence.sign()

    # ---- coming and going --------------------------------------------------------------------------------------------

    def enter(self, known: Iterable[tuple[str, Entry]], keys: Collection[str], now_s: float) -> None:
        """Come in with what this project has on record, as far as others may ask for it.

        `keys` are all its requests: what the book has of others without an answer was never made.
        """
        with self._database.change() as link:
            link.execute("INSERT INTO run VALUES (?, ?, ?)", (self.run, os.getpid(), str(self.lockfile)))
            self._bury_the_dead(link, now_s)
            self._forget_unmade(link, keys)
            asked = "SELECT request, state, task FROM request WHERE lockfile = ?"
            noted = {key: (state, task) for key, state, task in link.execute(asked, (str(self.lockfile),))}
            new = ((key, entry) for key, entry in known if noted.get(key) != _standing(entry))
            link.executemany(_UPSERT, [self._row(key, entry, now_s, run="") for key, entry in new])

    def leave(
        self, keys: Collection[str], now_s: float, own: Sequence[Share] = (), *, kept_rows: int = KEPT_ROWS
    ) -> None:
        """Give everything back but the places of tasks that go on, and of requests of the last second; and go."""
        try:
            with self._database.change() as link:
                self._forget_unmade(link, keys)
                busy = [(share.busy, self.run, share.kind, share.scope) for share in own]
                link.executemany("UPDATE share SET held = ? WHERE run = ? AND kind = ? AND scope = ?", busy)
                self._bury(link, self.run, now_s)
                link.execute("DELETE FROM request WHERE noted_at < ?", (now_s - KEPT_FOR_S,))
                link.execute(
                    "DELETE FROM request WHERE NOT is_in_progress AND noted_at < "
                    "(SELECT noted_at FROM request ORDER BY noted_at DESC LIMIT 1 OFFSET ?)",
                    (kept_rows - 1,),
                )
        finally:
            self.close()

    def close(self) -> None:
        """Go without a word, as a run does that has lost the book."""
        self._presence.end()
        self._database.close()

    def _bury_the_dead(self, link: sqlite3.Connection, now_s: float) -> None:
        for (run,) in link.execute("SELECT run FROM run WHERE run != ?", (self.run,)).fetchall():
            signed_s = presence.last_sign_s(self._folder, run, now_s)
            if signed_s is not None:
                self._bury(link, run, signed_s)

    def _bury(self, link: sqlite3.Connection, run: str, signed_s: float) -> None:
        link.execute("DELETE FROM run WHERE run = ?", (run,))
        link.execute("DELETE FROM share WHERE run = ? AND (kind = ? OR NOT held)", (run, LimitKind.TASKS))
        link.execute("UPDATE share SET wanted = 0, until = ? WHERE run = ?", (signed_s + COOLING_S, run))

    def _forget_unmade(self, link: sqlite3.Connection, keys: Collection[str]) -> None:
        asked = "SELECT request FROM request WHERE lockfile = ? AND state = 'submitting'"
        unmade = [(key, str(self.lockfile)) for (key,) in link.execute(asked, (str(self.lockfile),)) if key not in keys]
        link.executemany("DELETE FROM request WHERE request = ? AND lockfile = ?", unmade)

    # ---- places ------------------------------------------------------------------------------------------------------

    def settle(
        self, own: Sequence[Share], followed: Collection[str], now_s: float, *, is_thorough: bool
    ) -> tuple[list[Grant], bool]:
        """What this run has of each limit from now on, and whether other runs want more than they hold.

        `followed` are requests left behind that it takes on, with their places. `is_thorough`: look for dead runs, too.
        As long as it is alone it is given all.
        """
        with self._database.change() as link:
            if is_thorough:
                self._bury_the_dead(link, now_s)
            runs = {run for (run,) in link.execute("SELECT run FROM run")}
            if self.run not in runs:
                raise BookLost("another run has taken this one for dead")
            link.executemany("UPDATE request SET run = ? WHERE request = ?", [(self.run, key) for key in followed])
            link.execute("DELETE FROM share WHERE until NOT BETWEEN ? AND ?", (now_s, now_s + COOLING_S))
            known = {(share.kind, *share.name): share for share in self._shares(link)}
            left = self._left(link, now_s)
            grants = []
            for share in own if runs != {self.run} else [replace(one, wanted=one.places) for one in own]:
                id_ = (share.kind, *share.name)
                known[id_], before = share, known.get(id_)
                others = [one for key, one in known.items() if key[0] is share.kind and key != id_]
                may_use = allowed(share, others, left if share.kind is LimitKind.TASKS else {}, int(now_s / TURN_S))
                known[id_] = after = replace(share, held=max(may_use, share.busy))
                if before is None or (before.places, before.held, before.wanted) != (
                    after.places,
                    after.held,
                    after.wanted,
                ):
                    link.execute(
                        "INSERT OR REPLACE INTO share VALUES (?, ?, ?, ?, ?, ?, NULL)",
                        (self.run, after.kind, after.scope, after.places, after.held, after.wanted),
                    )
                grants.append(Grant(held=after.held, may_use=may_use))
            is_short = any(one.wanted > one.held and one.run != self.run and not one.is_over for one in known.values())
            return grants, is_short

    @staticmethod
    def _shares(link: sqlite3.Connection) -> Iterable[Share]:
        for run, kind, scope, places, held, wanted, until in link.execute("SELECT * FROM share"):
            yield Share(
                run=run,
                kind=LimitKind(kind),
                scope=scope,
                places=places,
                held=held,
                wanted=wanted,
                is_over=until is not None,
            )

    @staticmethod
    def _left(link: sqlite3.Connection, now_s: float) -> dict[str, int]:
        ages = (now_s, UNANSWERED_LIFE_S, TASK_LIFE_S)
        return dict(link.execute(f"SELECT model, count(DISTINCT request) {_LEFT} GROUP BY model", ages).fetchall())

    def left_tasks(self, now_s: float) -> list[LeftTask]:
        """The requests that runs have left behind and that may still be in progress, oldest first."""
        ages = (now_s, UNANSWERED_LIFE_S, TASK_LIFE_S)
        asked = f"SELECT request, lockfile, max(task) {_LEFT} GROUP BY request ORDER BY asked_at"
        rows = self._database.query(asked, *ages)
        return [
            LeftTask(request=str(key), lockfile=Path(str(lockfile)), task_id=None if task is None else str(task))
            for key, lockfile, task in rows
        ]

    def ended(self, request: str) -> None:
        """The request's task holds no place any more."""
        with self._database.change() as link:
            link.execute("UPDATE request SET is_in_progress = 0 WHERE request = ?", (request,))

    # ---- requests ----------------------------------------------------------------------------------------------------

    def claim(
        self, key: str, asked: Asked, now_s: float, *, since_s: float, besides: Collection[Rival] = ()
    ) -> list[Rival]:
        """Note that the request is about to be made, unless another project has one for the same clip; then those.

        Those `besides` are known to be settled, and so are clips that were rendered before `since_s`.
        """
        with self._database.note() as link:
            alike = (asked.fingerprint, asked.reseeds) * 2
            found = link.execute(_RIVALS, (*alike, str(self.lockfile), since_s)).fetchall()
            rivals = [Rival(request=one, lockfile=Path(place), is_live=bool(live)) for one, place, live in found]
            settled = {(rival.request, rival.lockfile) for rival in besides}
            rivals = [rival for rival in rivals if (rival.request, rival.lockfile) not in settled]
            if not rivals:
                link.execute(_UPSERT, self._row(key, Submitting(asked=asked), now_s, run=self.run))
            return rivals

    def note(self, known: Iterable[tuple[str, Entry]], now_s: float) -> None:
        """What has become of this run's requests."""
        with self._database.note() as link:
            link.executemany(_UPSERT, [self._row(key, entry, now_s, run=self.run) for key, entry in known])

    def is_anothers(self, task_id: str, own: Collection[str]) -> bool:
        """Whether another project has the task on record, for none of these requests."""
        found = self._database.query(
            "SELECT request FROM request WHERE task = ? AND lockfile != ?", task_id, str(self.lockfile)
        )
        return any(key not in own for (key,) in found)

    def _row(self, key: str, entry: Entry, now_s: float, *, run: str) -> tuple[object, ...]:
        asked, (state, task) = entry.asked, _standing(entry)
        return (
            key,
            str(self.lockfile),
            asked.fingerprint,
            asked.reseeds,
            self._groups.get(asked.model, asked.model),
            state,
            task,
            asked.asked_at.timestamp(),
            now_s,
            run,
            isinstance(entry, Submitting | Submitted),
        )


def _standing(entry: Entry) -> tuple[str, str | None]:
    """The state of a request, and its task."""
    task = task_of(entry)
    return state_name(entry), None if task is None else task.task_id
