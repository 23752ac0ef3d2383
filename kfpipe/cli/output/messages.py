"""Errors -> text: what is wrong, where, what was expected, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from kfpipe.cli.output.amounts import counted
from kfpipe.errors import (
    AccountRefused,
    ExitCode,
    KfpipeError,
    OverBudget,
    Problem,
    Refused,
    ServiceUnreachable,
    ServiceUntrusted,
    Severity,
    StorageFailed,
)
from kfpipe.provider.codes import is_budget_used_up

_EXIT_CODES: Final[tuple[tuple[type[KfpipeError], ExitCode], ...]] = (
    (Refused, ExitCode.REFUSED),
    (OverBudget, ExitCode.OVER_BUDGET),
    (AccountRefused, ExitCode.ACCOUNT),
    (KfpipeError, ExitCode.INCOMPLETE),
)

MOST_SHOWN: Final = 200
"""Problems on the screen. One typo in a table of 100,000 rows can cause as many."""

_AGAIN: Final = "then run the same command again; everything done so far is on record"

_CERTIFICATE_FIX: Final = (
    "where a proxy reads the traffic, set SSL_CERT_FILE to a file with the certificate of its authority; "
    "an expired one may mean that this machine's clock is wrong"
)

_BEFORE_SENDING: Final = ("kfpipe.NoKey", "kfpipe.PlanKey")
"""Refusals by kfpipe itself; their text needs no addition."""

_ACCOUNT_FIXES: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        ("kfpipe.PlanKey",),
        "create an API key for pay-as-you-go in the console of this region (sk-..., or a temporary st-...)",
    ),
    (("kfpipe.NoKey",), "set DASHSCOPE_API_KEY in the environment or in a .env file, or run `kfpipe login`"),
    (("InvalidApiKey", "invalid_api_key", "kfpipe.Http401"), "check the key; each key is valid in one region only"),
    (("Arrearage", "PrepaidBillOverdue", "PostpaidBillOverdue"), f"pay the outstanding bill in the console, {_AGAIN}"),
    (("AllocationQuota.FreeTierOnly", "Throttling.AllocationQuota"), "turn off 'free tier only' in the console"),
    (
        ("Model", "model_not_found", "AccessDenied", "CommodityNotPurchased", "InvalidParameter"),
        "activate the model in the console of this region, or choose another model",
    ),
    (("Workspace", "WorkSpaceNotFound"), "check `provider.workspace`, and that the key belongs to it"),
)


def exit_code(error: KfpipeError) -> ExitCode:
    """The exit code for `error`."""
    return next(code for kind, code in _EXIT_CODES if isinstance(error, kind))


def problems(error: KfpipeError) -> tuple[Problem, ...]:
    """`error` in the form that all messages have."""
    match error:
        case Refused():
            return error.problems
        case OverBudget():
            return (Problem(file="", what=error.reason, fix=error.fix),)
        case AccountRefused():
            return (Problem(file="", what=_account_text(error), fix=_account_fix(error)),)
        case StorageFailed():
            return (Problem(file=error.path, what=error.reason, fix=f"resolve this, {_AGAIN}"),)
        case ServiceUntrusted():
            return (Problem(file="", what=str(error), fix=f"{_CERTIFICATE_FIX}, {_AGAIN}"),)
        case ServiceUnreachable():
            what = f"the service cannot be reached: {error}"
            return (Problem(file="", what=what, fix=f"check the network and the proxy, {_AGAIN}"),)
        case _:
            return (Problem(file="", what=str(error), fix=f"wait a moment, {_AGAIN}"),)


def _account_text(error: AccountRefused) -> str:
    if error.code in _BEFORE_SENDING:
        return error.message
    request = f" (request {error.request_id})" if error.request_id else ""
    code = error.code.replace("kfpipe.Http", "HTTP ")  # where the service gave none
    return f"the service refused the account: {code}: {error.message}{request}"


def _account_fix(error: AccountRefused) -> str:
    if is_budget_used_up(429, error.message):
        return f"raise or reset the budget under Budget Management in the console, {_AGAIN}"
    fixes = (fix for starts, fix in _ACCOUNT_FIXES if error.code.startswith(starts))
    return next(fixes, f"look up the code in the console, fix the cause, {_AGAIN}")


def problem_lines(problem: Problem) -> list[str]:
    """The problem as it stands on the screen; parts that are missing are left out."""
    place = problem.file
    if problem.position is not None:
        place += f":{problem.position.line}:{problem.position.column}"
    what = f"warning: {problem.what}" if problem.severity is Severity.WARNING else problem.what
    lines = [": ".join(part for part in (place, problem.where, what) if part)]
    if problem.expected is not None:
        lines.append(f"  expected: {problem.expected}")
    if problem.fix is not None:
        lines.append(f"  fix: {problem.fix}")
    return lines


def problems_text(told: Iterable[Problem]) -> list[str]:
    """The problems one below the other; where they are too many, errors first and the number of the rest."""
    problems = tuple(told)
    if len(problems) <= MOST_SHOWN:
        return [line for problem in problems for line in problem_lines(problem)]
    gravest = sorted(problems, key=lambda problem: problem.severity is Severity.WARNING)[:MOST_SHOWN]
    more = f"and {counted(len(problems) - MOST_SHOWN, 'more problem')}: use --json to see all"
    return [*(line for problem in gravest for line in problem_lines(problem)), more]


def problem_json(problem: Problem) -> dict[str, Any]:
    """The problem for a program."""
    position = problem.position
    return {
        "file": problem.file or None,
        "line": position and position.line,
        "column": position and position.column,
        "where": problem.where or None,
        "what": problem.what,
        "expected": problem.expected,
        "fix": problem.fix,
        "severity": problem.severity,
    }


def refusal_json(told: Iterable[Problem], code: ExitCode) -> dict[str, Any]:
    """What a command prints instead of its result under `--json`."""
    return {"problems": [problem_json(problem) for problem in told], "exit_code": int(code)}
