"""What becomes of a request's link, and of its file's place. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from kfpipe.domain import NEVER_CREATED
from kfpipe.lock.states import Entry, Failed, Rendered, Succeeded

LINK_LIFE: Final = timedelta(hours=24)
"""How long a result's link lasts when it does not say so itself. Source: API reference, 10.4."""


def failures(entries: Iterable[Entry], fingerprint: str) -> int:
    """How often this request has failed, counting every time it was made; one that never arrived has not."""
    failed = (one for one in entries if isinstance(one, Failed) and one.failure.code != NEVER_CREATED)
    return sum(one.asked.fingerprint == fingerprint for one in failed)


def at_place(entry: Rendered, path: str) -> Rendered:
    """The request once its file is here."""
    if entry.render.path == path:
        return entry
    return replace(entry, render=replace(entry.render, path=path, moved=entry.render.moved + 1))


def without_dead_signature(entry: Entry, now: datetime) -> Entry:
    """The entry, its link cut down to the bare address once the link has expired.

    That of a clip that is not here yet stays whole: its own host says when it is dead, not the clock on this desk.
    """
    return without_signature(entry) if isinstance(entry, Rendered) and entry.result.url_expires_at <= now else entry


def without_signature(entry: Rendered | Succeeded) -> Rendered | Succeeded:
    """The entry, its link cut down to the bare address: the host does not take it any more."""
    bare, signed, _ = entry.result.video_url.partition("?")
    return replace(entry, result=replace(entry.result, video_url=bare)) if signed else entry


def has_dead_link(entry: Succeeded | Rendered, now: datetime) -> bool:
    """Whether the clip cannot be downloaded any more: its time is over, and its host has said so."""
    return entry.result.url_expires_at <= now and "?" not in entry.result.video_url
