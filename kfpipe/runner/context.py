"""What all lanes of a run have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Protocol

from kfpipe.errors import KfpipeError
from kfpipe.events import (
    Event,
)
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import (
    Succeeded,
)
from kfpipe.plan.model import Step
from kfpipe.provider import Provider
from kfpipe.runner.budget import Budget
from kfpipe.runner.follower import Follower
from kfpipe.runner.outcome import Outcome


class Postponed(KfpipeError):
    """A take cannot continue in this run; what is known of it is on record."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class UnderWay(Exception):
    """A take's task is at the service, and this run does not wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What all lanes of a run have in common.

    `in_flight` holds the takes whose tasks are under way; `deliver` downloads a clip and returns whether it is here;
    `settled` is called with every take that gets no clip in this run. A run that `is_detached` waits for no task.
    """

    provider: Provider
    ledger: Ledger
    follower: Follower
    deliver: Callable[[Step, Succeeded], Awaitable[bool]]
    settled: Settled
    purse: Budget
    tally: Outcome
    in_flight: set[str]
    region: str
    is_detached: bool
    emit: Callable[[Event], None]
    now: Callable[[], datetime]
    random: Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A clip that waits for its download."""

    step: Step
    entry: Succeeded


class Settled(Protocol):
    """Called when a take has its clip, or gets none in this run."""

    def __call__(self, take_id: str, *, arrived: bool) -> None: ...
