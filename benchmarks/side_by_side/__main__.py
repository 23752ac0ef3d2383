"""kfpipe beside a bare loop and the official SDK: the same takes, from the same service, on a processor of its own.

    python -m benchmarks.side_by_side [TAKES ...] [--faults] [--runs N] [--only NAME ...]

Every run has an emulator of its own, a process on one processor; the contestant is a process on another. The emulator
draws the same durations for the same requests and enforces its limits strictly. Each figure is the median of the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.side_by_side import course

ROOT: Final = Path(__file__).resolve().parents[2]
CONTESTANTS: Final = {"kfpipe": "with_kfpipe", "httpx": "with_httpx", "sdk": "with_sdk"}

ACCOUNT: Final = """\
The limit of a real account is the service: it renders 5 takes of wan2.7-i2v at once, each in 1 to 5 minutes. That is 60
to 300 clips an hour for any client that keeps the places filled; at 3 minutes a take, 800 in a night of eight hours.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one run comes to; times in seconds, processor time in milliseconds a take."""

    makespan: float
    ratio: float
    to_end: float
    ratio_to_end: float
    lag: float
    worst_lag: float
    queries: float
    pages: float
    throttled: float
    cpu_ms: float
    cpu_without_decoding_ms: float
    cpu_without_clips_ms: float
    peak_mb: float
    start_up: float
    paid_twice: float
    lost: float
    service_load: float


_PROCESSOR: Final = "{cpu_ms:.0f}, {cpu_without_decoding_ms:.0f}, {cpu_without_clips_ms:.0f} ms"

COLUMNS: Final = {
    "takes": "",
    "client": "",
    "seconds, to its end": "{makespan:.1f}, {to_end:.1f}",
    "of the ideal": "{ratio:.2f}, {ratio_to_end:.2f}",
    "lag, longest": "{lag:.2f}, {worst_lag:.1f} s",
    "queries a take": "{queries:.1f}",
    "pages": "{pages:.0f}",
    "429s": "{throttled:.0f}",
    "processor a take, without looking over, nor proof": _PROCESSOR,
    "memory": "{peak_mb:.0f} MB",
    "paid twice": "{paid_twice:.0f}",
    "lost": "{lost:.0f}",
    "before it began": "{start_up:.1f} s",
    "emulator's load": "{service_load:.0%}",
}
"""Of the table, with what stands in them; the first two are known beforehand."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("takes", nargs="*", type=int, default=[200, 2000])
    parser.add_argument("--faults", action="store_true", help="let the service fail in all the ways that it does")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="the figures are the medians of N runs")
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS), metavar="NAME")
    given = parser.parse_args(arguments)
    _say(f"| {' | '.join(COLUMNS)} |")
    _say("| --- " * len(COLUMNS) + "|")
    for takes in given.takes:
        for name in given.only:
            runs = [raced(name, takes, with_faults=given.faults) for _ in range(given.runs)]
            told = f"{takes:,}, with faults" if given.faults else f"{takes:,}"
            _say(f"| {told} | {name} | {' | '.join(_medians(runs))} |")
    _say(f"\n{ACCOUNT}")


def raced(name: str, takes: int, *, with_faults: bool) -> Figures:
    """One run of one contestant."""
    with tempfile.TemporaryDirectory() as made, _service(with_faults=with_faults) as service:
        folder = Path(made)
        course.write(folder, takes)
        words = ["-m", f"benchmarks.side_by_side.contestants.{CONTESTANTS[name]}"]
        started_at = time.time()
        ran = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env=_variables(service.base_url, takes),
            preexec_fn=_pinned(-1),
            capture_output=True,
            text=True,
        )
        if ran.returncode:
            raise SystemExit(f"{name} ended with {ran.returncode}:\n{ran.stderr[-4000:]}")
        own = json.loads(ran.stdout.splitlines()[-1])
        clips = sum(not path.parent.name.startswith(".") for path in folder.glob("*/**/*.mp4"))
        return _figures(own, service.seen(), started_at, takes, lost=takes - clips)


