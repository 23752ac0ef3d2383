"""What happens to an account, as values and as JSON: all events together give the account.

A new event is a class in here, a place in `EVENTS`, and a line in `replay`.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.scene import MediaFile, RemoteFile, StoredFile
from kfpipe.emulator.models import Model
from kfpipe.emulator.tasks import Quirks, Task
from kfpipe.emulator.validation import Order

Json = dict[str, Any]

Find = Callable[[str, int], StoredFile]
"""The stored file with this SHA-256 and this many bytes. Raises ValueError for what is not a digest."""

# All of a task that is text or a number; the rest is written in its own way.
_PLAIN = (
    "id",
    "request_id",
    "account",
    "key_id",
    "prompt",
    "label",
    "digest",
    "film_seed",
    "submitted_at",
    "ready_at",
    "run_s",
    "started_at",
    "canceled_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Times are virtual epoch seconds."""

    name: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(Event):
    """An emulator began to serve: `factor` is its clock's, `secret` (hexadecimal) signs its policies and links."""

    name = "opened"
    secret: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed(Event):
    """Nothing but time."""

    name = "passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted(Event):
    """Leave to upload files for a model."""

    name = "granted"
    upload_dir: str
    model: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded(Event):
    name = "uploaded"
    key: str
    file: StoredFile
    model: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted(Event):
    """A task was made. Written down, it is the task as it was then; its clip is ordered again by whoever reads it."""

    name = "submitted"
    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Began(Event):
    name = "began"
    task_id: str
    started_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled(Event):
    name = "canceled"
    task_id: str
    canceled_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Filmed(Event):
    """The clip of the scene with this digest is there."""

    name = "filmed"
    scene: str
    size_bytes: int
    md5: str
    made_at: float


EVENTS: dict[str, type[Event]] = {
    event.name: event for event in (Opened, Passed, Granted, Uploaded, Submitted, Began, Canceled, Filmed)
}


def to_json(event: Event) -> Json:
    match event:
        case Submitted():
            return {"task": _task_to_json(event.task)}
        case Uploaded():
            return {**_fields(event), "file": _file_to_json(event.file)}
        case _:
            return _fields(event)


def from_json(name: str, data: Json, models: Mapping[str, Model], find: Find) -> Event:
    """Raises KeyError, TypeError or ValueError for what `to_json` does not write."""
    kind = EVENTS[name]
    if kind is Submitted:
        return Submitted(task=_task(data["task"], models, find))
    if kind is Uploaded:
        data = {**data, "file": find(data["file"]["sha256"], data["file"]["size_bytes"])}
    return kind(**data)


def _fields(value: Any) -> Json:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _task_to_json(task: Task) -> Json:
    return {
        **{name: getattr(task, name) for name in _PLAIN},
        "model": task.model.name,
        "order": None if task.order is None else _order_to_json(task.order),
        "refusal": None if task.refusal is None else [task.refusal.code, task.refusal.message],
        "quirks": _fields(task.quirks),
    }


def _task(data: Json, models: Mapping[str, Model], find: Find) -> Task:
    return Task(
        **{name: data[name] for name in _PLAIN if name in data},  # earlier releases knew one account only
        model=models[data["model"]],
        order=None if data["order"] is None else _order(data["order"], find),
        film=None,
        refusal=None if data["refusal"] is None else TaskRefused(*data["refusal"]),
        quirks=_quirks(**data["quirks"]),
    )


def _quirks(failure: list[str | None] | None, **others: Any) -> Quirks:
    if failure is None:
        return Quirks(**others)
    code, message = failure
    return Quirks(failure=(code, message), **others)


def _order_to_json(order: Order) -> Json:
    return {**_fields(order), "media": {role: _file_to_json(file) for role, file in order.media.items()}}


def _order(data: Json, find: Find) -> Order:
    return Order(**{**data, "media": {role: _file(file, find) for role, file in data["media"].items()}})


def _file_to_json(file: MediaFile) -> Json:
    if isinstance(file, RemoteFile):
        return {"url": file.url}
    return {"sha256": file.sha256, "size_bytes": file.size_bytes}


def _file(data: Json, find: Find) -> MediaFile:
    return RemoteFile(data["url"]) if "url" in data else find(data["sha256"], data["size_bytes"])
