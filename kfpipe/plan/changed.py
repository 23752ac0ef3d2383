"""Which takes on record have been changed in the manifest since. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kfpipe.domain import MediaInput, MediaRole, RemoteMedium, Take, in_order
from kfpipe.lock.states import Asked, Lock
from kfpipe.takes import fingerprint


def changed_ids(takes: Sequence[Take], lock: Lock) -> frozenset[str]:
    """The ids of those of `takes` whose latest request on record is not the one that the manifest asks for.

    A take that is not on record is not among them. One whose pictures are still to be cut is, when its own text has
    changed, or when a take that it continues from has: that one's clip will be a different one.
    """
    found: set[str] = set()
    for take in in_order(takes):
        record = lock.get(take.id)
        if record is not None and (_differs(take, record.entry.asked) or not found.isdisjoint(take.sources)):
            found.add(take.id)
    return frozenset(found)


def _differs(take: Take, asked: Asked) -> bool:
    """Whether the request has changed, as far as it is known: missing pictures are taken to be those on record."""
    if not take.cuts:
        return take.fingerprint != asked.fingerprint
    lent = (
        MediaInput(role=role, medium=RemoteMedium(url="", digest=asked.media.get(role, ""))) for role, _ in take.cuts
    )
    media = sorted((*take.request.media, *lent), key=lambda given: tuple(MediaRole).index(given.role))
    return fingerprint.of(replace(take.request, media=tuple(media))) != asked.fingerprint
