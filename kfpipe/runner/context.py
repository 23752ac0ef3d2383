"""What all parts of a run share, and the two things that happen to a take on its way: it is finished, or left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Protocol

from kfpipe.events import Event
from kfpipe.lock.ledger import RunLedger
from kfpipe.lock.states import Succeeded
from kfpipe.plan.model import Step
from kfpipe.provider import Provider
from kfpipe.runner.budget import Budget
from kfpipe.runner.outcome import Outcome
from kfpipe.runner.settings import RunSettings
from kfpipe.runner.shares import Shares
from kfpipe.runner.shields import Shields


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What all parts of a run share.

    `emit` is called with each event and must not block. `known` holds the ids of all tasks that have an owner,
    `in_flight` the requests whose tasks are under way. `sent_at_s` is when this run sent a request, by its key,
    `submitted_at_s` the same by the task that came of it, and `first_seen_s` when the account's list had shown a task,
    whoever made it; all on the event loop's clock.
    """

    provider: Provider
    ledger: RunLedger
    settings: RunSettings
    emit: Callable[[Event], None]
    budget: Budget
    known: set[str]
    shares: Shares
    sent_at_s: dict[str, float] = field(default_factory=dict)
    submitted_at_s: dict[str, float] = field(default_factory=dict)
    first_seen_s: dict[str, float] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)
    shields: Shields = field(default_factory=Shields)
    in_flight: set[str] = field(default_factory=set)

    @property
    def random(self) -> Random:
        return self.settings.random

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        return self.settings.now()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A clip that is paid for and waits at the service for its download."""

    step: Step
    key: str
    entry: Succeeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A clip in its place and on record. `is_vouched`: the store's checksum vouches for its bytes."""

    step: Step
    key: str
    is_vouched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A take gets no clip in this run; what is known of it is on record.

    `reason` is None where there is nothing to add to what was reported. `is_under_way`: its task is at the service, and
    this run does not wait for it.
    """

    reason: str | None = None
    is_under_way: bool = False


class Settled(Protocol):
    """Called when a step has brought its clip, or brings none in this run."""

    def __call__(self, step: Step, *, arrived: bool) -> None: ...
