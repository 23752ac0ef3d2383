"""Whole runs of models that are not Wan: limits that they share, lost answers, ways to hand a still over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from kfpipe.cli.output.messages import exit_code
from kfpipe.emulator import Emulator
from kfpipe.errors import AccountRefused, ExitCode
from kfpipe.events import TakePostponed
from kfpipe.lock.states import Rendered, Unclear, task_of
from tests.runner.conftest import Studio
from tests.support import stills

KLING, MINIMAX = "kling/kling-v3-video-generation", "MiniMax/MiniMax-H3"
VIDU = [f"vidu/vidu{name}_start-end2video" for name in ("q3-pro", "q3-turbo", "q2-pro", "q2-turbo")]

pytestmark = [pytest.mark.anyio, pytest.mark.whole_runs]

HEAD = """\
kfpipe: 1
provider: {name: emulator}
limits: {queries_per_second: 100}
defaults: {duration: 4, prompt: The lamp is switched on., first_frame: a.png, last_frame: b.png}
"""


@contextmanager
def studio(folder: Path, **settings: Any) -> Iterator[Studio]:
    stills.save(folder, stills.PAIR)
    with Emulator(**{"factor": 200, "queue_s": 0, "run_s": (20, 60), "film": "tiny", **settings}) as running:
        yield Studio(folder, running)


async def test_models_of_one_family_keep_its_limit_together(tmp_path: Path) -> None:
    with studio(tmp_path, over_limit="refuse") as made:
        shots = "".join(
            f"- {{id: s{place}, model: {model}, matrix: {{seed: [1, 2, 3, 4, 5]}}}}\n"
            for place, model in enumerate(VIDU)
        )
        made.write(f"shots:\n{shots}", HEAD)
        finished = await made.run()
        assert (finished.rendered, finished.exit_code) == (20, ExitCode.OK)
        assert made.emulator.traffic()["submit"] == made.billed() == 20  # none was refused, and asked for again


async def test_a_take_of_every_family_is_rendered_as_it_was_asked_for(tmp_path: Path) -> None:
    models = [KLING, MINIMAX, VIDU[1], "pixverse/pixverse-v6-kf2v"]
    own = "models: {MiniMax/MiniMax-H3: {resolution: 768P}}\n"
    with studio(tmp_path) as made:
        made.write(f"{own}shots:\n- {{id: a, matrix: {{model: [{', '.join(models)}]}}}}\n", HEAD)
        finished = await made.run()
        assert (finished.rendered, finished.exit_code) == (4, ExitCode.OK)
        renders = [record.entry.render for record in made.lock.values() if isinstance(record.entry, Rendered)]
        assert [one.remarks for one in renders] == [()] * 4
        assert {one.fps for one in renders} == {24}
        assert [one.audio for one in renders] == [False, True, True, False]
        assert finished.spent == made.emulator.bill().total
        again = await made.run()
        assert (again.rendered, again.kept) == (0, 4)


@pytest.mark.parametrize("act", [{"do": "drop"}, {"do": "drop", "when": "after"}], ids=["no task", "a task"])
@pytest.mark.parametrize("model", [KLING, VIDU[1]], ids=["shows no prompt", "shows its prompt"])
async def test_a_lost_answer_is_neither_paid_twice_nor_lost(tmp_path: Path, model: str, act: dict[str, Any]) -> None:
    with studio(tmp_path) as made:
        made.emulator.script({"on": "submit", "every": 3, **act})
        made.write(f"shots:\n- {{id: a, model: {model}, matrix: {{variant: [1, 2, 3, 4, 5, 6]}}}}\n", HEAD)
        finished = await made.run()
        assert (finished.rendered, finished.exit_code) == (6, ExitCode.OK)
        tasks = [task.task_id for record in made.lock.values() if (task := task_of(record.entry)) is not None]
        assert len(set(tasks)) == made.billed() == 6


async def test_where_somebody_else_makes_such_tasks_nobody_can_tell_whose_is_whose(tmp_path: Path) -> None:
    with studio(tmp_path) as made:
        body = {
            "model": KLING,
            "input": {"prompt": "Another film.", "media": [{"type": "first_frame", "url": "https://x.example/a.png"}]},
            "parameters": {"mode": "std", "duration": 4, "audio": False},
        }
        headers = {"Authorization": "Bearer sk-test", "X-DashScope-Async": "enable"}
        address = f"{made.emulator.base_url}/services/aigc/video-generation/video-synthesis"
        async with httpx.AsyncClient() as client:
            assert (await client.post(address, json=body, headers=headers)).status_code == 200
        made.emulator.script({"on": "submit", "nth": 1, "do": "drop", "when": "after"})
        made.write(f"shots:\n- {{id: a, model: {KLING}}}\n", HEAD)
        finished = await made.run()
        assert finished.exit_code == ExitCode.INCOMPLETE
        assert isinstance(made.lock["a"].entry, Unclear)
        assert len(made.lock["a"].entry.doubts.candidates) == 1


async def test_ways_that_are_refused_are_free_told_and_not_tried_again(tmp_path: Path) -> None:
    with studio(tmp_path, switches={"http-only"}) as made:
        made.write(f"shots:\n- {{id: a, model: {KLING}}}\n", HEAD)
        await made.run()
        assert "http(s) addresses" in " ".join(made.plan().steps[0].reasons)
        await made.run(retry=["a"])
        uploads = made.emulator.traffic().get("upload", 0)
        await made.run(retry=["a"])
        (left,) = made.of(TakePostponed)
        assert "reads no files of the project" in left.reason
        assert made.emulator.traffic().get("upload", 0) == uploads
        assert made.billed() == 0


async def test_a_model_that_is_not_switched_on_ends_the_run_with_where_to_do_it(tmp_path: Path) -> None:
    with studio(tmp_path, switches={"not-switched-on"}) as made:
        made.write(f"shots:\n- {{id: a, model: {KLING}}}\n", HEAD)
        with pytest.raises(AccountRefused, match="model market, card Kling") as refused:
            await made.run()
        assert exit_code(refused.value) is ExitCode.ACCOUNT
