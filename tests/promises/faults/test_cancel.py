"""Cancelling under faults: whatever became of the answer, the record and the bill agree in the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from kfpipe.errors import ExitCode
from kfpipe.events import Event, TakeSubmitted
from kfpipe.maintenance.cancel import Cancelling
from tests.promises.faults import hurry
from tests.promises.faults.matrix import HARMLESS
from tests.promises.faults.stage import Stage, stage

QUEUE_S = 10_000
FAULTS: Mapping[str, Mapping[str, Any]] = {
    **dict([*HARMLESS.items()][:: 1 if hurry.IN_FULL else 3]),
    "closed, task cancelled": {"do": "drop", "when": "after"},
    "502, task cancelled": {"do": "html", "status": 502, "when": "after"},
}


async def submit_only(account: Stage) -> None:
    """Tear a run away as soon as its task waits at the service."""
    with anyio.CancelScope() as scope:
        await account.run(emit=lambda event: scope.cancel() if isinstance(event, TakeSubmitted) else None)


async def cancel(account: Stage) -> Cancelling:
    with account.session() as session:
        async with session.provider() as provider:
            return await session.cancel(account.lock["kitten"].key, provider)


async def finish(account: Stage) -> None:
    """The next run; the queue is over as soon as it has submitted, or at once where the old task goes on."""

    def let_time_pass(event: Event) -> None:
        if isinstance(event, TakeSubmitted):
            account.emulator.clock.advance(QUEUE_S)

    if account.states()["submitted"]:
        account.emulator.clock.advance(QUEUE_S)
    assert await account.run(emit=let_time_pass) is ExitCode.OK
    account.check()


async def play(fault: Mapping[str, Any], folder: Path, wanted: Cancelling) -> None:
    with stage(folder, fault, queue_s=QUEUE_S) as account:
        account.write("- {id: kitten, prompt: A kitten looks up.}\n")
        await submit_only(account)
        assert await cancel(account) is wanted
        account.emulator.forgive()
        await finish(account)


@pytest.mark.parametrize(("fault", "backend"), hurry.on_loops(FAULTS))
def test_a_cancelled_take_is_rendered_again_and_paid_once(fault: str, backend: str, tmp_path: Path) -> None:
    strikes = {"on": "cancel", "times": 2, **FAULTS[fault]}
    hurry.run(play, strikes, tmp_path, Cancelling.CANCELED, backend=backend)


@pytest.mark.whole_runs
@pytest.mark.parametrize("backend", hurry.BACKENDS)
def test_the_services_yes_proves_nothing_while_the_task_goes_on(backend: str, tmp_path: Path) -> None:
    yes = {"on": "cancel", "do": "answer", "status": 200}
    hurry.run(play, yes, tmp_path, Cancelling.RUNS_ON, backend=backend)


def test_a_task_that_cannot_be_cancelled_runs_on_and_is_kept(tmp_path: Path) -> None:
    refusal = {"on": "cancel", "do": "answer", "status": 400, "code": "UnsupportedOperation"}
    hurry.run(play, refusal, tmp_path, Cancelling.RUNS_ON, backend="asyncio")
