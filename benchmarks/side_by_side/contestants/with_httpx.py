"""The loop that one writes in an afternoon: httpx, a semaphore, a query a second for each task, and retries."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.side_by_side import course
from benchmarks.side_by_side.contestants.notes import Notes
from benchmarks.side_by_side.contestants.uploading import uploaded

TRIES = 8
PAUSE_S = 1.0
DOWNLOADS_AT_ONCE = 4


class Pace:
    """Lets callers through one by one, evenly."""

    def __init__(self, per_second: float) -> None:
        self._spacing_s = 1 / per_second
        self._next_s = 0.0

    async def turn(self) -> None:
        now_s = time.monotonic()
        self._next_s = max(self._next_s, now_s) + self._spacing_s
        await asyncio.sleep(self._next_s - self._spacing_s - now_s)


class Loop:
    def __init__(self, client: httpx.AsyncClient, base_url: str, media: list[dict[str, str]], notes: Notes) -> None:
        self._client, self._base_url, self._media, self._notes = client, base_url, media, notes
        self._places = asyncio.Semaphore(course.LIMITS["concurrent_tasks"])
        self._submissions = Pace(0.98 * course.LIMITS["submissions_per_second"])
        self._queries = Pace(0.98 * course.LIMITS["queries_per_second"])
        self._downloads = asyncio.Semaphore(DOWNLOADS_AT_ONCE)

    async def render(self, number: int) -> None:
        for _ in range(TRIES):
            async with self._places:
                url = await self._finished(await self._submitted(number))
            if url is not None:
                self._notes.known[number] = time.time()
                await self._download(url, Path("clips", f"{number}.mp4"))
                return

    async def _submitted(self, number: int) -> str:
        body = {
            "model": course.MODEL,
            "input": {"prompt": course.prompt(number), "media": self._media},
            "parameters": {**course.PARAMETERS, "seed": number},
        }
        headers = {"X-DashScope-Async": "enable", "X-DashScope-OssResourceResolve": "enable"}
        path = "services/aigc/video-generation/video-synthesis"
        answer = await self._asked("POST", f"{self._base_url}/{path}", self._submissions, json=body, headers=headers)
        return str(answer["output"]["task_id"])

    async def _finished(self, task_id: str) -> str | None:
        while True:
            await asyncio.sleep(PAUSE_S)
            output = (await self._asked("GET", f"{self._base_url}/tasks/{task_id}", self._queries))["output"]
            if output["task_status"] not in ("PENDING", "RUNNING"):
                return output.get("video_url")

    async def _asked(self, method: str, url: str, pace: Pace, **more: Any) -> dict[str, Any]:
        for _ in range(TRIES):
            await pace.turn()
            try:
                answer = await self._client.request(method, url, **more)
                answer.raise_for_status()
                return answer.json()
            except (httpx.HTTPError, ValueError):
                await asyncio.sleep(PAUSE_S)
        raise SystemExit(f"no answer from {url}")

    async def _download(self, url: str, path: Path) -> None:
        async with self._downloads:
            for _ in range(TRIES):
                try:
                    answer = await self._client.get(url)
                    answer.raise_for_status()
                    path.write_bytes(answer.content)  # noqa: ASYNC240  as the loop of an afternoon does
                    return
                except httpx.HTTPError:
                    await asyncio.sleep(PAUSE_S)


async def run(takes: int, base_url: str, notes: Notes) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {course.API_KEY}"}, timeout=30) as client:
        loop = Loop(client, base_url, uploaded(base_url), notes)
        await asyncio.gather(*(loop.render(number) for number in range(takes)))


def main() -> None:
    takes, base_url, notes = int(os.environ["TAKES"]), os.environ["DASHSCOPE_HTTP_BASE_URL"], Notes()
    Path("clips").mkdir()
    notes.begin()
    asyncio.run(run(takes, base_url, notes))
    notes.tell()


if __name__ == "__main__":
    main()
