"""Many takes under faults of all kinds at once, drawn at random but always the same."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from kfpipe.errors import ExitCode
from kfpipe.events import TakeAdopted, TakeFailed
from kfpipe.lock.states import spent
from tests.promises.faults.stage import Stage, stage

RUNS: Final = 5
"""A take may be left to the next run; after so many, none is left."""

_SEED: Final = 20261122
_ACTS: Final[tuple[tuple[str, dict[str, Any], float], ...]] = (
    ("submit", {"do": "drop", "when": "after"}, 0.003),
    ("submit", {"do": "drop"}, 0.003),
    ("submit", {"do": "html", "status": 504, "when": "after"}, 0.003),
    ("submit", {"do": "garble"}, 0.002),
    ("submit", {"do": "answer", "status": 500, "code": "InternalError"}, 0.002),
    ("submit", {"do": "answer", "status": 429, "code": "Throttling.RateQuota"}, 0.002),
    ("submit", {"do": "fail", "code": "InternalError.Algo"}, 0.05),
    ("submit", {"do": "unknown", "queries": 2}, 0.02),
    ("submit", {"do": "floats"}, 0.05),
    ("submit", {"do": "charge", "seconds": 3}, 0.02),
    ("query", {"do": "drop"}, 0.02),
    ("query", {"do": "html", "status": 503}, 0.02),
    ("query", {"do": "garble"}, 0.02),
    ("query", {"do": "answer", "status": 429, "code": "Throttling.RateQuota"}, 0.005),
    ("download", {"do": "truncate", "after_bytes": 700}, 0.03),
    ("download", {"do": "corrupt"}, 0.02),
    ("download", {"do": "expire"}, 0.01),
    ("download", {"do": "html", "status": 502}, 0.02),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    takes: int
    runs: int
    adopted: int
    failed_tasks: int
    bill: Decimal
    on_record: Decimal
    took_s: float
    peak_mb: float


def script(takes: int) -> Iterator[dict[str, Any]]:
    """Single strikes at random requests; the more there are to make, the more of them are struck."""
    draw = random.Random(_SEED)
    for phase, act, share in _ACTS:
        for nth in draw.sample(range(1, takes + 1), max(1, round(takes * share))):
            yield {"on": phase, "nth": nth, **act}


async def soak(folder: Path, takes: int) -> Soaked:
    """Run until nothing is left to do."""
    started_s = time.monotonic()
    with stage(folder, *script(takes), limits={"concurrent_tasks": 16}) as account:
        account.write(_shots(takes))
        adopted = failed = 0
        while ExitCode.OK not in account.endings and len(account.endings) < RUNS:
            await account.run()
            adopted += len(account.told(TakeAdopted))
            failed += len(account.told(TakeFailed))
        account.check()
        return _soaked(account, takes, adopted, failed, time.monotonic() - started_s)


def _soaked(account: Stage, takes: int, adopted: int, failed: int, took_s: float) -> Soaked:
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return Soaked(
        takes=takes,
        runs=len(account.endings),
        adopted=adopted,
        failed_tasks=failed,
        bill=account.emulator.bill().total,
        on_record=spent(account.ledger.requests.values())["USD"],
        took_s=took_s,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
    )


def _shots(takes: int) -> str:
    """A tenth of the takes share one prompt."""
    twins = takes // 10
    seeds = ", ".join(map(str, range(twins)))
    numbers = ", ".join(map(str, range(takes - twins)))
    return (
        f"- {{id: twin, prompt: The same for all., matrix: {{seed: [{seeds}]}}}}\n"
        f'- {{id: kitten, prompt: "A kitten, number {{{{ number }}}}.", matrix: {{number: [{numbers}]}}}}\n'
    )
