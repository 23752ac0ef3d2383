"""A run with an emulator of its own, killed in the middle: the emulated service goes on, and so does the next run."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from PIL import Image

from kfpipe.environment import EMULATOR_CLOCK
from tests.support.processes import Running, ended

MANIFEST = """\
kfpipe: 1
provider: {name: emulator}
defaults: {model: wan2.7-i2v, resolution: 720P, duration: 2, first_frame: a.png, last_frame: b.png}
shots:
  - {id: kitten, prompt: A kitten looks up., matrix: {seed: [1, 2, 3]}}
"""


def test_nothing_is_rendered_twice_when_the_quickstart_is_killed(tmp_path: Path) -> None:
    (tmp_path / "shots.yaml").write_text(MANIFEST, "utf-8")
    for name, colour in (("a.png", "navy"), ("b.png", "gold")):
        Image.new("RGB", (640, 360), colour).save(tmp_path / name)
    env = {**os.environ, EMULATOR_CLOCK: "600"}
    process = Running("run", "shots.yaml", cwd=tmp_path, env=env)
    journal = tmp_path / ".kfpipe/shots.journal"
    while not (journal.exists() and b'"submitted"' in journal.read_bytes()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    again = ended("run", "shots.yaml", cwd=tmp_path, env=env)
    assert again.returncode == 0, again.stderr

    requests = json.loads((tmp_path / "shots.lock.json").read_text("utf-8"))["requests"].values()
    rendered = [request for request in requests if request["state"] == "rendered"]
    assert len({request["task_id"] for request in rendered}) == len(rendered) == 3
    assert all(request["failure"]["billed"] is False for request in requests if request["state"] != "rendered")
