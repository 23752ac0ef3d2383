"""Requests as plain JSON data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from kfpipe.domain import Account, MediaRole, Parameters, Variant
from kfpipe.files.scalars import decimal_text, exact_decimal, parse_decimal, parse_time, time_text
from kfpipe.lock.states import (
    NO_DOUBTS,
    STATES,
    Approval,
    Asked,
    Doubts,
    Ended,
    Entry,
    Failure,
    Fidelity,
    Lock,
    RefusedFile,
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

FORMAT: Final = 2
_ROLES: Final = {str(role): role for role in MediaRole}
_RARE: Final = ("audio", "template", "variant")


def to_json(lock: Lock) -> dict[str, Any]:
    """The lockfile as plain data, requests sorted by key, picks by shot."""
    picked_from = {take_id: lock.picked_from[take_id] for take_id in sorted(lock.picked_from)}
    return {
        "kfpipe_lock": FORMAT,
        "requests": {key: entry_to_json(lock.requests[key]) for key in sorted(lock.requests)},
        "picked": {shot_id: lock.picked[shot_id] for shot_id in sorted(lock.picked)},
        **({"picked_from": picked_from} if picked_from else {}),
    }


def from_json(data: Mapping[str, Any]) -> Lock:
    """The inverse of `to_json`, for data that fits `schemas/lock.schema.json`."""
    return Lock(
        requests={key: entry_from_json(fields) for key, fields in data["requests"].items()},
        picked=data["picked"],
        picked_from=data.get("picked_from", {}),
    )


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """One flat object with every field; what is not known yet is null."""
    asked, doubts, task, result = entry.asked, entry.doubts, task_of(entry), result_of(entry)
    ended = entry if isinstance(entry, Ended) else None
    finished_at = result.finished_at if result else ended and ended.ended_at
    fields = {
        "state": state_name(entry),
        "fingerprint": asked.fingerprint,
        "account": asked.account and _account_to_json(asked.account),
        "model": asked.model,
        "region": asked.region,
        "seed": asked.parameters.seed,
        "parameters": _settings(asked),
        "prompt": asked.prompt,
        "negative_prompt": asked.negative_prompt,
        "media": {str(role): digest for role, digest in asked.media.items()},
        "asked_at": time_text(asked.asked_at),
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
        "failure": ended and _failure_to_json(ended.failure),
        "candidates": sorted(doubts.candidates),
    }
    return fields | _rare(entry)


def _rare(entry: Entry) -> dict[str, Any]:
    """What few requests have, and only those name."""
    result, doubts = result_of(entry), entry.doubts
    approval = entry.asked.approval
    given = {
        "reseeds": entry.asked.reseeds,
        "approved": approval and approval_to_json(approval),
        "refused": result and result.refused and {"path": result.refused.path, "sha256": result.refused.sha256},
        "given_up_at": doubts.given_up_at and time_text(doubts.given_up_at),
        "contradicted_by": [entry_to_json(rival) for rival in doubts.rivals],
    }
    return {name: value for name, value in given.items() if value}


def entry_from_json(fields: Mapping[str, Any]) -> Entry:
    """The inverse of `entry_to_json`, for data that fits the schema."""
    state, asked, doubts = STATES[fields["state"]], _asked(fields), _doubts(fields)
    if state is Submitting or state is Unclear:
        return state(asked=asked, doubts=doubts)
    task = None if fields["task_id"] is None else _task(fields)
    if fields["failure"] is not None and issubclass(state, Ended):
        ended_at, failure = parse_time(fields["finished_at"]), Failure(**fields["failure"])
        return state(asked=asked, doubts=doubts, task=task, ended_at=ended_at, failure=failure)
    assert task is not None, "the schema asks for a task here"
    if state is Submitted:
        return Submitted(asked=asked, doubts=doubts, task=task)
    if state is Succeeded:
        return Succeeded(asked=asked, doubts=doubts, task=task, result=_result(fields))
    return Rendered(asked=asked, doubts=doubts, task=task, result=_result(fields), render=_render(fields["render"]))


def _doubts(fields: Mapping[str, Any]) -> Doubts:
    given_up_at = fields.get("given_up_at")
    if not fields["candidates"] and given_up_at is None and "contradicted_by" not in fields:
        return NO_DOUBTS
    return Doubts(
        candidates=frozenset(fields["candidates"]),
        given_up_at=given_up_at and parse_time(given_up_at),
        rivals=tuple(map(entry_from_json, fields.get("contradicted_by", ()))),
    )


def _account_to_json(account: Account) -> dict[str, Any]:
    return {"host": account.host, "workspace": account.workspace, "key": account.key, "name": account.name}


def parameters_to_json(parameters: Parameters) -> dict[str, Any]:
    """Every setting of a request, in seconds where it is a time; null where the service is to decide."""
    return {
        "resolution": parameters.resolution,
        "duration": parameters.duration_s,
        "prompt_extend": parameters.prompt_extend,
        "watermark": parameters.watermark,
        "audio": parameters.audio,
        "seed": parameters.seed,
    }


def parameters_from_json(fields: Mapping[str, Any]) -> Parameters:
    """The inverse of `parameters_to_json`; other fields are passed over."""
    return Parameters(
        resolution=fields["resolution"],
        duration_s=fields["duration"],
        prompt_extend=fields["prompt_extend"],
        watermark=fields["watermark"],
        audio=fields["audio"],
        seed=fields["seed"],
    )


def variant_to_json(variant: Variant | None) -> dict[str, str] | None:
    """What tells a request of a model without a seed from others, by name; null where the model has one."""
    return None if variant is None else dict(variant)


def variant_from_json(fields: Mapping[str, str] | None) -> Variant | None:
    """The inverse of `variant_to_json`."""
    return None if fields is None else tuple(sorted(fields.items()))


def _settings(asked: Asked) -> dict[str, Any]:
    """The settings but for the seed, which stands by itself; what few requests have is named by those alone."""
    settings = {
        **parameters_to_json(asked.parameters),
        "template": asked.template,
        "variant": variant_to_json(asked.variant),
    }
    del settings["seed"]
    return {name: value for name, value in settings.items() if value is not None or name not in _RARE}


def _asked(fields: Mapping[str, Any]) -> Asked:
    parameters = fields["parameters"]
    return Asked(
        fingerprint=fields["fingerprint"],
        model=same(fields["model"]),
        region=same(fields["region"]),
        account=fields["account"] and account_of(**fields["account"]),
        prompt=fields["prompt"],
        negative_prompt=same(fields["negative_prompt"]),
        parameters=Parameters(
            resolution=same(parameters["resolution"]),
            duration_s=parameters["duration"],
            prompt_extend=parameters["prompt_extend"],
            watermark=parameters["watermark"],
            audio=parameters.get("audio"),
            seed=fields["seed"],
        ),
        media=media_of(*fields["media"].items()),
        unit_price=parse_decimal(fields["unit_price"]),
        currency=same(fields["currency"]),
        asked_at=parse_time(fields["asked_at"]),
        template=parameters.get("template"),
        variant=variant_from_json(parameters.get("variant")),
        reseeds=fields.get("reseeds"),
        approval=approval_from_json(fields["approved"]) if "approved" in fields else None,
    )


@lru_cache(maxsize=1 << 14)
def same(text: str) -> str:
    """One text in place of all its copies: a large lockfile says few things many times."""
    return text


@lru_cache(maxsize=1 << 14)
def media_of(*digests: tuple[str, str]) -> Mapping[MediaRole, str]:
    """One mapping in place of all that are equal."""
    return {_ROLES[role]: same(digest) for role, digest in digests}


@lru_cache(maxsize=1 << 10)
def account_of(host: str, workspace: str | None, key: str | None, name: str | None) -> Account:
    """One account in place of all that are equal."""
    return Account(host=host, workspace=workspace, key=key, name=name)


def approval_to_json(approval: Approval) -> dict[str, str]:
    """Who agreed, and when."""
    return {"by": approval.by, "at": time_text(approval.at)}


def approval_from_json(fields: Mapping[str, Any]) -> Approval:
    """The inverse of `approval_to_json`."""
    return Approval(by=fields["by"], at=parse_time(fields["at"]))


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
        billed_seconds=exact_decimal(fields["billed_seconds"]),
        cost=parse_decimal(fields["cost"]),
        refused=RefusedFile(**fields["refused"]) if "refused" in fields else None,
    )


def _render_to_json(render: Render) -> dict[str, Any]:
    told = {
        "path": render.path,
        "sha256": render.sha256,
        "bytes": render.size_bytes,
        "width": render.width_px,
        "height": render.height_px,
        "fps": decimal_text(render.fps),
        "duration": decimal_text(render.duration_s),
        "audio": render.audio,
        "codec": render.codec,
        "remarks": list(render.remarks),
        "moved": render.moved,
    }
    if render.fidelity is None:
        return told
    ends = {"first": render.fidelity.first, "last": render.fidelity.last}
    return told | {"fidelity": {end: None if value is None else str(value) for end, value in ends.items()}}


def _render(fields: Mapping[str, Any]) -> Render:
    return Render(
        path=fields["path"],
        sha256=fields["sha256"],
        size_bytes=fields["bytes"],
        width_px=fields["width"],
        height_px=fields["height"],
        fps=exact_decimal(fields["fps"]),
        duration_s=exact_decimal(fields["duration"]),
        audio=fields["audio"],
        codec=fields["codec"] and same(fields["codec"]),
        remarks=tuple(fields["remarks"]),
        moved=fields["moved"],
        fidelity=fidelity_from_json(fields["fidelity"]) if "fidelity" in fields else None,
    )


def fidelity_from_json(fields: Mapping[str, Any]) -> Fidelity:
    """How much the ends of a clip look like their stills."""
    return Fidelity(first=parse_decimal(fields["first"]), last=parse_decimal(fields["last"]))


def _failure_to_json(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code,
        "message": failure.message,
        "request_id": failure.request_id,
        "billed": failure.billed,
    }
