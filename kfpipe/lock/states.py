"""What is on record: every request as a value, its state as the value's type, and what follows from it.

A request is one intent to pay. It goes `Submitting`, `Submitted`, `Succeeded`, `Rendered`; or ends `Failed`, `Canceled`
or `Lost`; or is `Unclear` until a person decides. Each state is built from the parts that are known by then:

    Asked    what was asked for, of which account, at which price    (all states)
    Task     the service's receipt                                   (from Submitted on)
    Result   the finished clip at the service, its cost              (from Succeeded on)
    Render   the file here                                           (Rendered)
    Doubts   what was in doubt on the way                            (all states)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal
from typing import Final

from kfpipe.domain import EMULATOR_REGION, NEVER_CREATED, Account, MediaRole, Parameters, Variant
from kfpipe.values import dataclass

ABSENT: Final = "absent"
"""The state of a take that is not on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who agreed to the plan that a request comes from, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it was sent.

    `template` is the effect asked for, `media` holds a digest per role, `unit_price` is per second, None when unknown.
    `account` is None in records of a time that did not note it. `reseeds` is the fingerprint of the request that the
    manifest describes, where this one was made in its place, with another seed. `variant` tells requests of a model
    without a seed apart, None where it has one. `approval` is None where the plan was not approved by anyone.
    """

    fingerprint: str
    model: str
    region: str
    account: Account | None
    prompt: str
    negative_prompt: str
    parameters: Parameters
    media: Mapping[MediaRole, str]
    unit_price: Decimal | None
    currency: str
    asked_at: datetime
    template: str | None = None
    variant: Variant | None = None
    reseeds: str | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The service's receipt. `request_id` is None when the task was found in the account's list."""

    task_id: str
    request_id: str | None
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """What the service delivered in place of a clip; `path` is relative to the manifest's folder."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished clip at the service. `cost` is None only when the price is unknown.

    `refused` is what came instead of a video that can be read, or turned out to be damaged when it was on record.
    """

    finished_at: datetime
    video_url: str
    url_expires_at: datetime
    actual_prompt: str | None
    billed_seconds: Decimal
    cost: Decimal | None
    refused: RefusedFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """How much a clip's first and last picture look like the stills it was given, 1.00 at most, two decimals.

    None where it was given none that is at hand. Both are None where the clip was looked over all the same.
    """

    first: Decimal | None
    last: Decimal | None

    def is_below(self, least: Decimal) -> bool:
        """Whether an end of the clip looks less like its still than that."""
        return any(end is not None and end < least for end in (self.first, self.last))


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """The finished video file; `path` is relative to the manifest's folder. `moved` counts its changes of place.

    `remarks` are what is not as it was asked for; `fidelity` is None until the clip was decoded to its end.
    """

    path: str
    sha256: str
    size_bytes: int
    width_px: int
    height_px: int
    fps: Decimal
    duration_s: Decimal
    audio: bool
    codec: str | None = None
    remarks: tuple[str, ...] = ()
    moved: int = 0
    fidelity: Fidelity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why there is no clip. `billed` is None when that can no longer be known."""

    code: str
    message: str
    request_id: str | None
    billed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What was in doubt about a request, whatever it has become since.

    `candidates` are tasks that were taken for its own, or may be; a person gave it up at `given_up_at`. `rivals` are
    versions of it that contradict the one on record.
    """

    candidates: frozenset[str] = frozenset()
    given_up_at: datetime | None = None
    rivals: tuple[Entry, ...] = ()


