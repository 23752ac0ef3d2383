"""What is on record: the state of each take as a type, and what follows from it.

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
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from kfpipe.domain import EMULATOR_REGION, MediaRole, Parameters

ABSENT: Final = "absent"
"""The state of a take that is not on record."""


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
    """Why there is no clip. `billed` is None when that can no longer be known."""

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
    """The answer was lost, and any of the tasks `candidates` may be the take's own: a person decides."""

    asked: Asked
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The service has a task for the request, and will bill it if it succeeds."""

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
    """The clip was checked, and lay at `render.path` when this was recorded."""

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


def is_rehearsal(entry: Entry, region: str) -> bool:
    """Whether the emulator has answered a request that is meant for the service in `region`."""
    return entry.asked.region == EMULATOR_REGION != region


def may_be_billed(entry: Entry) -> bool:
    """Whether it is unknown if the service bills this request."""
    return isinstance(entry, Unclear) or (isinstance(entry, Failed) and entry.failure.billed is None)


def spent(billed: Iterable[Entry]) -> dict[str, Decimal]:
    """What these requests cost, by currency, as far as prices are known."""
    totals: dict[str, Decimal] = {}
    for entry in billed:
        result = result_of(entry)
        if result is not None and result.cost is not None:
            currency = entry.asked.currency
            totals[currency] = totals.get(currency, Decimal(0)) + result.cost
    return totals


def state_of(record: Record | None) -> str:
    """The state's word in every table."""
    return ABSENT if record is None else state_name(record.entry)
