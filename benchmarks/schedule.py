"""How close a run comes to the ideal schedule, under limits that the emulator enforces strictly.

    python benchmarks/schedule.py [TAKES]

Prints the run's length as a ratio to the ideal: the durations that the emulator drew, packed onto the tasks that may
be in progress at once in the order of submission, with nothing lost between them. Also counts the 429s; there must be
none.
"""

from __future__ import annotations

import heapq
import os
import sys
import tempfile
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import anyio
from PIL import Image

from kfpipe import accounts, api
from kfpipe.emulator import Emulator
from kfpipe.environment import API_KEY, STATE_HOME, Environment

LIMITS = {"submissions_per_second": 5, "concurrent_tasks": 5, "queries_per_second": 20}
FACTOR = 60.0
RUN_S = (90.0, 300.0)

MANIFEST = """\
kfpipe: 1
provider: {{name: dashscope, region: singapore}}
limits: {limits}
shots:
  - id: kitten
    model: wan2.7-i2v
    duration: 2
    first_frame: a.png
    last_frame: b.png
    prompt: A kitten looks up, number {{{{ number }}}}.
    matrix: {{number: [{numbers}]}}
"""


def main() -> None:
    takes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as name, _emulator() as emulator:
        folder = Path(name)
        os.environ[STATE_HOME] = str(folder / "state")
        _write_project(folder, takes)
        took_s = anyio.run(_run, folder, emulator.base_url)
        tasks = sorted(emulator.account.tasks(), key=lambda task: task.submitted_at)
        ideal_s = _packed_s([task.run_s / FACTOR for task in tasks], LIMITS["concurrent_tasks"])
        throttled = emulator.account.throttled.total()
    sys.stdout.write(
        f"{takes} takes: {took_s:.1f} s, ideal {ideal_s:.1f} s, ratio {took_s / ideal_s:.3f}, "
        f"{throttled} requests throttled, {len(tasks)} tasks\n"
    )


def _emulator() -> Emulator:
    return Emulator(
        factor=FACTOR, queue_s=0, run_s=RUN_S, film="tiny", limits=LIMITS, over_limit="refuse", region="singapore"
    )


def _write_project(folder: Path, takes: int) -> None:
    for name, colour in (("a.png", "navy"), ("b.png", "gold")):
        Image.new("RGB", (640, 360), colour).save(folder / name)
    numbers = ", ".join(map(str, range(takes)))
    (folder / "shots.yaml").write_text(MANIFEST.format(limits=LIMITS, numbers=numbers), "utf-8")


async def _run(folder: Path, base_url: str) -> float:
    settings = Environment(keys={API_KEY: "sk-benchmark"}, base_url=base_url, submit_timeout_s=60, emulator_factor=1)
    with api.session(api.load(folder / "shots.yaml")) as held:
        session = replace(held, settings=settings, whose=accounts.known(held.project, settings))
        started = time.monotonic()
        finished = await session.run_async(session.plan(), cap=Decimal(1000), emit=lambda _: None)
        took_s = time.monotonic() - started
    if finished.unfinished or finished.failed:
        raise SystemExit(f"the run did not finish: {finished}")
    return took_s


def _packed_s(durations_s: list[float], places: int) -> float:
    """The time at which the last of these tasks ends when each starts as soon as a place is free."""
    ends_s = [0.0] * places
    for duration_s in durations_s:
        heapq.heapreplace(ends_s, ends_s[0] + duration_s)
    return max(ends_s)


if __name__ == "__main__":
    main()
