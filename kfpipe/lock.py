"""What is on record: the state of each take as a type, its transitions, and its JSON form. No files.

A take goes *absent*, `Submitting`, `Submitted`, `Succeeded`, `Rendered`; or ends `Failed`; or is `Unclear` until a
person decides. Each state is built from the parts that are known by then:

    Asked    what was asked for, and at which price      (all states)
    Task     the service's receipt                       (from Submitted on)
    Result   the finished clip at the service, its cost  (from Succeeded on)
    Render   the file here                               (Rendered)

A take that is rendered again keeps its earlier tasks in `Record.previous`. `Asked.serial` numbers the requests of
one take from 1, so that applying a transition twice, or to a lock that already holds it, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from kfpipe.domain import EMULATOR_REGION, MediaRole, Parameters
from kfpipe.files.scalars import decimal_text, parse_decimal, parse_time, time_text

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it was sent.

    `template` is the effect asked for, `media` holds a digest per role, `unit_price` is per second, None when unknown.
    """

    serial: int
    fingerprint: str
    model: str
    region: str
    prompt: str
    negative_prompt: str
    parameters: Parameters
    media: Mapping[MediaRole, str]
    unit_price: Decimal | None
    currency: str
    asked_at: datetime
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The service's receipt. `request_id` is None when the task was found in the account's list."""

    task_id: str
    request_id: str | None
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished clip at the service. `cost` is None only when the price is unknown."""

    finished_at: datetime
    video_url: str
    url_expires_at: datetime
    actual_prompt: str | None
    billed_seconds: Decimal
    cost: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """The finished video file; `path` is relative to the manifest's folder."""

    path: str
    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    fps: Decimal
    duration_s: Decimal
    audio: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no clip. `billed` is None when nobody can tell any more."""

    code: str
    message: str
    request_id: str | None
    billed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitting:
    """The intent is on record; whether the service has heard of it is not known."""

    asked: Asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """The answer was lost, and any of the tasks `candidates` may be the take's own: a person has to decide."""

    asked: Asked
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    asked: Asked
    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """Paid for, still at the service."""

    asked: Asked
    task: Task
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    asked: Asked
    task: Task
    result: Result
    render: Render


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """No clip. `task` is None when the request itself was refused."""

    asked: Asked
    task: Task | None
    failed_at: datetime
    failure: Failure


Entry = Submitting | Unclear | Submitted | Succeeded | Rendered | Failed

