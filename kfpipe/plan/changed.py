"""Which takes on record have been changed in the manifest since. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kfpipe.domain import MediaInput, MediaRole, RemoteMedium, Take, in_order
from kfpipe.lock.records import Record, Records
from kfpipe.lock.states import fingerprints_of
from kfpipe.takes import fingerprint


def changed_ids(takes: Sequence[Take], records: Records) -> frozenset[str]:
    """The ids of those of `takes` that have requests on record, but none that the manifest asks for.

    A take whose pictures are still to be cut is among them when its own text has changed, or when a take that it
    continues from has: that one's clip will be a different one.
    """
    found: set[str] = set()
    for take in in_order(takes):
        record = records.get(take.id)
        if record is not None and (_differs(take, record) or not found.isdisjoint(take.sources)):
            found.add(take.id)
    return frozenset(found)


def _differs(take: Take, record: Record) -> bool:
    """Whether the request has changed, as far as it is known: missing pictures are taken to be those on record."""
    if not take.cuts:
        return not record.is_wanted
    asked = record.entry.asked
    lent = (
        MediaInput(role=role, medium=RemoteMedium(url="", digest=asked.media.get(role, ""))) for role, _ in take.cuts
    )
    media = sorted((*take.request.media, *lent), key=lambda given: tuple(MediaRole).index(given.role))
    return fingerprint.of(replace(take.request, media=tuple(media))) not in fingerprints_of(asked)
