"""`kfpipe plan` as a check in CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe.emulator import Emulator
from tests.cli.conftest import Call

# ---- --check -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["text", "json"])
def test_a_check_fails_while_clips_are_missing_and_passes_once_they_are_there(
    folder: Path, kfpipe: Call, emulator: Emulator, more: tuple[str, ...]
) -> None:
    checked = kfpipe("plan", "shots.yaml", "--check", *more)
    assert (checked.code, checked.out) == (1, kfpipe("plan", "shots.yaml", *more).out)
    kfpipe("run", "shots.yaml")
    assert kfpipe("plan", "shots.yaml", "--check", *more).code == 0


def test_a_check_fails_while_a_decision_is_open(twins: Path, kfpipe: Call) -> None:
    assert kfpipe("plan", "shots.yaml").code == 0
    assert kfpipe("plan", "shots.yaml", "--check").code == 1
