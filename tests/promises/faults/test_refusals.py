"""What the service refuses leaves no debt behind, and what it bills without a clip is on record and not paid again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from kfpipe import api
from kfpipe.domain import NEVER_CREATED, NO_LINK
from kfpipe.errors import ExitCode
from kfpipe.events import Event, Slowed
from kfpipe.lock.records import state_of
from kfpipe.lock.states import Failed, is_unsettled, spent
from kfpipe.plan.model import Action
from tests.promises.faults import hurry
from tests.promises.faults.stage import stage

TWO = """\
- {id: kitten, prompt: A kitten looks up.}
- {id: street, prompt: Lamps come on.}
"""
SPENT = "The budget configured in Budget Management has been exhausted. You will be unable to make further API calls."


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [(401, "InvalidApiKey", "no"), (400, "Arrearage", "no"), (429, "Throttling.Any", SPENT)],
)
def test_after_a_refused_account_every_take_is_as_if_it_had_not_been_asked(
    status: int, code: str, message: str, tmp_path: Path
) -> None:
    refusal = {"on": "submit", "do": "answer", "status": status, "code": code, "message": message}
    with stage(tmp_path, refusal) as account:
        account.write(TWO)
        assert hurry.run(account.run, backend="asyncio") is ExitCode.ACCOUNT
        assert not any(is_unsettled(entry) for entry in account.ledger.requests.values())
        assert {state_of(record) for record in account.lock.values()} == {"absent"}
        plan = api.plan(account.project)
        assert ([step.action for step in plan.takes], plan.debts) == ([Action.RENDER] * 2, ())
        assert all(message in "; ".join(step.reasons) for step in plan.takes[:1])
        account.emulator.forgive()
        assert hurry.run(account.run, backend="asyncio") is ExitCode.OK
        account.check()


def test_a_billed_task_without_a_link_is_on_record_and_is_not_rendered_again(tmp_path: Path) -> None:
    without = {"output": {"video_url": None}}
    with stage(tmp_path, {"on": "query", "do": "patch", "fields": without}) as account:
        account.write(TWO.splitlines()[0] + "\n")
        assert hurry.run(account.run, backend="asyncio") is ExitCode.INCOMPLETE
        (entry,) = account.ledger.requests.values()
        assert isinstance(entry, Failed)
        assert (entry.failure.code, entry.failure.billed) == (NO_LINK, True)
        bill = account.emulator.bill().charges
        assert spent([entry])["USD"] == sum(charge.amount or 0 for charge in bill)
        (step,) = api.plan(account.project).takes
        assert (step.action, step.reasons[-1]) == (Action.DECIDE, "`kfpipe reconcile` asks for the link again")
        assert hurry.run(account.run, backend="asyncio") is ExitCode.INCOMPLETE
        assert len(account.emulator.bill().charges) == len(bill) == 1
        account.emulator.forgive()
        assert hurry.run(take_back, account, backend="asyncio") == 1
        assert hurry.run(account.run, backend="asyncio") is ExitCode.OK
        account.check()


async def take_back(account: Any) -> int:
    with account.session() as session:
        async with session.provider() as provider:
            return len(await session.take_back(provider))


def test_a_slower_pace_comes_with_the_services_own_sentence(tmp_path: Path) -> None:
    said = "Requests rate limit\x1b[31m exceeded."
    throttled = {"on": "submit", "nth": 1, "do": "answer", "status": 429, "code": "Throttling", "message": said}
    with stage(tmp_path, throttled) as account:
        account.write(TWO)
        assert hurry.run(account.run, backend="asyncio") is ExitCode.OK
        (slowed,) = account.told(Slowed)
        assert slowed.reason == "Throttling: Requests rate limit exceeded. (HTTP 429)"


async def _interrupted_before_it_asks_again(folder: Path) -> None:
    throttled = {"on": "submit", "nth": 1, "do": "answer", "status": 429, "code": "Throttling", "message": "later"}
    with stage(folder, throttled) as account:
        account.write(TWO.splitlines()[0] + "\n")
        async with anyio.create_task_group() as group:

            def interrupt(event: Event) -> None:
                if isinstance(event, Slowed):
                    group.cancel_scope.cancel()

            group.start_soon(account.run, interrupt)
        (entry,) = account.ledger.requests.values()
        assert isinstance(entry, Failed)
        assert entry.failure.code == NEVER_CREATED
        account.emulator.forgive()
        assert await account.run() is ExitCode.OK
        account.check()


@pytest.mark.parametrize("backend", hurry.BACKENDS)
def test_a_refused_request_is_no_debt_of_a_run_that_is_interrupted_before_it_asks_again(
    backend: str, tmp_path: Path
) -> None:
    hurry.run(_interrupted_before_it_asks_again, tmp_path, backend=backend)
