"""The emulator in a process of its own: prints its address, serves until stdin ends, then prints what it has seen."""

from __future__ import annotations

import json
import sys
import time

from benchmarks.side_by_side import course
from kfpipe.emulator import Emulator
from kfpipe.emulator.tasks import TaskStatus


def main() -> None:
    faults = course.FAULTS if "--faults" in sys.argv else ()
    with Emulator(
        queue_s=0,
        run_s=course.RUN_S,
        film="tiny",
        burn_in=False,
        limits=course.LIMITS,
        over_limit="refuse",
        region="singapore",
        faults=faults,
    ) as emulator:
        _tell({"base_url": emulator.base_url})
        idle_s = time.process_time()
        sys.stdin.read()
        spent_s = time.process_time() - idle_s
        now = emulator.clock.now()
        tasks = [
            {
                "number": course.number_of(task.prompt or ""),
                "run_s": task.run_s,
                "ended_at": task.ended_at(),
                "paid": task.status(now) is TaskStatus.SUCCEEDED,
            }
            for task in emulator.account.tasks()
        ]
        throttled = emulator.account.throttled.total()
        _tell({"tasks": tasks, "throttled": throttled, "requests": emulator.traffic(), "cpu_s": spent_s})


def _tell(fields: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
