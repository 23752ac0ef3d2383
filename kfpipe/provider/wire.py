"""Our values <-> the service's JSON. The service's own spellings stop here.

Answers are read leniently (API reference, section 5): what is missing, null or of an odd type becomes None, numbers
may be floats or text, unknown fields are ignored. Where a required field is missing, the answer is
`ServiceUnclear`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final, assert_never
from urllib.parse import parse_qsl

from kfpipe.catalogue import Dialect, Model, Setting
from kfpipe.domain import MediaRole, Parameters, RenderRequest, TaskStatus
from kfpipe.errors import ServiceUnclear
from kfpipe.provider import Accepted, ListedTask, TaskReport
from kfpipe.provider.codes import Verdict, verdict
from kfpipe.wording import TERMINAL_COMMANDS

MESSAGE_LIMIT_CHARS: Final = 500
URL_LIMIT_CHARS: Final = 4096
_STATUSES: Final = {status.value: status for status in TaskStatus}
_BILLED_SECONDS_MAX: Final = Decimal(86_400)
_TASK_ID: Final = re.compile(r"(?!\.)[^/\\\x00-\x1f\x7f]{1,200}")
"""What names a task. It becomes part of addresses and file names, so nothing else is accepted."""

_FIELDS: Final = {MediaRole.FIRST_FRAME: "img_url", MediaRole.DRIVING_AUDIO: "audio_url"}
"""Where a model that takes one picture wants its media."""

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_HIGH_TIER: Final = re.compile(r"[1-9]K")
_SIGNED_AT: Final = "%Y%m%dT%H%M%SZ"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")

Json = Mapping[str, Any]

# ---- requests --------------------------------------------------------------------------------------------------


def submit_path(model: Model) -> str:
    """Where the model's tasks are created, relative to the base address."""
    return f"services/aigc/{model.path}"


def submit_body(
    request: RenderRequest, media_urls: Mapping[MediaRole, str], *, model: Model, wire_name: str
) -> dict[str, Any]:
    """The body that creates the task: all that the model has, and nothing else, whatever the service's defaults are."""
    words = {"prompt": request.prompt} if request.template is None else {"template": request.template}
    if request.negative_prompt:
        words["negative_prompt"] = request.negative_prompt
    parameters = {**model.constants, **_settings(request.parameters, model)}
    return {"model": wire_name, "input": words | _media(media_urls, model.dialect), "parameters": parameters}


def _settings(asked: Parameters, model: Model) -> dict[str, Any]:
    """The settings under the service's names and in its spelling."""
    given = {
        Setting.RESOLUTION: model.spellings.get(asked.resolution, asked.resolution),
        Setting.DURATION: asked.duration_s,
        Setting.PROMPT_EXTEND: asked.prompt_extend,
        Setting.WATERMARK: asked.watermark,
        Setting.SEED: asked.seed,
        Setting.AUDIO: asked.audio,
    }
    return {name: given[setting] for setting, name in model.parameters.items() if given[setting] is not None}


def _media(media_urls: Mapping[MediaRole, str], dialect: Dialect) -> dict[str, Any]:
    in_order = [(role, media_urls[role]) for role in MediaRole if role in media_urls]
    match dialect:
        case Dialect.MEDIA:
            return {"media": [{"type": str(role), "url": url} for role, url in in_order]}
        case Dialect.PICTURES:
            return {"media": [{"type": "image", "url": url} for _, url in in_order]}
        case Dialect.KEYFRAMES:
            return {f"{role}_url": url for role, url in in_order}
        case Dialect.PICTURE:
            return {_FIELDS[role]: url for role, url in in_order}
        case other:
            assert_never(other)


# ---- answers ---------------------------------------------------------------------------------------------------