NO_DOUBTS: Final = Doubts()


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    asked: Asked
    doubts: Doubts = field(default=NO_DOUBTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitting(_State):
    """The intent is on record; whether the service has heard of it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear(_State):
    """The answer was lost, and any of `doubts.candidates` may be the request's own task: a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted(_State):
    """The service has a task for the request, and will bill it if it succeeds."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded(_State):
    """Paid for, still at the service."""

    task: Task
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered(_State):
    """The clip was checked, and lay at `render.path` when this was recorded."""

    task: Task
    result: Result
    render: Render


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_State):
    """No clip, by the service's word. `task` is None when the request itself was refused."""

    task: Task | None
    ended_at: datetime
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled(_State):
    """Called off before it was rendered, by the service's word."""

    task: Task | None
    ended_at: datetime
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(_State):
    """Nobody will know what became of it: a person gave it up, or the service has forgotten the task."""

    task: Task | None
    ended_at: datetime
    failure: Failure


Ended = Failed | Canceled | Lost
Entry = Submitting | Unclear | Submitted | Succeeded | Rendered | Failed | Canceled | Lost

STATES: Final[Mapping[str, type[Entry]]] = {
    "submitting": Submitting,
    "unclear": Unclear,
    "submitted": Submitted,
    "succeeded": Succeeded,
    "rendered": Rendered,
    "failed": Failed,
    "canceled": Canceled,
    "lost": Lost,
}
_STATE_NAMES: Final = {state: name for name, state in STATES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a lockfile holds: requests by key, and by shot the take that was picked.

    A key is the take id that the request was first asked under, a slash, and a random token. `picked_from` says by
    picked take which request's clip the pick was made on, where that is known.
    """

    requests: Mapping[str, Entry] = field(default_factory=dict)
    picked: Mapping[str, str] = field(default_factory=dict)
    picked_from: Mapping[str, str] = field(default_factory=dict)


EMPTY: Final = Lock()


def name_of(key: str) -> str:
    """The take id that a request was first asked under."""
    return key.rpartition("/")[0]


def token_of(key: str) -> str:
    """The random part of a request's key."""
    return key.rpartition("/")[2]


def fingerprints_of(asked: Asked) -> tuple[str, ...]:
    """What takes find a request by: its own fingerprint, and that of the request in whose place it was made."""
    return (asked.fingerprint,) if asked.reseeds is None else (asked.fingerprint, asked.reseeds)


def state_name(entry: Entry) -> str:
    """The state's word in the lockfile and in every table."""
    return _STATE_NAMES[type(entry)]


def task_of(entry: Entry) -> Task | None:
    """The service's receipt, once there is one."""
    return None if isinstance(entry, (Submitting, Unclear)) else entry.task


def result_of(entry: Entry) -> Result | None:
    """What was paid for, once the service has delivered."""
    return entry.result if isinstance(entry, (Succeeded, Rendered)) else None


def is_unsettled(entry: Entry) -> bool:
    """Whether the request is a debt: it is not proven how it ends, or its clip is still at the service."""
    return isinstance(entry, (Submitting, Unclear, Submitted, Succeeded))


def versions(entry: Entry) -> Iterator[Entry]:
    """The entry, and those that contradict it."""
    yield entry
    for rival in entry.doubts.rivals:
        yield from versions(rival)


def tasks_of(entry: Entry) -> set[str]:
    """The ids of the tasks that a request has, by any version of it."""
    if not entry.doubts.rivals:  # as nearly all
        task = task_of(entry)
        return set() if task is None else {task.task_id}
    return {task.task_id for version in versions(entry) if (task := task_of(version)) is not None}


def task_ids(lock: Lock) -> set[str]:
    """The ids of all tasks that have an owner here."""
    return {task_id for entry in lock.requests.values() for task_id in tasks_of(entry)}


def is_rehearsal(entry: Entry, region: str) -> bool:
    """Whether the emulator has answered a request that is meant for the service in `region`."""
    return entry.asked.region == EMULATOR_REGION != region


def is_never_made(entry: Entry) -> bool:
    """Whether it is proven that the request never became a task: nothing is owed for it, and nothing has failed."""
    return isinstance(entry, Failed) and entry.failure.code == NEVER_CREATED


def may_be_billed(entry: Entry) -> bool:
    """Whether it is unknown if the service bills this request."""
    return isinstance(entry, Unclear | Lost)


def cost_of(entry: Entry) -> Decimal | None:
    """What the request was billed; None where it was not, or nobody knows the price.

    A task that was billed and gave no clip counts as the seconds that were asked for.
    """
    if isinstance(entry, Failed) and entry.failure.billed:
        price = entry.asked.unit_price
        return None if price is None else price * entry.asked.parameters.duration_s
    result = result_of(entry)
    return None if result is None else result.cost


def spent(billed: Iterable[Entry]) -> dict[str, Decimal]:
    """What these requests cost, by currency, each task once, as far as prices are known."""
    totals: dict[str, Decimal] = {}
    seen: set[str] = set()
    for entry in billed:
        cost, task = cost_of(entry), task_of(entry)
        if cost is None or task is None or task.task_id in seen:
            continue
        seen.add(task.task_id)
        currency = entry.asked.currency
        totals[currency] = totals.get(currency, Decimal(0)) + cost
    return totals


def is_damaged(entry: Entry) -> bool:
    """Whether the clip on record has turned out to be damaged."""
    refused = entry.result.refused if isinstance(entry, Rendered) else None
    return refused is not None and isinstance(entry, Rendered) and refused.sha256 == entry.render.sha256


def is_unexamined(entry: Entry) -> bool:
    """Whether there is a clip that nobody has looked over so far."""
    return isinstance(entry, Rendered) and entry.render.fidelity is None and not is_damaged(entry)


def fidelity_of(entry: Entry) -> Fidelity | None:
    """How much the request's clip looks like its stills; None where there is no clip, or it was not compared."""
    fidelity = entry.render.fidelity if isinstance(entry, Rendered) else None
    return None if fidelity is None or fidelity.first is fidelity.last is None else fidelity


def has_drifted(entry: Entry, least: Decimal) -> bool:
    """Whether the request's clip begins or ends on another picture than it was asked to."""
    fidelity = fidelity_of(entry)
    return fidelity is not None and fidelity.is_below(least)
