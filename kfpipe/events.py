"""What a run reports, as values, in the order in which it happens."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kfpipe.domain import TaskStatus
from kfpipe.errors import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """`work` takes have something left to do; `cost` is the estimate, as far as known.

    `under_way` is what earlier runs have left at the service and may be billed on top, `cap` the most that may be
    spent; None: there is no limit.
    """

    takes: int
    work: int
    cost: Decimal
    currency: str
    under_way: Decimal = Decimal(0)
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSubmitted:
    """The service created the task: from here on it may be billed."""

    take_id: str
    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeAdopted:
    """A task that an earlier run had submitted without getting the answer was found at the service."""

    take_id: str
    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProgressed:
    """The service reports another status for a task that is not over."""

    take_id: str
    status: TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeSucceeded:
    """The clip exists at the service and was billed; `cost` is None when the price is unknown."""

    take_id: str
    asked_seconds: int
    billed_seconds: Decimal
    cost: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeRendered:
    """The clip is at `path` (relative to the manifest's folder), checked and recorded.

    `remarks` are what is not as it was asked for.
    """

    take_id: str
    path: str
    size_bytes: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeExamined:
    """The clip, rendered before, was decoded to its end. `first` and `last` say how much its ends look like its stills.

    1.00 is the same; None: it was given none, or that is not at hand.
    """

    take_id: str
    first: Decimal | None
    last: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeReused:
    """A clip that was paid for earlier is what is wanted, and is at `path` now."""

    take_id: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeFailed:
    """No clip for this take in this run. `retried`: another attempt follows at once."""

    take_id: str
    code: str
    message: str
    request_id: str | None
    retried: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakePostponed:
    """The take stays unfinished, recorded for the next run; `reason` says why."""

    take_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowed:
    """The service asks for a slower pace; `reason` is its own sentence."""

    what: str
    wait_s: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDistrusted:
    """The account's task list does not show this model's tasks as they are, for this `reason`.

    From here on each task is asked for by itself, more rarely: clips may be noticed later.
    """

    model: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The whole run waits; `reason` says for what. Tasks at the service continue there."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The run continues after a pause."""

    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshared:
    """The account book cannot be used, as `reason` says: the run keeps the limits by itself, and knows of no other."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """No more submissions; `running` tasks continue at the service and are noted for the next run.

    They may cost up to `cost`, as a cap counts it.
    """

    running: int
    cost: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The end of a run. `spent` is what this run's tasks were billed, as far as prices are known.

    `under_way` counts the takes whose tasks a detached run has left at the service; they are billed later.
    """

    rendered: int
    kept: int
    failed: int
    under_way: int
    undecided: int
    unfinished: int
    spent: Decimal
    currency: str
    unpriced: int
    exit_code: ExitCode


Event = (
    RunStarted
    | TakeSubmitted
    | TakeAdopted
    | TakeProgressed
    | TakeSucceeded
    | TakeRendered
    | TakeExamined
    | TakeReused
    | TakeFailed
    | TakePostponed
    | Slowed
    | ListDistrusted
    | Paused
    | Resumed
    | Unshared
    | Interrupted
    | RunFinished
)
