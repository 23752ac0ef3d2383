"""A task of somebody else that was there before a request is never taken for its own; one that came later may be."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from kfpipe import environment
from kfpipe.emulator.tasks import Task
from kfpipe.errors import ExitCode
from kfpipe.events import TakeAdopted
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Unclear
from tests.promises.faults import hurry
from tests.promises.faults.matrix import FOREVER_S
from tests.promises.faults.stage import Stage, stage
from tests.support import makers

PROMPT = "A kitten looks up."
KITTEN = f"- {{id: kitten, prompt: {PROMPT}}}\n"
HOUR_S = 3600
CREATED = {"on": "submit", "nth": 1, "do": "drop", "when": "after"}
NEVER_CREATED = {"on": "submit", "nth": 1, "do": "drop"}

pytestmark = [pytest.mark.whole_runs, pytest.mark.parametrize("backend", hurry.BACKENDS)]


def plant(account: Stage, *, age_s: float = 0) -> Task:
    """A task of another program, made from our very prompt."""
    emulator = account.emulator
    return emulator.account.plant(PROMPT, created_at=emulator.clock.now() - age_s, resolution="720P", duration=2)


def lists(account: Stage) -> int:
    return sum(request["phase"] == "list" for request in account.emulator.requests())


async def _there_before(folder: Path, loss: dict[str, Any], adopted: int) -> None:
    with stage(folder, loss) as account:
        foreign = plant(account, age_s=HOUR_S)
        account.write(KITTEN)
        assert await account.run() is ExitCode.OK
        assert len(account.told(TakeAdopted)) == adopted
        account.check(foreign={foreign.id})


@pytest.mark.parametrize(("loss", "adopted"), [(NEVER_CREATED, 0), (CREATED, 1)], ids=["not created", "created"])
def test_a_foreign_task_that_was_there_before_is_never_adopted(
    backend: str, tmp_path: Path, loss: dict[str, Any], adopted: int
) -> None:
    hurry.run(_there_before, tmp_path, loss, adopted, backend=backend)


async def _killed_on_the_way(folder: Path) -> None:
    hang = {"on": "submit", "nth": 1, "do": "hang", "seconds": FOREVER_S}
    with stage(folder, hang, NEVER_CREATED) as account:
        foreign = plant(account, age_s=HOUR_S)
        account.write(KITTEN)
        async with anyio.create_task_group() as group:
            group.start_soon(account.run)
            while "submit" not in [request["phase"] for request in account.emulator.requests()]:  # noqa: ASYNC110  the emulator has no event
                await anyio.sleep(1)
            group.cancel_scope.cancel()
        assert account.states() == {"submitting": 1}
        assert await account.run() is ExitCode.OK
        assert not account.told(TakeAdopted)
        account.check(foreign={foreign.id})


def test_the_next_run_knows_what_a_killed_one_has_seen(backend: str, tmp_path: Path) -> None:
    hurry.run(_killed_on_the_way, tmp_path, backend=backend)


async def _came_later(folder: Path) -> None:
    with stage(folder, {**CREATED, "do": "hang", "seconds": FOREVER_S}) as account:
        account.write(KITTEN)
        foreign: list[Task] = []

        async def order_the_same() -> None:
            while not account.emulator.account.tasks():  # noqa: ASYNC110  the emulator has no event
                await anyio.sleep(1)
            foreign.append(plant(account))

        async with anyio.create_task_group() as group:
            group.start_soon(order_the_same)
            assert await account.run() is ExitCode.INCOMPLETE
        entry = account.lock["kitten"].entry
        assert isinstance(entry, Unclear)
        assert entry.doubts.candidates == {task.id for task in account.emulator.account.tasks()}
        assert len(entry.doubts.candidates) == 2


def test_a_foreign_task_that_came_later_may_be_the_own_one(backend: str, tmp_path: Path) -> None:
    hurry.run(_came_later, tmp_path, backend=backend)


async def _unreadable(folder: Path) -> None:
    """The first list is that of the check of the key."""
    script = [{"on": "list", "nth": nth, "do": "html", "status": 503} for nth in range(2, 4)]
    with stage(folder, *script) as account:
        account.write(KITTEN)
        assert await account.run() is ExitCode.OK
        assert lists(account) == 3
        account.check()


def test_a_list_that_cannot_be_read_stops_nothing(backend: str, tmp_path: Path) -> None:
    hurry.run(_unreadable, tmp_path, backend=backend)


async def _read_once(folder: Path) -> None:
    with stage(folder) as account:
        account.write(KITTEN.replace("up.}", "up., matrix: {seed: [1, 2, 3, 4]}}"))
        assert await account.run() is ExitCode.OK
        phases = [request["phase"] for request in account.emulator.requests()]
        assert phases.count("list") == 2
        assert "list" not in phases[phases.index("submit") :]
        (folder / "renders/kitten@seed=1.mp4").unlink()
        assert await account.run() is ExitCode.OK
        assert lists(account) == 3, "where nothing is submitted, the key alone is checked"


def test_the_list_is_read_once_before_the_first_submission(backend: str, tmp_path: Path) -> None:
    hurry.run(_read_once, tmp_path, backend=backend)


async def _clock_set_back(folder: Path) -> None:
    with stage(folder) as account:
        account.write(KITTEN)
        now = environment.now()
        with Ledger.open(account.project.paths, now=lambda: now) as ledger:
            asked_at = now + timedelta(hours=1)
            await ledger.record(makers.key(), makers.submitting(asked_at=asked_at))
            await ledger.note_seen(["its-own"])
            seen: dict[str, datetime] = ledger.seen
            assert seen["its-own"] >= asked_at, "what was made before is not ruled out"


def test_a_clock_that_was_set_back_rules_out_no_task_of_an_earlier_request(backend: str, tmp_path: Path) -> None:
    hurry.run(_clock_set_back, tmp_path, backend=backend)
