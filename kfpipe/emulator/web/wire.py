"""Tasks, pages and refusals as the JSON bodies of the API reference."""

import uuid
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from kfpipe.emulator.models import REGION_IDS, Measure
from kfpipe.emulator.settings import MAIN, Settings, Switch
from kfpipe.emulator.task_list import SERVICE_ZONE, Page
from kfpipe.emulator.tasks import Task, TaskStatus

Json = dict[str, Any]


class Link(Protocol):
    def __call__(self, task: Task, ended_at: float, *, is_marked: bool = False) -> str: ...


_MAIN_ACCOUNT_ID = 100_000_000_001


def request_id() -> str:
    """The id of one HTTP request: another one for every answer."""
    return str(uuid.uuid4())


def refusal(code: str, message: str) -> Json:
    return {"code": code, "message": message, "request_id": request_id()}


def submitted(task: Task) -> Json:
    return {"request_id": task.request_id, "output": {"task_id": task.id, "task_status": TaskStatus.PENDING}}


def unknown(task_id: str) -> Json:
    return {"request_id": request_id(), "output": {"task_id": task_id, "task_status": TaskStatus.UNKNOWN}}


def task(task: Task, now: float, link: Link, settings: Settings) -> Json:
    """The answer to a query. `link` makes the address of a clip from the task and its end."""
    status = task.status(now)
    output: Json = {"task_id": task.id, "task_status": status, **_times(task, status)}
    body: Json = {"request_id": request_id(), "output": output}
    if status is TaskStatus.SUCCEEDED:
        ended_at = task.ended_at()
        assert ended_at is not None
        output.update(_prompts(task, truncates_prompt=settings.truncates_orig_prompt), video_url=link(task, ended_at))
        if task.marked_film is not None:
            output["watermark_video_url"] = link(task, ended_at, is_marked=True)
        body["usage"] = _usage(task, is_odd=Switch.ODD_SR in settings.switches)
    elif status is TaskStatus.FAILED:
        code, message = task.failure() or (None, None)
        told = _present({"code": code, "message": message})
        if Switch.FAILURE_WITHOUT_OUTPUT in settings.switches:
            return {"request_id": body["request_id"], **told}
        output.update(told)
    return body


def page(page: Page, region: str, now: float) -> Json:
    return {
        "request_id": request_id(),
        "page_no": page.query.page_no,
        "page_size": page.query.page_size,
        "total_page": page.total_pages,
        "total": page.total,
        "data": [_entry(task, region, now) for task in page.tasks],
    }


def _entry(task: Task, region: str, now: float) -> Json:
    status = task.status(now)
    has_started = status not in (TaskStatus.PENDING, TaskStatus.CANCELED)
    has_ended = status not in (TaskStatus.PENDING, TaskStatus.RUNNING)
    account_id = _account_id(task.account)
    return _present(
        {
            "task_id": task.id,
            "request_id": task.request_id,
            "status": status,
            "model_name": task.model.name,
            "user_api_unique_key": f"apikey:v1:aigc:{task.model.route}:video-synthesis:{task.model.name}",
            "region": REGION_IDS[region],
            "api_key_id": task.key_id,
            "caller_uid": account_id,
            "caller_parent_id": account_id,
            "gmt_create": _epoch_ms(task.submitted_at),
            "start_time": _epoch_ms(task.started_at) if has_started else None,
            "end_time": _epoch_ms(task.ended_at()) if has_ended else None,
        }
    )


def _account_id(account: str) -> str:
    return str(_MAIN_ACCOUNT_ID if account == MAIN else _MAIN_ACCOUNT_ID + 1 + zlib.crc32(account.encode()))


def _times(task: Task, status: TaskStatus) -> Json:
    if status in (TaskStatus.PENDING, TaskStatus.RUNNING) and not task.model.times_before_end:
        return {}
    has_started = status not in (TaskStatus.PENDING, TaskStatus.CANCELED)
    has_ended = status not in (TaskStatus.PENDING, TaskStatus.RUNNING)
    return _present(
        {
            "submit_time": _time_of_day(task.submitted_at),
            "scheduled_time": _time_of_day(task.started_at) if has_started else None,
            "end_time": _time_of_day(task.ended_at()) if has_ended else None,
        }
    )


def _prompts(task: Task, *, truncates_prompt: bool) -> Json:
    assert task.order is not None
    rules, rewritten = task.model.prompts, None
    if rules.may_be_rewritten and task.order.prompt_extend and task.prompt:
        rewritten = f"{task.prompt.rstrip('. ')}. The movement is smooth and continuous, the light natural."
    original = task.order.prompt if truncates_prompt else task.prompt
    return _present({"orig_prompt": original if rules.is_shown else None, "actual_prompt": rewritten})


def _usage(task: Task, *, is_odd: bool) -> Json:
    measured = _measured(task)
    if is_odd:
        measured[Measure.TIER_TEXT] = ""
    usage = {name: measured[measure] for name, measure in task.model.usage.items()}
    if task.quirks.has_float_usage:
        return {name: float(value) if type(value) is int else value for name, value in usage.items()}
    return usage


def _measured(task: Task) -> dict[Measure, Any]:
    order, seconds = task.order, task.billed_seconds
    assert order is not None
    number = order.tier.removesuffix("P")
    return {
        Measure.SECONDS: seconds,
        Measure.SECONDS_FLOAT: float(seconds),
        Measure.GIVEN: order.clip_seconds,
        Measure.GIVEN_FLOAT: float(order.clip_seconds),
        Measure.MADE: seconds - order.clip_seconds,
        Measure.MADE_FLOAT: float(seconds - order.clip_seconds),
        Measure.ZERO: 0,
        Measure.ONE: 1,
        Measure.STANDARD: "standard",
        Measure.TIER: int(number) if number.isdigit() else None,
        Measure.TIER_TEXT: number if number.isdigit() else order.tier_spelled,
        Measure.SIZE: f"{order.width_px}*{order.height_px}",
        Measure.FPS: task.model.frames_per_second,
        Measure.RATIO: order.ratio,
        Measure.SOUND: order.has_sound,
    }


def _present(fields: Mapping[str, Any]) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _time_of_day(epoch_s: float | None) -> str | None:
    if epoch_s is None:
        return None
    return datetime.fromtimestamp(epoch_s, SERVICE_ZONE).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _epoch_ms(epoch_s: float | None) -> int | None:
    return None if epoch_s is None else round(epoch_s * 1000)
