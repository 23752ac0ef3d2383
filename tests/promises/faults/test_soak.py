"""Many takes under faults of all kinds at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.promises.faults import hurry
from tests.promises.faults.soak import soak

TAKES = int(os.environ.get("KFPIPE_SOAK", "40"))


@pytest.mark.timeout(60 + TAKES)
def test_the_record_equals_the_bill_to_the_last_digit(tmp_path: Path) -> None:
    soaked = hurry.run(soak, tmp_path, TAKES, backend="trio")
    assert soaked.bill == soaked.on_record
    assert soaked.adopted and soaked.failed_tasks, "the faults have struck"
