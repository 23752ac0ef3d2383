"""Whatever goes wrong in whichever phase: every take is paid for once, and none is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.faults import hurry
from tests.promises.faults.matrix import ROWS, Row
from tests.promises.faults.play import play

SAMPLE = ROWS if hurry.IN_FULL else ROWS[::6]


@pytest.mark.parametrize(("row", "backend"), hurry.on_loops(SAMPLE), ids=lambda value: getattr(value, "name", value))
def test_a_fault_costs_nothing_and_loses_nothing(row: Row, backend: str, tmp_path: Path) -> None:
    hurry.run(play, row, tmp_path, backend=backend)
