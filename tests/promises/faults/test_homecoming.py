"""What was paid for comes home, whatever has become of the wish for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kfpipe.errors import ExitCode
from kfpipe.lock.states import Rendered, Submitted, Succeeded
from tests.promises.faults import hurry
from tests.promises.faults.stage import Stage, stage

KITTEN = "- {id: kitten, prompt: A kitten looks up.}\n"
WALK = "- {id: walk, prompt: It walks away., first_frame: {render: kitten, frame: last}, last_frame: a.png}\n"

pytestmark = [pytest.mark.whole_runs, pytest.mark.parametrize("backend", hurry.BACKENDS)]


async def _paid_and_not_here(account: Stage, shots: str, take_id: str, words: str) -> None:
    """A clip is finished at the service, and could not be downloaded in the run that paid for it."""
    account.write(shots)
    account.emulator.script(
        {"on": "download", "prompt_contains": words, "do": "answer", "status": 500, "code": "InternalError"}
    )
    assert await account.run() is ExitCode.INCOMPLETE
    assert isinstance(account.lock[take_id].entry, Succeeded)


def _aside(key: str) -> str:
    """Where the clip of a request goes that no take asks for any more."""
    return f"renders/.previous/{key.replace('/', '.')}.mp4"


def _places(account: Stage) -> set[str]:
    return {path.relative_to(account.folder).as_posix() for path in account.clips()}


async def _another_wish(folder: Path) -> None:
    with stage(folder) as account:
        await _paid_and_not_here(account, KITTEN, "kitten", "kitten")
        first = account.lock["kitten"].key
        Image.new("RGB", (360, 640)).save(folder / "tall.png")
        account.write(KITTEN.replace("up.", "up., first_frame: tall.png, last_frame: tall.png"))
        assert await account.run() is ExitCode.INCOMPLETE
        assert len(account.emulator.bill().charges) == 2, "what is wanted now does not wait for the old debt"
        account.emulator.forgive()
        assert await account.run() is ExitCode.OK
        assert _places(account) == {"renders/kitten.mp4", _aside(first)}
        account.check_books()


def test_a_paid_clip_is_downloaded_though_its_take_asks_for_another_one(backend: str, tmp_path: Path) -> None:
    hurry.run(_another_wish, tmp_path, backend=backend)


async def _a_stuck_source(folder: Path) -> None:
    with stage(folder) as account:
        await _paid_and_not_here(account, KITTEN + WALK, "walk", "walks")
        walk = account.lock["walk"].key
        account.emulator.forgive()
        account.emulator.script(
            {"on": "submit", "prompt_contains": "cat", "do": "fail", "code": "DataInspectionFailed"}
        )
        account.write((KITTEN + WALK).replace("A kitten", "A cat"))
        assert await account.run() is ExitCode.INCOMPLETE
        assert isinstance(account.ledger.requests[walk], Rendered)
        assert len(account.emulator.bill().charges) == 2
        assert _places(account) == {"renders/kitten.mp4", _aside(walk)}, "and nothing half done is left"


def test_what_is_paid_for_is_downloaded_though_its_source_is_stuck(backend: str, tmp_path: Path) -> None:
    hurry.run(_a_stuck_source, tmp_path, backend=backend)


def _says_unknown(**fault: int) -> dict[str, object]:
    return {"on": "query", "do": "patch", "fields": {"output": {"task_status": "UNKNOWN"}}, **fault}


async def _unknown_for_two_minutes(folder: Path) -> None:
    with stage(folder, _says_unknown(times=8)) as account:
        account.write(KITTEN)
        assert await account.run() is ExitCode.OK
        assert len(account.emulator.bill().charges) == len(account.clips()) == 1


def test_a_service_that_forgets_a_task_for_minutes_is_waited_for(backend: str, tmp_path: Path) -> None:
    hurry.run(_unknown_for_two_minutes, tmp_path, backend=backend)


async def _unknown_all_along(folder: Path) -> None:
    with stage(folder, _says_unknown()) as account:
        account.write(KITTEN)
        assert await account.run() is ExitCode.INCOMPLETE
        assert isinstance(account.lock["kitten"].entry, Submitted)
        account.emulator.forgive()
        assert await account.run() is ExitCode.OK
        assert len(account.emulator.bill().charges) == len(account.clips()) == 1


def test_a_young_task_that_stays_unknown_is_left_to_the_next_run(backend: str, tmp_path: Path) -> None:
    hurry.run(_unknown_all_along, tmp_path, backend=backend)