def json_object(content: bytes, *, secret: str) -> dict[str, Any] | None:
    """The JSON object of an answer, or None. `secret` is struck out of every text in it, should it be echoed.

    Half a surrogate pair, which is left where a text was cut within an emoji, could not be written to any file.
    """
    try:
        answer = json.loads(content, parse_float=Decimal, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    return _harmless(answer, secret) if b"\\u" in content or secret.encode() in content else answer


def _harmless(value: Any, secret: str) -> Any:
    if isinstance(value, str):
        return value.replace(secret, "***").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {key: _harmless(part, secret) for key, part in value.items()}
    if isinstance(value, list):
        return [_harmless(part, secret) for part in value]
    return value


def accepted(answer: Json) -> Accepted:
    """The receipt of a submission. Raises `ServiceUnclear` without a task id: nobody knows what became of it."""
    task_id = _task_id(_object(answer, "output").get("task_id"))
    if task_id is None:
        raise ServiceUnclear("the answer to the submission contains no task id")
    return Accepted(task_id=task_id, request_id=_text(answer.get("request_id")))


def task_report(answer: Json, task_id: str) -> TaskReport:
    """What the service says of the task that was asked for.

    Raises `ServiceUnclear` for another task, or a status that is not known.
    """
    output, usage = _object(answer, "output"), _object(answer, "usage")
    status = _status(output.get("task_status"))
    if status is None:
        raise ServiceUnclear(f"the answer contains no known task status ({clean(str(output.get('task_status')))})")
    if _text(output.get("task_id")) not in (None, task_id):
        raise ServiceUnclear("the answer is about another task")
    video_url = _text(output.get("video_url"), URL_LIMIT_CHARS)
    return TaskReport(
        task_id=task_id,
        status=status,
        request_id=_text(answer.get("request_id")),
        video_url=video_url,
        url_expires_at=None if video_url is None else url_expires_at(video_url),
        orig_prompt=_prompt(output.get("orig_prompt")),
        actual_prompt=_prompt(output.get("actual_prompt")),
        billed_seconds=_seconds(usage.get("duration")) or _seconds(usage.get("video_duration")),
        resolution=_resolution(usage.get("SR")),
        audio=sound if isinstance(sound := usage.get("audio"), bool) else None,
        code=_text(output.get("code")),
        message=_message(output),
    )


def failed_without_output(status: int, content: bytes, task_id: str, *, secret: str) -> TaskReport | None:
    """The end of a task whose answer has a reason in place of an output, as has been seen of partners' models.

    Only what is final is taken for the task's end: all else may be about the question.
    """
    answer = json_object(content, secret=secret) if status == 200 and b'"output"' not in content else None
    code = None if answer is None else _text(answer.get("code"))
    if answer is None or code is None or verdict(code, _message(answer) or "") is not Verdict.FINAL:
        return None
    return TaskReport(
        task_id=task_id,
        status=TaskStatus.FAILED,
        request_id=_text(answer.get("request_id")),
        code=code,
        message=_message(answer),
    )


def listed_tasks(answer: Json, *, wire_name: str) -> tuple[Sequence[ListedTask], bool]:
    """A page of the task list, and whether another one follows.

    A row that cannot be read makes the page unclear rather than shorter: a task that is overlooked is paid for twice.
    Raises `ServiceUnclear`.
    """
    rows = answer.get("data")
    if not isinstance(rows, list):
        raise ServiceUnclear("the answer contains no task list")
    page, pages = _number(answer.get("page_no")), _number(answer.get("total_page"))
    if page is None or pages is None:
        raise ServiceUnclear("the answer does not say how long the task list is")
    return tuple(_listed_task(row, wire_name) for row in rows), page < pages


def is_whole_page(answer: Json, *, size: int) -> bool:
    """Whether a page of the task list holds as many tasks as it should by its own numbers, for which `size` were asked.

    A service that cuts its pages short without saying so would hide tasks. It may say that its pages are smaller.
    """
    rows, page, total = answer.get("data"), _number(answer.get("page_no")), _number(answer.get("total"))
    granted = _number(answer.get("page_size"))
    if not isinstance(rows, list) or page is None or total is None or granted is None or not 0 < granted <= size:
        return False
    return len(rows) == max(0, min(granted, total - (page - 1) * granted))


def _listed_task(row: Any, wire_name: str) -> ListedTask:
    """One row of the task list. Raises `ServiceUnclear`."""
    fields: Json = row if isinstance(row, dict) else {}
    told = [fields.get(name) for name in ("task_id", "request_id", "model_name", "status", "gmt_create")]
    try:
        return _task_of(wire_name, *told)
    except TypeError:  # a list or an object where a text or a number should be
        return _task_of.__wrapped__(wire_name, *told)


@lru_cache(maxsize=4096, typed=True)  # a task in progress is listed as often as the list is read
def _task_of(wire_name: str, task_id: Any, request_id: Any, model: Any, status: Any, created: Any) -> ListedTask:
    """What a row says, whose times are epoch milliseconds. Raises `ServiceUnclear`."""
    its_id, created_ms = _task_id(task_id), _number(created)
    created_at = None if created_ms is None else _moment_ms(int(created_ms))
    if its_id is None or created_at is None:
        raise ServiceUnclear("a row of the task list has no id or no time")
    return ListedTask(
        task_id=its_id,
        request_id=_text(request_id),
        model=_text(model) or wire_name,
        # An unknown status: at least it is not known to be over.
        status=_status(status) or TaskStatus.RUNNING,
        created_at=created_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPolicy:
    """Leave to store files for one model, for `life_s` from the answer on. `fields` go into every form."""

    host: str
    folder: str
    life_s: float
    fields: Mapping[str, str]


def upload_policy(answer: Json) -> UploadPolicy:
    """Where and how a file may be uploaded. Numbers may come as text here (API reference, C15).

    Raises `ServiceUnclear`.
    """
    data = _object(answer, "data")
    host, folder = _text(data.get("upload_host")), _text(data.get("upload_dir"))
    if host is None or folder is None:
        raise ServiceUnclear("the upload policy names no folder")
    return UploadPolicy(
        host=host,
        folder=folder.strip("/"),
        life_s=float(_number(data.get("expire_in_seconds")) or 0),
        fields={
            "OSSAccessKeyId": str(data.get("oss_access_key_id", "")),
            "Signature": str(data.get("signature", "")),
            "policy": str(data.get("policy", "")),
            "x-oss-object-acl": str(data.get("x_oss_object_acl", "private")),
            "x-oss-forbid-overwrite": str(data.get("x_oss_forbid_overwrite", "true")),
            "success_action_status": "200",
        },
    )


# ---- headers ---------------------------------------------------------------------------------------------------


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the service asks to wait, from seconds or an HTTP date; None when it does not say."""
    wish = headers.get("retry-after", "").strip()
    seconds = _number(wish)
    if seconds is not None:
        return max(0.0, float(seconds))
    moment = _date(wish)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """The time of the answer by the clock of who gave it; None when it does not say."""
    return _date(headers.get("date", ""))


@lru_cache(maxsize=4)
def _date(text: str) -> datetime | None:
    """What an HTTP date says: answers that come within a second bear the same."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def range_size_bytes(content_range: str, offset_bytes: int) -> int | None:
    """The whole file's size by the Content-Range of a partial answer; None when it does not say.

    Raises `ServiceUnclear` unless the part begins at `offset_bytes`, where it was asked to.
    """
    found = re.fullmatch(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", content_range.strip(), re.ASCII)
    if found is None or int(found[1]) != offset_bytes:
        raise ServiceUnclear("the server sent a different part of the file than requested")
    return None if found[2] == "*" else int(found[2])


# ---- pieces ----------------------------------------------------------------------------------------------------


def clean(text: str, limit_chars: int = MESSAGE_LIMIT_CHARS) -> str:
    """The text on one line, without control characters, at most `limit_chars` long.

    A blank takes their place: closed up, the halves of a key that was echoed in two could become whole again.
    """
    is_word = text.isascii() and text.isprintable() and " " not in text  # as ids, codes and addresses are
    plain = text if is_word else " ".join(_CONTROL.sub(" ", TERMINAL_COMMANDS.sub(" ", text)).split())
    return plain if len(plain) <= limit_chars else plain[: limit_chars - 1] + "…"


def url_expires_at(url: str) -> datetime | None:
    """When a signed link expires; None when it does not say.

    By its `Expires` (epoch seconds), or by the date and the life that newer signatures have (`X-Amz-`, `x-oss-`).
    """
    given = {name.lower(): value for name, value in parse_qsl(url.partition("?")[2].partition("#")[0])}
    expires = _number(given.get("expires"))
    if expires is not None:
        return _moment_ms(int(expires * 1000))
    for maker in ("x-amz", "x-oss"):
        signed_at, life_s = given.get(f"{maker}-date", ""), _number(given.get(f"{maker}-expires"))
        with suppress(ValueError, OverflowError):
            if life_s is not None:
                return datetime.strptime(signed_at, _SIGNED_AT).replace(tzinfo=UTC) + timedelta(seconds=int(life_s))
    return None


def is_task_id(text: str) -> bool:
    """Whether `text` can name a task."""
    return _TASK_ID.fullmatch(text) is not None


def _task_id(value: Any) -> str | None:
    text = _text(value)
    return text if text is not None and is_task_id(text) else None


def _object(answer: Json, name: str) -> Json:
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def _text(value: Any, limit_chars: int = MESSAGE_LIMIT_CHARS) -> str | None:
    return clean(value, limit_chars) or None if isinstance(value, str) else None


def _message(fields: Json) -> str | None:
    return _text(fields.get("message")) or _text(fields.get("msg"))


def _prompt(value: Any) -> str | None:
    """A prompt to the letter: it is compared with the one that was sent."""
    return value if isinstance(value, str) and value else None


def _status(value: Any) -> TaskStatus | None:
    word = value.upper() if isinstance(value, str) else ""
    # One page of the reference spells it with two L (C12).
    return _STATUSES.get("CANCELED" if word == "CANCELLED" else word)


def _number(value: Any) -> Decimal | None:
    """A finite number from a number or its text, whole ones without decimal places: 5.0 is 5."""
    if type(value) is int and -(10**18) <= value <= 10**18:  # nearly all are
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str) or len(str(value)) > 40:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > 10**18:
        return None
    return Decimal(int(number)) if number == int(number) else number


def _seconds(value: Any) -> Decimal | None:
    seconds = _number(value)
    return seconds if seconds is not None and 0 <= seconds <= _BILLED_SECONDS_MAX else None


def _resolution(value: Any) -> str | None:
    word = value.strip().upper() if isinstance(value, str) else value
    if isinstance(word, str) and _HIGH_TIER.fullmatch(word):
        return word
    lines = _number(word.removesuffix("P") if isinstance(word, str) else word)
    return None if lines is None else f"{lines}P"


def _moment_ms(epoch_ms: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(milliseconds=epoch_ms)
    except OverflowError:
        return None
