"""Two branches have rendered: one lock out of both. Pure, and the same whichever side is called ours.

Requests are joined (see `join`), for which no common ancestor is needed. A pick is a choice, not knowledge: that of the
side that has changed it counts, and where both have, differently, a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kfpipe.lock.join import join
from kfpipe.lock.states import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A shot of which each side has picked another take; None: no take."""

    shot_id: str
    ours: str | None
    theirs: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """All that either side knows; its picks without those that clash."""

    lock: Lock
    clashes: tuple[Clash, ...]


def merge(base: Lock, ours: Lock, theirs: Lock) -> Merged:
    """What `ours` and `theirs` know, which both come from `base`. Nothing on record is ever dropped."""
    picked, clashes = _picks(base.picked, ours.picked, theirs.picked)
    return Merged(lock=Lock(requests=join(ours.requests, theirs.requests), picked=picked), clashes=clashes)


def _picks(
    base: Mapping[str, str], ours: Mapping[str, str], theirs: Mapping[str, str]
) -> tuple[dict[str, str], tuple[Clash, ...]]:
    picked: dict[str, str] = {}
    clashes: list[Clash] = []
    for shot_id in sorted(base.keys() | ours.keys() | theirs.keys()):
        before, mine, other = base.get(shot_id), ours.get(shot_id), theirs.get(shot_id)
        if mine != other and before not in (mine, other):
            clashes.append(Clash(shot_id=shot_id, ours=mine, theirs=other))
            continue
        chosen = other if mine == before else mine
        if chosen is not None:
            picked[shot_id] = chosen
    return picked, tuple(clashes)
