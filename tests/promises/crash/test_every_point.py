"""A run that is killed, at whatever point, has paid for nothing twice and lost nothing once it was started again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.promises.crash.every_point import staged

ALL_POINTS = "KFPIPE_ALL_KILL_POINTS"
"""The variable that asks for every point instead of a sample."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which file a descriptor belongs to")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("backend", "sample"), [("asyncio", 40), ("trio", 120)])
def test_a_run_killed_at_any_point_costs_nothing_and_loses_nothing(tmp_path: Path, backend: str, sample: int) -> None:
    with staged(tmp_path, backend) as stage:
        points = stage.points()
        assert len(points) > 200
        chosen = points if os.environ.get(ALL_POINTS) else points[::sample]
        outcomes = list(stage.kill_at(chosen))
    assert {outcome.point: outcome.damage for outcome in outcomes if outcome.damage} == {}
    assert sum(outcome.was_reached for outcome in outcomes) > 0.8 * len(chosen)  # not every run does all in one order
