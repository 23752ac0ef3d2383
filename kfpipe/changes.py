"""Which takes on record the manifest asks for otherwise by now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from graphlib import TopologicalSorter

from kfpipe.domain import MediaInput, MediaRole, RemoteMedium, Take
from kfpipe.lock.states import Asked, Lock
from kfpipe.takes import fingerprint


def changed(takes: Sequence[Take], lock: Lock) -> frozenset[str]:
    """The ids of those of `takes` whose latest request on record is not the one that the manifest asks for.

    A take that is not on record is none of them. One whose pictures are still to be cut is, when its own words have
    changed, or when a take that it goes on from has: that one's clip will be another.
    """
    made = {take.id: take for take in takes}
    found: set[str] = set()
    for take_id in TopologicalSorter({take.id: _sources(take) for take in takes}).static_order():
        take, record = made.get(take_id), lock.get(take_id)
        if take is None or record is None:
            continue
        if _differs(take, record.entry.asked) or not found.isdisjoint(_sources(take)):
            found.add(take_id)
    return frozenset(found)


def _sources(take: Take) -> list[str]:
    return [cut.take_id for _, cut in take.cuts]


def _differs(take: Take, asked: Asked) -> bool:
    """Whether the request has changed, as far as it is known: missing pictures are taken to be those on record."""
    if not take.cuts:
        return take.fingerprint != asked.fingerprint
    lent = (
        MediaInput(role=role, medium=RemoteMedium(url="", digest=asked.media.get(role, ""))) for role, _ in take.cuts
    )
    media = sorted((*take.request.media, *lent), key=lambda given: tuple(MediaRole).index(given.role))
    return fingerprint.of(replace(take.request, media=tuple(media))) != asked.fingerprint
