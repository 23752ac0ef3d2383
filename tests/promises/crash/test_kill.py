"""`kfpipe run`, killed at random moments and started again, pays for every take once and loses none."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from PIL import Image

from kfpipe.domain import NEVER_CREATED
from kfpipe.emulator import Emulator
from kfpipe.lock import lockfile
from kfpipe.lock.join import join
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import Failed, Rendered
from tests.support.processes import Running

MANIFEST = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
limits: {submissions_per_second: 20, concurrent_tasks: 4, queries_per_second: 20}
budget: {max_cost: 100, currency: USD}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: a.png, last_frame: b.png}
shots:
  - id: kitten
    prompt: A kitten looks up.
    matrix: {seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}
  - id: monster
    prompt: A monster looks at the {{ sky }} sky.
    matrix: {sky: [red, green, blue], seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}
  - id: street
    prompt: The lamps of a street come on.
"""
TAKES = 43
KILLS = 20
MOST_REQUESTS = 12
"""Between two deaths: too few for all takes to be home before the last one."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shots.yaml").write_text(MANIFEST, "utf-8")
    for name, colour in (("a.png", (40, 60, 120)), ("b.png", (230, 180, 90))):
        Image.new("RGB", (640, 360), colour).save(tmp_path / name)
    return tmp_path


def start(folder: Path, emulator: Emulator) -> Running:
    there = {"DASHSCOPE_HTTP_BASE_URL": emulator.base_url, "DASHSCOPE_API_KEY": "sk-test"}
    return Running("run", "shots.yaml", cwd=folder, env={**os.environ, **there})


def kill_sometime(process: Running, emulator: Emulator, moments: random.Random) -> None:
    """Kill it a little while after it has asked the service for a few things more."""
    enough = len(emulator.requests()) + moments.randint(1, MOST_REQUESTS)
    while len(emulator.requests()) < enough and process.poll() is None:
        time.sleep(0.005)
    time.sleep(moments.uniform(0, 0.05))
    process.kill()
    process.communicate()


@pytest.mark.timeout(300)
def test_twenty_kills_cost_nothing_and_lose_nothing(folder: Path) -> None:
    moments = random.Random(20)
    with Emulator(factor=100, queue_s=(0, 40), run_s=(40, 200), film="tiny", enforces_rates=False) as emulator:
        killed = 0
        for _ in range(KILLS):
            process = start(folder, emulator)
            kill_sometime(process, emulator, moments)
            killed += process.returncode == -signal.SIGKILL
        assert emulator.bill().charges, "no run came far enough for it to matter that it was killed"
        emulator.clock.advance(1000)
        output, _ = start(folder, emulator).communicate(timeout=120)
        tasks = emulator.bill().charges
    assert killed == KILLS, "a run came to its end too early to be killed: give it more to do"
    assert "nothing to do" not in output

    paths = LockPaths.beside(folder / "shots.lock.json")
    requests = lockfile.load(paths.lockfile_path).requests
    rendered = [entry for entry in requests.values() if isinstance(entry, Rendered)]
    assert len(rendered) == TAKES
    assert sorted(task.task_id for task in tasks) == sorted(entry.task.task_id for entry in rendered)
    others = [entry for entry in requests.values() if not isinstance(entry, Rendered)]
    assert all(isinstance(entry, Failed) and entry.failure.code == NEVER_CREATED for entry in others)
    assert join(requests, lockfile.left_in_journal(paths).requests) == requests

    clips = {path.relative_to(folder).as_posix() for path in folder.rglob("*.mp4")}
    assert clips == {entry.render.path for entry in rendered}
    assert {path.name for path in folder.iterdir()} == {
        ".kfpipe", "a.png", "b.png", "renders", "shots.lock.json", "shots.yaml",
    }  # fmt: skip
    assert {path.name for path in (folder / "renders").iterdir()} == {Path(clip).name for clip in clips}
    assert {path.name for path in (folder / ".kfpipe").glob("*.journal*")} == {"shots.journal"}
    assert not list((folder / ".kfpipe").glob(".*.tmp"))
