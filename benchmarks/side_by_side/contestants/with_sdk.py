"""The official SDK as its documentation shows it, `async_call` and `wait`, in as many threads as tasks may run."""

from __future__ import annotations

import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.side_by_side import course
from benchmarks.side_by_side.contestants.notes import Notes
from benchmarks.side_by_side.contestants.uploading import uploaded

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import dashscope
    import requests

TRIES = 8
PAUSE_S = 1.0


class Pace:
    """Lets callers through one by one, evenly."""

    def __init__(self, per_second: float) -> None:
        self._spacing_s = 1 / per_second
        self._next_s = 0.0
        self._lock = threading.Lock()

    def turn(self) -> None:
        with self._lock:
            now_s = time.monotonic()
            self._next_s = max(self._next_s, now_s) + self._spacing_s
            wait_s = self._next_s - self._spacing_s - now_s
        time.sleep(wait_s)


class Threads:
    def __init__(self, media: list[dict[str, str]], notes: Notes) -> None:
        self._media, self._notes = media, notes
        self._submissions = Pace(0.98 * course.LIMITS["submissions_per_second"])

    def render(self, number: int) -> None:
        for _ in range(TRIES):
            task_id = self._submitted(number)
            output = task_id and _waited(task_id)
            if output and output.get("video_url"):
                self._notes.known[number] = time.time()
                _download(output["video_url"], Path("clips", f"{number}.mp4"))
                return
            time.sleep(PAUSE_S)

    def _submitted(self, number: int) -> str | None:
        self._submissions.turn()
        try:
            answer = dashscope.VideoSynthesis.async_call(
                model=course.MODEL,
                prompt=course.prompt(number),
                media=self._media,
                seed=number,
                headers={"X-DashScope-OssResourceResolve": "enable"},
                **course.PARAMETERS,
            )
        except (requests.RequestException, OSError):
            return None
        return answer.output.task_id if answer.status_code == 200 else None


def _waited(task_id: str) -> Any:
    """The task's end; what the SDK does not take for one, such as a gateway's page, is asked about again."""
    for _ in range(TRIES):
        try:
            answer = dashscope.VideoSynthesis.wait(task_id)
        except (requests.RequestException, OSError):
            answer = None
        if answer is not None and answer.status_code == 200:
            return answer.output
        time.sleep(PAUSE_S)
    return None


def _download(url: str, path: Path) -> None:
    for _ in range(TRIES):
        try:
            answer = requests.get(url, timeout=30)
            answer.raise_for_status()
            path.write_bytes(answer.content)
            return
        except requests.RequestException:
            time.sleep(PAUSE_S)


def main() -> None:
    takes, base_url, notes = int(os.environ["TAKES"]), os.environ["DASHSCOPE_HTTP_BASE_URL"], Notes()
    Path("clips").mkdir()
    dashscope.base_http_api_url, dashscope.api_key = base_url, course.API_KEY
    notes.begin()
    threads = Threads(uploaded(base_url), notes)
    with ThreadPoolExecutor(course.LIMITS["concurrent_tasks"]) as pool:
        for _ in pool.map(threads.render, range(takes)):
            pass
    notes.tell()


if __name__ == "__main__":
    main()
