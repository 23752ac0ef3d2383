"""How a record goes from one state to the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from kfpipe.lock.states import Entry, Failed, Record, Rendered, Succeeded, is_rehearsal, may_be_billed, task_of


def failures(record: Record) -> int:
    """How often the record's latest request has failed, counting every time it was made."""
    fingerprint = record.entry.asked.fingerprint
    return sum(
        isinstance(entry, Failed) and entry.asked.fingerprint == fingerprint
        for entry in (*record.previous, record.entry)
    )


def next_serial(record: Record | None) -> int:
    """The number of the take's next request."""
    return 1 if record is None else record.entry.asked.serial + 1


def applied(record: Record | None, entry: Entry) -> Record:
    """The record after a transition.

    Applying a take's whole history again, to a record that holds any part of it, gives the same record. An entry of the
    current request replaces it; that of a later one moves the current one to `previous` when it was or may be billed;
    that of an earlier one finds its place there. A task appears once, where its clip was last restored.
    """
    if record is None:
        return Record(entry=entry)
    if _request(entry) == _request(record.entry):
        return replace(record, entry=entry)
    if _request(entry) > _request(record.entry):
        previous = _remembered(record.previous, record.entry)
        apart = tuple(other for other in previous if not _is_of_one_task(other, entry))
        return replace(record, entry=entry, previous=apart, picked=False)
    if _is_of_one_task(entry, record.entry):
        return replace(record, previous=_apart_from(record.previous, entry))
    return replace(record, previous=_remembered(record.previous, entry))


def _request(entry: Entry) -> tuple[int, datetime, str]:
    """What makes it one request, in the order of time. Two machines may have given one number to different ones."""
    return entry.asked.serial, entry.asked.asked_at, entry.asked.fingerprint


def _remembered(previous: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    if task_of(entry) is None and not may_be_billed(entry):
        return previous
    others = _apart_from(previous, entry)
    if any(_is_of_one_task(other, entry) for other in others):  # where its clip was restored
        return others
    return tuple(sorted((*others, entry), key=_request))


def _apart_from(entries: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    return tuple(other for other in entries if _request(other) != _request(entry))


def _is_of_one_task(one: Entry, other: Entry) -> bool:
    task, same = task_of(one), task_of(other)
    return task is not None and same is not None and task.task_id == same.task_id


def earlier_clip(record: Record, fingerprint: str, region: str) -> Rendered | None:
    """The latest clip of an earlier request that was just this one, and that a run in `region` may restore."""
    clips = (
        entry
        for entry in reversed(record.previous)
        if isinstance(entry, Rendered) and entry.asked.fingerprint == fingerprint and not is_rehearsal(entry, region)
    )
    return next(clips, None)


def put_back(record: Record, clip: Rendered, path: str) -> Rendered:
    """The entry by which an earlier clip of the take becomes its latest again, at `path`; its bill stays as it was."""
    asked = replace(clip.asked, serial=next_serial(record))
    return replace(clip, asked=asked, render=replace(clip.render, path=path))


def without_dead_signature(entry: Entry, now: datetime) -> Entry:
    """The entry, its link cut down to the bare address once the link has expired.

    That of a clip that is not here yet stays whole: its own host says when it is dead, not the clock on this desk.
    """
    return without_signature(entry) if isinstance(entry, Rendered) and entry.result.url_expires_at <= now else entry


def without_signature(entry: Rendered | Succeeded) -> Rendered | Succeeded:
    """The entry, its link cut down to the bare address: the host does not take it any more."""
    bare, signed, _ = entry.result.video_url.partition("?")
    return replace(entry, result=replace(entry.result, video_url=bare)) if signed else entry


def has_dead_link(entry: Succeeded, now: datetime) -> bool:
    """Whether the clip cannot be downloaded any more: its time is over, and its host has said so."""
    return entry.result.url_expires_at <= now and "?" not in entry.result.video_url