def _figures(own: dict[str, Any], seen: dict[str, Any], started_at: float, takes: int, *, lost: int) -> Figures:
    ideal_s = course.ideal_s(_needed(seen["tasks"]))
    makespan, to_end = own["last_clip_at"] - own["began_at"], own["ended_at"] - own["began_at"]
    paid = [task for task in seen["tasks"] if task["paid"]]
    lags = sorted(_lags({int(number): at for number, at in own["known"].items()}, paid))
    cpu_s = own["cpu_s"] + own["children_s"]
    return Figures(
        makespan=makespan,
        ratio=makespan / ideal_s,
        to_end=to_end,
        ratio_to_end=to_end / ideal_s,
        lag=statistics.median(lags),
        worst_lag=lags[-1],
        queries=seen["requests"].get("query", 0) / takes,
        pages=seen["requests"].get("list", 0),
        throttled=seen["throttled"],
        cpu_ms=1000 * cpu_s / takes,
        cpu_without_decoding_ms=1000 * (own["cpu_s"] - own["decoding_s"]) / takes,
        cpu_without_clips_ms=1000 * (own["cpu_s"] - own["decoding_s"] - own["proving_s"]) / takes,
        peak_mb=own["peak_mb"],
        start_up=own["began_at"] - started_at,
        paid_twice=sum(count - 1 for count in Counter(task["number"] for task in paid).values()),
        lost=lost,
        service_load=seen["cpu_s"] / to_end,
    )


def _needed(tasks: Sequence[dict[str, Any]]) -> list[list[float]]:
    """What the service had to run for each take, in seconds: the tasks that failed, and one that did not."""
    takes: dict[int, list[float]] = {}
    done: set[int] = set()
    for task in tasks:
        if task["number"] not in done:
            takes.setdefault(task["number"], []).append(task["run_s"])
        if task["paid"]:
            done.add(task["number"])
    return [takes[number] for number in sorted(takes)]


def _lags(known: dict[int, float], paid: Sequence[dict[str, Any]]) -> Iterator[float]:
    """How long after the end of its task each clip was known to be there; of two tasks, the one that ended last."""
    ends: dict[int, list[float]] = {}
    for task in paid:
        ends.setdefault(task["number"], []).append(task["ended_at"])
    for number, at in known.items():
        yield at - max((end for end in ends[number] if end <= at), default=at)


class _Service:
    """An emulator's process, as it is seen from here."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.base_url = str(self._told()["base_url"])

    def seen(self) -> dict[str, Any]:
        """What it has seen; it serves no more."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._told()

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def _service(*, with_faults: bool) -> Iterator[_Service]:
    words = ["-m", "benchmarks.side_by_side.service", *(["--faults"] if with_faults else [])]
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=_variables("", 0),
        preexec_fn=_pinned(0),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield _Service(process)
        finally:
            process.kill()


def _variables(base_url: str, takes: int) -> dict[str, str]:
    given = {
        "DASHSCOPE_API_KEY": course.API_KEY,
        "DASHSCOPE_HTTP_BASE_URL": base_url,
        "KFPIPE_LIST_PATIENCE": "0.2",  # the emulator lists a task at once
        "PYTHONPATH": str(ROOT),
        "TAKES": str(takes),
    }
    return {**os.environ, **given}


def _pinned(place: int) -> Any:
    """What binds a process to one of this machine's processors, where that can be done and there are several."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    processors = sorted(os.sched_getaffinity(0))
    return partial(os.sched_setaffinity, 0, {processors[place]}) if len(processors) > 1 else None


def _medians(runs: Sequence[Figures]) -> Iterator[str]:
    medians = {field.name: statistics.median(getattr(run, field.name) for run in runs) for field in fields(Figures)}
    return (shape.format(**medians) for shape in COLUMNS.values() if shape)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
