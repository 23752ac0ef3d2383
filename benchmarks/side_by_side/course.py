"""What every contestant is asked for: the same takes, under the same limits, through the same faults."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from PIL import Image

MODEL: Final = "wan2.7-i2v"
API_KEY: Final = "sk-side-by-side"
LIMITS: Final = {"submissions_per_second": 50, "concurrent_tasks": 200, "queries_per_second": 200}
RUN_S: Final = (2.0, 6.0)
"""Seconds that a task takes; the emulator draws them from the request and its own seed."""

STILLS: Final = (("first_frame", "a.png", "navy"), ("last_frame", "b.png", "gold"))
PARAMETERS: Final[dict[str, Any]] = {"resolution": "720P", "duration": 2, "prompt_extend": False, "watermark": False}

FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"on": "submit", "every": 25, "do": "drop", "when": "after"},  # the answer is lost: the task is there, and billed
    {"on": "submit", "every": 29, "do": "answer", "status": 500, "code": "InternalError", "when": "after"},
    {"on": "submit", "every": 40, "do": "drop"},
    {"on": "submit", "every": 50, "do": "fail", "code": "InternalError", "message": "Please try again later."},
    {"on": "query", "every": 50, "do": "html", "status": 502},
    {"on": "query", "every": 61, "do": "answer", "status": 429, "code": "Throttling.RateQuota"},
    {"on": "download", "every": 20, "do": "truncate", "after_bytes": 1000},
)

_MANIFEST: Final = """\
kfpipe: 1
provider: {{name: dashscope, region: singapore}}
limits: {limits}
defaults: {{model: {model}, resolution: 720P, duration: 2, prompt_extend: false, watermark: false}}
shots:
  - id: kitten
    first_frame: a.png
    last_frame: b.png
    prompt: "A kitten looks up, number {{{{ seed }}}}."
    matrix: {{seed: [{seeds}]}}
"""


def write(folder: Path, takes: int) -> None:
    """The stills, and the shot list for the one contestant that reads it."""
    for _, name, colour in STILLS:
        Image.new("RGB", (640, 360), colour).save(folder / name)
    seeds = ", ".join(map(str, range(takes)))
    (folder / "shots.yaml").write_text(_MANIFEST.format(limits=LIMITS, model=MODEL, seeds=seeds), "utf-8")


def prompt(number: int) -> str:
    """The prompt of one take, whose number is its seed, too."""
    return f"A kitten looks up, number {number}."


def number_of(prompt: str) -> int:
    """The inverse of `prompt`."""
    return int(prompt.rstrip(".").rpartition(" ")[2])


def ideal_s(takes_s: Sequence[Sequence[float]]) -> float:
    """The time at which the last task ends when each one starts as soon as the limits allow.

    A take has one task, and before it those that failed, each of which ran to its end before the next one was made. The
    next one goes before takes that are still new. Submissions leave one by one, evenly; a task needs one of the places;
    nothing else takes any time.
    """
    ends_s = [0.0] * LIMITS["concurrent_tasks"]
    again: list[tuple[float, int, int]] = []  # from when on, the take, and how many of its tasks have failed
    new = deque(range(len(takes_s)))
    for place in range(sum(map(len, takes_s))):
        free_s = max(ends_s[0], place / LIMITS["submissions_per_second"])
        is_again = bool(again) and (not new or again[0][0] <= free_s)
        ready_s, number, failed = heapq.heappop(again) if is_again else (0.0, new.popleft(), 0)
        ended_s = max(free_s, ready_s) + takes_s[number][failed]
        heapq.heapreplace(ends_s, ended_s)
        if failed + 1 < len(takes_s[number]):
            heapq.heappush(again, (ended_s, number, failed + 1))
    return max(ends_s)
