"""`python -m tests.promises.crash`: a run killed at every point, on both event loops; prints a table in Markdown."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.promises.crash.every_point import staged


def main() -> int:
    """Returns the exit code: 1 when anything was lost or paid for twice."""
    print("| event loop | points of a run | killed at | damage |")
    print("| --- | ---: | ---: | ---: |")
    damaged = 0
    for backend in ("asyncio", "trio"):
        with tempfile.TemporaryDirectory() as folder, staged(Path(folder), backend) as stage:
            points = stage.points()
            outcomes = list(stage.kill_at(points))
        killed = sum(outcome.was_reached for outcome in outcomes)
        harmed = [outcome for outcome in outcomes if outcome.damage]
        print(f"| {backend} | {len(points)} | {killed} | {len(harmed)} |", flush=True)
        for outcome in harmed:
            print(f"{outcome.point}: {'; '.join(outcome.damage)}", file=sys.stderr)
        damaged += len(harmed)
    return 1 if damaged else 0


if __name__ == "__main__":
    sys.exit(main())
