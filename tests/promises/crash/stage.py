"""`kfpipe run` in a process of its own, forked from one that has loaded everything already."""

from __future__ import annotations

import json
import os
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import anyio

from kfpipe import api
from kfpipe.events import RunFinished
from tests.promises.crash.forgetful import ForgetfulDisk
from tests.promises.crash.kill_points import KillPoints
from tests.support import processes


def fork(
    folder: Path, base_url: str, *, backend: str, fatal: str | None, report: Path, ruin: Path | None = None
) -> BaseProcess:
    """A run of `shots.yaml` in `folder`, under way; it dies at the point `fatal`, or tells in `report` how it ended.

    Where there is to be a `ruin`, it dies of a power cut, and there is what its disk remembers of the folder.
    """
    process = processes.context().Process(target=_play, args=(folder, base_url, backend, fatal, report, ruin))
    process.start()
    return process


LIST_PATIENCE_S: Final = 2.0
"""A dead run may have left a request in the emulator's socket: it has to be taken in, on a busy machine as well, before
the next run believes a list without its task. What it does with too short a time is right, but another story."""


def _play(folder: Path, base_url: str, backend: str, fatal: str | None, report: Path, ruin: Path | None) -> None:
    os.chdir(folder)
    os.environ.update(
        DASHSCOPE_HTTP_BASE_URL=base_url, DASHSCOPE_API_KEY="sk-test", KFPIPE_LIST_PATIENCE=str(LIST_PATIENCE_S)
    )
    points = KillPoints(fatal) if ruin is None else _on_forgetful_disk(folder, fatal, ruin)
    points.lay()

    async def run() -> RunFinished:
        return await session.run_async(session.plan(), cap=None, emit=lambda _: None)

    with api.session(api.load(Path("shots.yaml"))) as session:
        finished = anyio.run(run, backend=backend)
    report.write_text(json.dumps({"exit_code": finished.exit_code, "points": points.passed}), "utf-8")


def _on_forgetful_disk(folder: Path, fatal: str | None, ruin: Path) -> KillPoints:
    disk = ForgetfulDisk(folder)
    disk.lay()
    return KillPoints(fatal, dying=lambda: disk.lose_power(ruin))
