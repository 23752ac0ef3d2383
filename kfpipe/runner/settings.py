"""What a run is given: limits, cap, places, and its sources of time and randomness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random

from kfpipe.domain import Account
from kfpipe.lock.states import Approval, Asked, Render
from kfpipe.plan.model import Step
from kfpipe.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What one model may do in this account: submissions per second, and tasks in progress at once.

    `tasks_with` and `rate_with` name the group of models that it shares them with; None: they are its own.
    """

    submissions_per_second: float
    concurrent_tasks: int
    tasks_with: str | None = None
    rate_with: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """`shared` holds the numbers that the manifest gives for the whole account; they win over those of a model."""

    models: Mapping[str, Pace]
    shared_submissions_per_second: float | None
    shared_concurrent_tasks: int | None
    queries_per_second: float

    def of(self, model: str) -> Pace:
        """The model's own pace; the most cautious one for a model that is no longer in the catalogue."""
        return self.models.get(model, Pace(submissions_per_second=1, concurrent_tasks=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How to run. `cap` is the most that may be spent (None: no limit), `list_patience_s` how long a task
    may take to appear in the account's list.

    A run that `is_detached` submits as many tasks as the limits allow at once, downloads what is finished, and waits
    for no other task.

    `state_dir` is the project's state folder, `output_dir` the output folder below `folder`; `belonging` tells the
    digests of the clips that belong at a path. `neighbours` returns the ids of the tasks that other manifests have on
    record; `continued` cuts the pictures that a take continues from, and returns its next step; `find` looks for the
    bytes of a clip. These three may block.
    `approval` says who agreed to the plan.
    """

    folder: Path
    root: Path
    state_dir: Path
    output_dir: str
    belonging: Callable[[str], frozenset[str]]
    region: str
    account: Account
    is_ours: Callable[[Asked], bool]
    limits: RunLimits
    cap: Decimal | None
    is_detached: bool
    list_patience_s: float
    neighbours: Callable[[], set[str]]
    continued: Callable[[Step], Step]
    find: Callable[[Render, Path | None], Path | None]
    now: Callable[[], datetime]
    random: Random
    approval: Approval | None = None
