"""What came of a run, counted while it runs and summed up at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from kfpipe.errors import ExitCode
from kfpipe.events import (
    RunFinished,
)
from kfpipe.lock.states import (
    Result,
)
from kfpipe.plan.model import Action, Plan


def finished(plan: Plan, outcome: Outcome | None = None, *, interrupted: bool = False) -> RunFinished:
    """How a run of `plan` ended; without an outcome, of a run that had nothing to do."""
    outcome, undecided = outcome or Outcome(), len(plan.undecided)
    done = outcome.rendered + outcome.failed + outcome.kept + outcome.under_way + outcome.settled
    unfinished = max(len(plan.work) - done, 0)
    return RunFinished(
        rendered=outcome.rendered,
        kept=outcome.kept + sum(step.action is Action.KEEP for step in plan.steps),
        failed=outcome.failed,
        under_way=outcome.under_way,
        undecided=undecided,
        unfinished=unfinished,
        spent=outcome.spent,
        currency=plan.currency,
        unpriced=outcome.unpriced,
        exit_code=_exit_code(
            outcome,
            interrupted=interrupted,
            complete=not (undecided or unfinished or outcome.failed),
            is_for_others=plan.is_for_others,
        ),
    )


def _exit_code(outcome: Outcome, *, interrupted: bool, complete: bool, is_for_others: bool) -> ExitCode:
    if interrupted:
        return ExitCode.INTERRUPTED
    if outcome.over_budget:
        return ExitCode.OVER_BUDGET
    if is_for_others:
        return ExitCode.ACCOUNT
    return ExitCode.OK if complete else ExitCode.INCOMPLETE


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a run so far. `kept` counts takes that turned out to need no render when their turn came.

    `under_way` counts those whose tasks a detached run has left at the service, `settled` the debts of no take that
    have ended without a clip.
    """

    rendered: int = 0
    kept: int = 0
    failed: int = 0
    settled: int = 0
    under_way: int = 0
    spent: Decimal = field(default=Decimal(0))
    unpriced: int = 0
    over_budget: bool = False

    def book(self, result: Result) -> None:
        """Count what a finished task was billed."""
        self.spent += result.cost or Decimal(0)
        self.unpriced += result.cost is None