STATES: Final[Mapping[str, type[Entry]]] = {
    "submitting": Submitting,
    "unclear": Unclear,
    "submitted": Submitted,
    "succeeded": Succeeded,
    "rendered": Rendered,
    "failed": Failed,
}
_ROLES: Final = {str(role): role for role in MediaRole}
_STATE_NAMES: Final = {state: name for name, state in STATES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is known of one take: its latest request, and every earlier one that was or may be billed."""

    entry: Entry
    previous: tuple[Entry, ...] = ()
    picked: bool = False


Lock = Mapping[str, Record]
"""Records by take id."""


def state_name(entry: Entry) -> str:
    """The state's word in the lockfile and in every table."""
    return _STATE_NAMES[type(entry)]


def task_of(entry: Entry) -> Task | None:
    """The service's receipt, once there is one."""
    return None if isinstance(entry, Submitting | Unclear) else entry.task


def result_of(entry: Entry) -> Result | None:
    """What was paid for, once the service has delivered."""
    return entry.result if isinstance(entry, Succeeded | Rendered) else None


def entries(lock: Lock) -> Iterator[Entry]:
    """Every request on record, of all takes."""
    for record in lock.values():
        yield from record.previous
        yield record.entry


def task_ids(lock: Lock) -> set[str]:
    """The ids of all tasks that have an owner here."""
    tasks = (task_of(entry) for entry in entries(lock))
    return {task.task_id for task in tasks if task is not None}


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
    that of an earlier one finds its place there. A task stands once, where its clip was put back last.
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


def is_rehearsal(entry: Entry, region: str) -> bool:
    """Whether the emulator has answered a request that is meant for the service in `region`."""
    return entry.asked.region == EMULATOR_REGION != region


def may_be_billed(entry: Entry) -> bool:
    """Whether nobody can tell if the service bills this request."""
    return isinstance(entry, Unclear) or (isinstance(entry, Failed) and entry.failure.billed is None)


def _remembered(previous: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    if task_of(entry) is None and not may_be_billed(entry):
        return previous
    others = _apart_from(previous, entry)
    if any(_is_of_one_task(other, entry) for other in others):  # where its clip was put back
        return others
    return tuple(sorted((*others, entry), key=_request))


def _apart_from(entries: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    return tuple(other for other in entries if _request(other) != _request(entry))


def _is_of_one_task(one: Entry, other: Entry) -> bool:
    task, same = task_of(one), task_of(other)
    return task is not None and same is not None and task.task_id == same.task_id


def earlier_clip(record: Record, fingerprint: str, region: str) -> Rendered | None:
    """The latest clip of an earlier request that was just this one, and that a run in `region` may put back."""
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
    """The entry, its link cut down to the bare address once the link has expired."""
    if not isinstance(entry, Succeeded | Rendered) or entry.result.url_expires_at > now:
        return entry
    bare, signed, _ = entry.result.video_url.partition("?")
    return replace(entry, result=replace(entry.result, video_url=bare)) if signed else entry


def spent(billed: Iterable[Entry]) -> dict[str, Decimal]:
    """What these requests cost, by currency, as far as prices are known."""
    totals: dict[str, Decimal] = {}
    for entry in billed:
        result = result_of(entry)
        if result is not None and result.cost is not None:
            currency = entry.asked.currency
            totals[currency] = totals.get(currency, Decimal(0)) + result.cost
    return totals


# ---- JSON ------------------------------------------------------------------------------------------------------


def to_json(lock: Lock) -> dict[str, Any]:
    """The lockfile as plain data, takes sorted by id."""
    return {"kfpipe_lock": FORMAT, "takes": {take_id: record_to_json(lock[take_id]) for take_id in sorted(lock)}}


def from_json(data: Mapping[str, Any]) -> dict[str, Record]:
    """The inverse of `to_json`, for data that fits `schemas/lock.schema.json`."""
    return {take_id: record_from_json(fields) for take_id, fields in data["takes"].items()}


def record_to_json(record: Record) -> dict[str, Any]:
    return {
        **entry_to_json(record.entry),
        "picked": record.picked,
        "previous": [entry_to_json(entry) for entry in record.previous],
    }


def record_from_json(fields: Mapping[str, Any]) -> Record:
    return Record(
        entry=entry_from_json(fields),
        previous=tuple(entry_from_json(entry) for entry in fields["previous"]),
        picked=fields["picked"],
    )


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """One flat object with every field; what is not known yet is null."""
    asked, task, result = entry.asked, task_of(entry), result_of(entry)
    finished_at = entry.failed_at if isinstance(entry, Failed) else result and result.finished_at
    return {
        "state": state_name(entry),
        "serial": asked.serial,
        "fingerprint": asked.fingerprint,
        "model": asked.model,
        "region": asked.region,
        "seed": asked.parameters.seed,
        "parameters": _parameters_to_json(asked),
        "prompt": asked.prompt,
        "negative_prompt": asked.negative_prompt,
        "media": {str(role): digest for role, digest in asked.media.items()},
        "asked_at": time_text(asked.asked_at),
        "candidates": list(entry.candidates) if isinstance(entry, Unclear) else None,
        "task_id": task and task.task_id,
        "request_id": task and task.request_id,
        "submitted_at": task and time_text(task.submitted_at),
        "finished_at": finished_at and time_text(finished_at),
        "video_url": result and result.video_url,
        "url_expires_at": result and time_text(result.url_expires_at),
        "actual_prompt": result and result.actual_prompt,
        "billed_seconds": result and decimal_text(result.billed_seconds),
        "unit_price": decimal_text(asked.unit_price),
        "cost": result and decimal_text(result.cost),
        "currency": asked.currency,
        "render": _render_to_json(entry.render) if isinstance(entry, Rendered) else None,
        "failure": _failure_to_json(entry.failure) if isinstance(entry, Failed) else None,
    }


def entry_from_json(fields: Mapping[str, Any]) -> Entry:
    state, asked = STATES[fields["state"]], _asked(fields)
    if state is Submitting:
        return Submitting(asked=asked)
    if state is Unclear:
        return Unclear(asked=asked, candidates=tuple(fields["candidates"]))
    if state is Failed:
        task = None if fields["task_id"] is None else _task(fields)
        failed_at = parse_time(fields["finished_at"])
        return Failed(asked=asked, task=task, failed_at=failed_at, failure=Failure(**fields["failure"]))
    if state is Submitted:
        return Submitted(asked=asked, task=_task(fields))
    if state is Succeeded:
        return Succeeded(asked=asked, task=_task(fields), result=_result(fields))
    return Rendered(asked=asked, task=_task(fields), result=_result(fields), render=_render(fields["render"]))


def _parameters_to_json(asked: Asked) -> dict[str, Any]:
    """The settings but for the seed, which stands by itself; what few requests have is named by those alone."""
    parameters = asked.parameters
    rare = {"audio": parameters.audio, "template": asked.template}
    return {
        "resolution": parameters.resolution,
        "duration": parameters.duration_s,
        "prompt_extend": parameters.prompt_extend,
        "watermark": parameters.watermark,
    } | {name: value for name, value in rare.items() if value is not None}


def _asked(fields: Mapping[str, Any]) -> Asked:
    parameters = fields["parameters"]
    return Asked(
        serial=fields["serial"],
        fingerprint=fields["fingerprint"],
        model=fields["model"],
        region=fields["region"],
        prompt=fields["prompt"],
        negative_prompt=fields["negative_prompt"],
        parameters=Parameters(
            resolution=parameters["resolution"],
            duration_s=parameters["duration"],
            prompt_extend=parameters["prompt_extend"],
            watermark=parameters["watermark"],
            seed=fields["seed"],
            audio=parameters.get("audio"),
        ),
        media={_ROLES[role]: digest for role, digest in fields["media"].items()},
        unit_price=parse_decimal(fields["unit_price"]),
        currency=fields["currency"],
        asked_at=parse_time(fields["asked_at"]),
        template=parameters.get("template"),
    )


def _task(fields: Mapping[str, Any]) -> Task:
    return Task(
        task_id=fields["task_id"], request_id=fields["request_id"], submitted_at=parse_time(fields["submitted_at"])
    )


def _result(fields: Mapping[str, Any]) -> Result:
    return Result(
        finished_at=parse_time(fields["finished_at"]),
        video_url=fields["video_url"],
        url_expires_at=parse_time(fields["url_expires_at"]),
        actual_prompt=fields["actual_prompt"],
        billed_seconds=Decimal(fields["billed_seconds"]),
        cost=parse_decimal(fields["cost"]),
    )


def _render_to_json(render: Render) -> dict[str, Any]:
    return {
        "path": render.path,
        "sha256": render.sha256,
        "bytes": render.size_bytes,
        "width": render.width_px,
        "height": render.height_px,
        "fps": decimal_text(render.fps),
        "duration": decimal_text(render.duration_s),
        "audio": render.audio,
    }


def _render(fields: Mapping[str, Any]) -> Render:
    return Render(
        path=fields["path"],
        sha256=fields["sha256"],
        size_bytes=fields["bytes"],
        width_px=fields["width"],
        height_px=fields["height"],
        fps=Decimal(fields["fps"]),
        duration_s=Decimal(fields["duration"]),
        audio=fields["audio"],
    )


def _failure_to_json(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code,
        "message": failure.message,
        "request_id": failure.request_id,
        "billed": failure.billed,
    }
