"""After a submission without an answer, the bill shows one task for each take, and no run guesses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kfpipe.errors import ExitCode
from kfpipe.lock.states import Unclear
from tests.promises.faults import hurry
from tests.promises.faults.stage import stage
from tests.promises.faults.unclear import EVERY, LOSSES, SETTINGS, TAKES, Count, Loss, Setting, play

FEW_TAKES = 7


def _cells() -> list[tuple[Loss, Setting, str]]:
    """All combinations; without the option each loss in one setting, so that both loops and all settings come up."""
    return [
        (loss, setting, hurry.BACKENDS[(row + column) % len(hurry.BACKENDS)])
        for row, loss in enumerate(LOSSES)
        for column, setting in enumerate(SETTINGS)
        if hurry.IN_FULL or row % len(SETTINGS) == column or (setting.meanwhile and row == column - len(SETTINGS) + 7)
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("loss", "setting", "backend"), _cells(), ids=lambda value: getattr(value, "name", value))
def test_a_lost_answer_is_never_paid_for_twice(loss: Loss, setting: Setting, backend: str, tmp_path: Path) -> None:
    takes = TAKES if hurry.IN_FULL else FEW_TAKES
    count = hurry.run(play, loss, setting, tmp_path, takes, backend=backend)
    settled = Count(takes=takes, adopted=count.adopted, paid_twice=0, lost=0, taken_from_others=0, undecided=0)
    if not setting.is_certain:
        settled = replace(settled, taken_from_others=count.taken_from_others, undecided=count.undecided)
    assert count == settled
    assert loss.created or not setting.is_certain or count.adopted == 0
    if loss.created and setting.is_certain:
        assert count.adopted >= takes // EVERY


async def _forgotten(folder: Path) -> None:
    """The answer is lost, and the service does not tell what became of the task."""
    fate = {"on": "submit", "nth": 1}
    with stage(folder, {**fate, "do": "drop", "when": "after"}, {**fate, "do": "unknown", "queries": 100}) as account:
        account.write("- {id: kitten, prompt: A kitten looks up.}\n")
        for _ in range(2):
            assert await account.run() is ExitCode.INCOMPLETE
            entry = account.lock["kitten"].entry
            assert isinstance(entry, Unclear)
            (charge,) = account.emulator.bill().charges
            assert entry.doubts.candidates == {charge.task_id}


@pytest.mark.whole_runs
@pytest.mark.parametrize("backend", hurry.BACKENDS)
def test_a_task_that_the_service_does_not_report_on_is_left_to_a_person(backend: str, tmp_path: Path) -> None:
    hurry.run(_forgotten, tmp_path, backend=backend)
