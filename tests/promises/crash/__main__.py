"""`python -m tests.promises.crash`: a run dies at every point; prints a table in Markdown.

By `kill -9` on both event loops, and by power cuts, after which the disk has forgotten what was not synced.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.promises.crash.every_point import Death, staged

DEATHS = (("asyncio", Death.KILL), ("trio", Death.KILL), ("asyncio", Death.POWER_CUT))


def main() -> int:
    """Returns the exit code: 1 when anything was lost or paid for twice."""
    print("| death | event loop | points of a run | died at | paid twice | lost | damage | seconds |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    damaged = 0
    for backend, death in DEATHS:
        since_s = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, staged(Path(folder), backend, death) as stage:
            points = stage.points()
            outcomes = list(stage.kill_at(points))
        harmed = [outcome for outcome in outcomes if outcome.damage]
        paid, lost = sum(outcome.paid_twice for outcome in outcomes), sum(outcome.lost for outcome in outcomes)
        reached, took_s = sum(outcome.was_reached for outcome in outcomes), time.monotonic() - since_s
        print(
            f"| {death} | {backend} | {len(points)} | {reached} | {paid} | {lost} | {len(harmed)} | {took_s:.0f} |",
            flush=True,
        )
        for outcome in harmed:
            print(f"{outcome.point}: {'; '.join(outcome.damage)}", file=sys.stderr)
        damaged += len(harmed)
    return 1 if damaged else 0


if __name__ == "__main__":
    sys.exit(main())
