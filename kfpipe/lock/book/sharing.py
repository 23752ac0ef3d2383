"""Who may hold how many places of a limit: they are dealt out among the runs at work, as cards are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

EVERY_MODEL: Final = "*"
"""The scope of a limit that the manifest gives for all models together."""

Unheld = Mapping[str, int]


class LimitKind(StrEnum):
    """What is limited. Places for tasks are held until the task has ended, the others for about a second."""

    SUBMISSIONS = "submissions"
    TASKS = "tasks"
    QUERIES = "queries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one run holds of a limit.

    `scope` is a model, a group of them, or all; `places` the limit as this run knows it. Of the places that it has
    `held`, it can give back all but `busy`; `wanted` is how many it has a use for. A run that has ended wants none, and
    what it still holds is free in a moment.
    """

    run: str
    kind: LimitKind
    scope: str
    places: int
    held: int
    wanted: int
    busy: int = 0
    is_over: bool = False

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from the others of its kind."""
        return self.run, self.scope


def allowed(own: Share, others: Sequence[Share], left: Unheld, turn: int) -> int:
    """How many places the run may use from now on: more than it has where some are free, fewer where others lack them.

    Those that are busy it goes on holding until they are free.
    `others` are all other shares of the kind, `left` counts the tasks that no run holds a place for, by model. The sum
    of what is held never grows beyond the lowest limit of the runs at work. `turn` says who comes first: nobody does
    for long.
    """
    return min(_within(own, pool, taken, turn) for pool, taken in _pools(own, others, left))


def _pools(own: Share, others: Sequence[Share], left: Unheld) -> Iterator[tuple[list[Share], int]]:
    """The groups of shares that keep one limit together with this one, and the places that nobody holds any more."""
    shares = [own, *others]
    if any(share.scope == EVERY_MODEL and not share.is_over for share in shares):
        yield shares, sum(left.values())
    models = {share.scope for share in shares} - {EVERY_MODEL} if own.scope == EVERY_MODEL else {own.scope}
    for model in sorted(models):
        yield [share for share in shares if share.scope in (model, EVERY_MODEL)], left.get(model, 0)


def _within(own: Share, pool: Sequence[Share], taken: int, turn: int) -> int:
    limit = min(share.places for share in pool if not share.is_over)
    cooling = sum(share.held for share in pool if share.is_over)
    wanted = {share.name: share.wanted for share in pool if not share.is_over}
    dealt_out = dealt(wanted, limit - taken - cooling, turn)
    free = max(limit - taken - sum(share.held for share in pool), 0)
    target = dealt_out[own.name]
    if target >= own.held:
        return own.held + min(target - own.held, free)
    lacking = sum(
        max(dealt_out[share.name] - share.held, 0) for share in pool if share is not own and not share.is_over
    )
    return max(target, own.held - max(lacking - free, 0))


def dealt(wanted: Mapping[tuple[str, str], int], places: int, turn: int) -> dict[tuple[str, str], int]:
    """Who gets how many of the places: one each in turn, until there are none or nobody wants more."""
    hands, names = dict.fromkeys(wanted, 0), sorted(wanted)
    while places > 0 and (still := [name for name in names if hands[name] < wanted[name]]):
        first = turn % len(still)  # of those who want more: else who follows one that has enough would come first twice
        for name in [*still[first:], *still[:first]][:places]:
            hands[name] += 1
        places -= len(still)
    return hands
