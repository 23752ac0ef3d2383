"""Small projects that people brought. Each folder of `cases/` says in its `expect.txt` what is right."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from kfpipe.emulator import Emulator
from tests.promises.moving.world import World

HERE: Final = Path(__file__).parent
CASES: Final = HERE / "cases"


@pytest.fixture
def project(case: str, tmp_path: Path) -> Path:
    """A copy of the project that the test's parameter `case` names, with the four stills that all of them have."""
    folder = tmp_path / "project"
    shutil.copytree(HERE / "frames", folder / "frames")
    shutil.copytree(CASES / case, folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def world(project: Path) -> Iterator[World]:
    """The same, with a fast service that charges."""
    with Emulator(factor=200, queue_s=(0, 4), run_s=(8, 16), film="tiny", enforces_rates=False) as emulator:
        yield World(folder=project, emulator=emulator)
