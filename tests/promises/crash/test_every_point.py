"""A run that dies at whatever point has paid for nothing twice and lost nothing once it was started again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.promises.crash.every_point import FOLDED, Death, staged

ALL_POINTS = "KFPIPE_ALL_KILL_POINTS"
"""The variable that asks for every point instead of a sample."""

TELLING = {
    Death.KILL: [],
    Death.POWER_CUT: ["submission sent #1", "submission answered #3", "after sync of renders #4", FOLDED],
}
"""Points at which it shows when a sync is left out: of an intent, of a clip, of a name, of what replaces a file."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which file a descriptor belongs to")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("backend", "death", "sample"),
    [("asyncio", Death.KILL, 40), ("trio", Death.KILL, 120), ("asyncio", Death.POWER_CUT, 20)],
    ids=lambda value: str(value).replace(" ", "-"),
)
def test_a_run_that_dies_at_any_point_costs_nothing_and_loses_nothing(
    tmp_path: Path, backend: str, death: Death, sample: int
) -> None:
    with staged(tmp_path, backend, death) as stage:
        points = stage.points()
        assert len(points) > 100
        chosen = points if os.environ.get(ALL_POINTS) else [*dict.fromkeys([*TELLING[death], *points[::sample]])]
        outcomes = list(stage.kill_at(chosen))
    assert {outcome.point: outcome.damage for outcome in outcomes if outcome.damage} == {}
    assert 2 * sum(outcome.was_reached for outcome in outcomes) > len(chosen)  # not every run does all in one order
