"""Whatever goes wrong in whichever phase: every take is paid for once, and none is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.promises.faults import hurry
from tests.promises.faults.matrix import ROWS, Row
from tests.promises.faults.play import play

IN_FULL = os.environ.get("KFPIPE_FAULTS") == "all"
"""Otherwise every sixth row is played, on one loop after the other, since the fault matters more than the loop."""


def _cells() -> list[tuple[Row, str]]:
    if IN_FULL:
        return [(row, backend) for row in ROWS for backend in hurry.BACKENDS]
    return [(row, hurry.BACKENDS[number % len(hurry.BACKENDS)]) for number, row in enumerate(ROWS[::6])]


@pytest.mark.parametrize(("row", "backend"), _cells(), ids=lambda value: getattr(value, "name", value))
def test_a_fault_costs_nothing_and_loses_nothing(row: Row, backend: str, tmp_path: Path) -> None:
    hurry.run(play, row, tmp_path, backend=backend)
