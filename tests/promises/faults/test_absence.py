"""A lost request is made again only when its task is proven absent: by a witness in the list, or by patience."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe.errors import ExitCode
from kfpipe.events import TakeAdopted
from kfpipe.lock.states import Rendered
from tests.promises.faults import hurry
from tests.promises.faults.stage import Stage, stage

KITTEN = "- {id: kitten, prompt: A kitten looks up.}\n"
WALK = "- {id: walk, prompt: It walks away.}\n"
LOST = {"on": "submit", "do": "drop", "when": "after"}

pytestmark = [pytest.mark.whole_runs, pytest.mark.parametrize("backend", hurry.BACKENDS)]


def _is_paid_once(account: Stage, takes: int) -> None:
    assert len(account.emulator.bill().charges) == len(account.clips()) == takes
    account.check()


async def _a_list_that_lags(folder: Path) -> None:
    with stage(folder, {**LOST, "nth": 1}, {"on": "submit", "nth": 1, "do": "unlisted", "lists": 4}) as account:
        account.list_patience_s = 120.0
        account.write(KITTEN)
        assert await account.run() is ExitCode.OK
        assert account.told(TakeAdopted)
        _is_paid_once(account, 1)


def test_a_task_that_the_list_shows_late_is_waited_for(backend: str, tmp_path: Path) -> None:
    hurry.run(_a_list_that_lags, tmp_path, backend=backend)


async def _a_witness(folder: Path) -> None:
    with stage(folder, {"on": "submit", "prompt_contains": "kitten", "times": 1, "do": "drop"}) as account:
        account.list_patience_s = 1e6
        account.write(KITTEN + WALK)
        assert await account.run() is ExitCode.OK
        _is_paid_once(account, 2)


def test_a_list_that_shows_a_later_task_of_the_same_run_is_trusted_at_once(backend: str, tmp_path: Path) -> None:
    hurry.run(_a_witness, tmp_path, backend=backend)


TWINS = KITTEN + "- {id: twin, prompt: A kitten looks up., seed: 2}\n"


async def _an_early_witness(folder: Path) -> None:
    """The second kitten is asked for before the walk, and sent after it: it waits for the answer to the first."""
    kitten = {"on": "submit", "prompt_contains": "kitten"}
    faults = (
        {**kitten, **LOST, "nth": 1},
        {**kitten, **LOST, "nth": 2},
        {**kitten, "nth": 2, "do": "unlisted", "lists": 3},
    )
    with stage(folder, *faults) as account:
        account.list_patience_s = 120.0
        account.write(TWINS + WALK)
        assert await account.run() is ExitCode.OK
        _is_paid_once(account, 3)


def test_a_task_that_was_sent_before_the_lost_request_is_no_witness(backend: str, tmp_path: Path) -> None:
    hurry.run(_an_early_witness, tmp_path, backend=backend)


async def _an_old_answer(folder: Path) -> None:
    with stage(folder) as account:
        account.write(KITTEN)
        assert await account.run() is ExitCode.OK
        first = account.lock["kitten"].entry
        assert isinstance(first, Rendered)
        old = {"output": {"task_id": first.task.task_id, "task_status": "PENDING"}}
        account.emulator.script({"on": "submit", "do": "patch", "fields": old, "times": 1})
        account.write(KITTEN + WALK)
        assert await account.run() is ExitCode.OK
        second = account.lock["walk"].entry
        assert isinstance(second, Rendered)
        assert second.task.task_id != first.task.task_id
        _is_paid_once(account, 2)


def test_a_task_that_belongs_to_another_request_is_nobodys_answer(backend: str, tmp_path: Path) -> None:
    hurry.run(_an_old_answer, tmp_path, backend=backend)
