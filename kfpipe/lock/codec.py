"""Records as plain JSON data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from kfpipe.domain import MediaRole, Parameters
from kfpipe.files.scalars import decimal_text, parse_decimal, parse_time, time_text
from kfpipe.lock.states import (
    STATES,
    Asked,
    Entry,
    Failed,
    Failure,
    Lock,
    Record,
    Render,
    Rendered,
    Result,
    Submitted,
    Submitting,
    Succeeded,
    Task,
    Unclear,
    result_of,
    state_name,
    task_of,
)

FORMAT: Final = 1
_ROLES: Final = {str(role): role for role in MediaRole}


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
    """The settings but for the seed, which is a field of its own; what few requests have is listed for those only."""
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
