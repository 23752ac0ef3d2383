"""A run's share of the account's limits, beside those of all other runs of the user.

Places are handed between runs by the account book. A run uses those that it holds as it sees fit, without asking
again: the book is only asked when a request waits for a place, or when others do. A place of a rate is taken until a
window after the answer, like one of a `Pacer`; so what holds for one run holds for all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from kfpipe.events import Event, Unshared
from kfpipe.lock.book.account_book import AccountBook, Grant, LeftTask, Rival
from kfpipe.lock.book.database import BookLost
from kfpipe.lock.book.elsewhere import is_of_use, place_at
from kfpipe.lock.book.sharing import EVERY_MODEL, LimitKind, Share
from kfpipe.lock.ledger import RunLedger
from kfpipe.lock.states import Asked, Entry, Submitted, Submitting
from kfpipe.runner.gate import Gate
from kfpipe.runner.holding import BEAT_S, Holding, SharedGate, SharedSlots
from kfpipe.runner.slots import Slots

T = TypeVar("T")

CALM_BEAT_S: Final = 5.0
"""How often a run looks at what others have written where nothing happens: then it holds no place without a use."""

_GATHERED_FOR_S: Final = 0.02
"""So long does what is to be written wait for a claim to be written with, or for more."""

_CALMER: Final = 1.5
"""By so much each pause is longer than the one before, as long as nothing happens."""

THOROUGH_S: Final = 0.5
"""How often a run that lacks places looks for others that have died."""

DETACHED_PATIENCE_S: Final = 2.0
"""How long a run that waits for no task waits for a place."""

NO_RIVALS: Final[Sequence[Rival]] = ()


class Shares:
    """All that a run shares with others of its account. Without a book it is alone, and keeps its limits by itself.

    `followed` are the requests left behind by earlier runs that this one brings to their end, by model.
    """

    def __init__(
        self,
        book: AccountBook | None,
        ledger: RunLedger,
        emit: Callable[[Event], None],
        *,
        now_s: Callable[[], float],
        since_s: float = 0.0,
        followed: dict[str, list[str]] | None = None,
        is_detached: bool = False,
    ) -> None:
        """`now_s` is the time of day, in seconds; `since_s` is when the plan was made."""
        self.is_alone = book is None
        self._book = book
        self._ledger = ledger
        self._emit = emit
        self._now_s = now_s
        self._since_s = since_s
        self._followed = dict(followed or {})
        self._patience_s = DETACHED_PATIENCE_S if is_detached else math.inf
        self._holdings: list[Holding] = []
        self._thread = anyio.CapacityLimiter(1)
        self._settling = anyio.Lock()
        self._thorough_at_s = -math.inf
        self._is_short = False
        self._lost: AccountBook | None = None
        self._noted: dict[str, Entry] = {}
        self._kick = anyio.Event()
        self._signs = 0

    # ---- limits ------------------------------------------------------------------------------------------------------

    def gate(self, kind: LimitKind, limit_per_s: float, scope: str = EVERY_MODEL, *, harmless: bool = False) -> Gate:
        """Where requests of this kind queue up; `harmless` ones may be sent again."""
        if self.is_alone:
            return Gate(limit_per_s, harmless=harmless)
        return SharedGate(limit_per_s, self._holding(kind, scope, limit_per_s), harmless=harmless)

    def slots(self, limit: int, scope: str = EVERY_MODEL) -> Slots:
        """The places for tasks in progress; those of tasks that are followed are held from the start."""
        if self.is_alone:
            return Slots(limit)
        models = [*self._followed] if scope == EVERY_MODEL else [scope]
        held = sum(len(self._followed.get(model, ())) for model in models)
        return SharedSlots(limit, self._holding(LimitKind.TASKS, scope, limit, held), self._patience_s)

    def _holding(self, kind: LimitKind, scope: str, limit: float, held: int = 0) -> Holding:
        self._holdings.append(holding := Holding(self, kind, scope, limit, held))
        return holding

    # ---- requests ----------------------------------------------------------------------------------------------------

    async def rival_of(self, key: str, asked: Asked) -> str | None:
        """Where the same clip is under way in another project; None: nowhere, and the book has this request now."""
        settled: list[Rival] = []
        while True:
            rivals = await self._ask(partial(self._claimed, key, asked, tuple(settled)), NO_RIVALS)
            for rival in rivals:
                if rival.is_live or await anyio.to_thread.run_sync(_is_open, rival.lockfile, rival.request):
                    return str(rival.lockfile)
            if not rivals:
                return None
            settled += rivals

    def _claimed(self, key: str, asked: Asked, settled: Sequence[Rival], book: AccountBook) -> Sequence[Rival]:
        self._write_noted(book)
        return book.claim(key, asked, self._now_s(), since_s=self._since_s, besides=settled)

    async def is_anothers(self, task_id: str) -> bool:
        """Whether another project has the task on record."""
        return await self._ask(lambda book: book.is_anothers(task_id, self._ledger.requests.view.keys()), False)

    def note(self, key: str, entry: Entry) -> None:
        """Something new is on record about a request; it is in the book in a moment."""
        if not self.is_alone and not isinstance(entry, Submitting):
            self._noted[key] = entry
            if isinstance(entry, Submitted):  # others must know a task before they see it in the account's list
                self._kick.set()

    # ---- the book ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow what other runs do, and write down what this one has, until cancelled."""
        beat_s, signs = BEAT_S, self._signs
        while not self.is_alone:
            with anyio.move_on_after(beat_s):
                await self._kick.wait()
                await anyio.sleep(_GATHERED_FOR_S)  # a claim that is made meanwhile takes what there is with it
            self._kick = anyio.Event()
            await self._write_down()
            is_calm = not await self._keep_up() and signs == self._signs
            beat_s, signs = min(beat_s * _CALMER, CALM_BEAT_S) if is_calm else BEAT_S, self._signs

    def sign(self) -> None:
        """A request leaves now, or has its answer: some microseconds, so that a dead run's places need not be kept."""
        self._signs += 1
        if self._book is not None:
            self._book.sign()

    async def left_tasks(self) -> list[LeftTask]:
        """What other runs have left behind, if this one lacks places for its tasks."""
        if not any(one.kind is LimitKind.TASKS and one.lacks for one in self._holdings):
            return []
        return await self._ask(lambda book: book.left_tasks(self._now_s()), [])

    async def release(self, request: str) -> None:
        """The task of a request that was left behind has ended."""
        await self._ask(lambda book: book.ended(request), None)

    async def close(self) -> None:
        """Give all places back."""
        await self._write_down()
        keys = self._ledger.requests.view.keys()
        own = [one.offer(self._run, anyio.current_time()) for one in self._holdings]
        await self._ask(lambda book: book.leave(keys, self._now_s(), own), None)
        if self._lost is not None:
            with suppress(BookLost):
                await anyio.to_thread.run_sync(self._lost.close)

    async def settle_for(self, holding: Holding) -> bool:
        """Ask for more places, where that may help; whether the book was asked."""
        now_s = anyio.current_time()
        is_due = now_s - self._thorough_at_s >= THOROUGH_S
        if is_due or holding.wanted(now_s) != holding.written or self._is_changed():
            await self._settle()
            return True
        return False

    async def _keep_up(self) -> bool:
        """Take note of what others have written; whether there was a reason to look."""
        is_due = bool(self._holdings) and (self._is_short or self._is_changed())
        if is_due:
            await self._settle()
        return is_due

    async def _settle(self) -> None:
        async with self._settling:
            now_s = anyio.current_time()
            is_thorough = now_s - self._thorough_at_s >= THOROUGH_S
            holdings, followed = list(self._holdings), []
            if any(one.kind is LimitKind.TASKS for one in holdings):
                followed = [key for keys in self._followed.values() for key in keys]
            offered = [one.offer(self._run, now_s) for one in holdings]
            answer: tuple[list[Grant], bool] | None = None
            try:
                answer = await self._ask(
                    lambda book: book.settle(offered, followed, self._now_s(), is_thorough=is_thorough), None
                )
            finally:
                for place, one in enumerate(holdings):
                    one.take_back(None if answer is None else answer[0][place])
            if answer is not None:
                self._take_note(holdings, offered, is_thorough=is_thorough, is_short=answer[1])

    def _take_note(self, holdings: list[Holding], offered: list[Share], *, is_thorough: bool, is_short: bool) -> None:
        for one, share in zip(holdings, offered, strict=True):
            one.written = share.wanted
        if any(one.kind is LimitKind.TASKS for one in holdings):
            self._followed.clear()
        if is_thorough:
            self._thorough_at_s = anyio.current_time()
        self._is_short = is_short

    @property
    def _run(self) -> str:
        return "" if self._book is None else self._book.run

    async def _write_down(self) -> None:
        if self._noted:
            await self._ask(self._write_noted, None)

    def _write_noted(self, book: AccountBook) -> None:
        """In the book's own thread, one after another: so a later note of a request is never written before."""
        noted = [self._noted.popitem() for _ in range(len(self._noted))]
        if noted:
            book.note(noted, self._now_s())

    def _is_changed(self) -> bool:
        try:
            return self._book is not None and self._book.is_changed()
        except BookLost as lost:
            self._lose(lost)
            return False

    async def _ask(self, question: Callable[[AccountBook], T], otherwise: T) -> T:
        """What the book says, in a thread of its own; `otherwise` where there is none any more."""
        book = self._book
        if book is None:
            return otherwise
        try:
            return await anyio.to_thread.run_sync(question, book, limiter=self._thread)
        except BookLost as lost:
            self._lose(lost)
            return otherwise

    def _lose(self, lost: BookLost) -> None:
        """Go on without the book: it is a help, and not the record."""
        if self._book is not None:
            self._lost, self._book, self.is_alone = self._book, None, True
            self._emit(Unshared(reason=str(lost)))
            for holding in self._holdings:
                holding.take_back()


def _is_open(place: Path, request: str) -> bool:
    """Whether a request of another project may still get its clip, or has it in place, by its own record."""
    there = place_at(place)
    entry = None if there is None else there.requests.view.get(request)
    return there is not None and entry is not None and is_of_use(there, entry)
