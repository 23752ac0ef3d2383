"""Two branches have rendered: one lock out of both. Pure, and the same whichever side is called ours.

Requests are joined (see `join`), for which no common ancestor is needed. A pick is a choice, not knowledge: that of the
side that has changed it counts, and where both have, differently, a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kfpipe.files.scalars import time_text
from kfpipe.lock.join import join
from kfpipe.lock.states import Entry, Lock
from kfpipe.values import dataclass


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

    def picking(self, shot_id: str, take_id: str | None, key: str | None) -> Merged:
        """The same with this take of the shot picked on the clip of the request `key`; None: no take."""
        picked = {shot: take for shot, take in self.lock.picked.items() if shot != shot_id}
        picked |= {} if take_id is None else {shot_id: take_id}
        clashes = tuple(clash for clash in self.clashes if clash.shot_id != shot_id)
        picked_from = {take: made_on for take, made_on in self.lock.picked_from.items() if take != take_id}
        picked_from |= {} if take_id is None or key is None else {take_id: key}
        lock = replace(self.lock, picked=picked, picked_from=_still_chosen(picked_from, picked, clashes))
        return Merged(lock=lock, clashes=clashes)


def merge(base: Lock, ours: Lock, theirs: Lock) -> Merged:
    """What `ours` and `theirs` know, which both come from `base`. Nothing on record is ever dropped."""
    requests = join(ours.requests, theirs.requests)
    picked, clashes = _picks(base.picked, ours.picked, theirs.picked)
    both = _picked_from(base.picked_from, ours.picked_from, theirs.picked_from, requests)
    lock = Lock(requests=requests, picked=picked, picked_from=_still_chosen(both, picked, clashes))
    return Merged(lock=lock, clashes=clashes)


def _still_chosen(
    picked_from: Mapping[str, str], picked: Mapping[str, str], clashes: Sequence[Clash]
) -> Mapping[str, str]:
    """Without the takes that neither a pick nor a side of a clash names."""
    chosen = {*picked.values(), *(take_id for clash in clashes for take_id in (clash.ours, clash.theirs))}
    return {take_id: key for take_id, key in picked_from.items() if take_id in chosen}


def _picked_from(
    base: Mapping[str, str], ours: Mapping[str, str], theirs: Mapping[str, str], requests: Mapping[str, Entry]
) -> dict[str, str]:
    """By take, the request whose clip it was picked on: by the side that has changed it, where both have, the later."""

    def rank(key: str) -> tuple[bool, str, str]:
        entry = requests.get(key)
        return entry is not None, "" if entry is None else time_text(entry.asked.asked_at), key

    picked_from: dict[str, str] = {}
    for take_id in ours.keys() | theirs.keys():
        before, sides = base.get(take_id), (ours.get(take_id), theirs.get(take_id))
        changed = [key for key in sides if key != before] or [before]
        chosen = max(filter(None, changed), key=rank, default=None)
        if chosen is not None:
            picked_from[take_id] = chosen
    return picked_from


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
