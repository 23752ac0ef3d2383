"""A model that exists nowhere: an entry of the catalogue and one of the emulator are all that it takes."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from kfpipe import api, catalogue
from kfpipe.emulator import Emulator
from kfpipe.lock import lockfile
from kfpipe.lock.states import Rendered
from tests.support import stills

CATALOGUE = """
[models."lumen/dawn-1"]
like = "kling/kling-v3-video-generation"
resolutions = ["360P"]
spellings = { 360P = "small" }
parameters = { resolution = "grade", duration = "duration", audio = "audio" }
durations_s = [1, 2]

[models."lumen/dawn-1".regions.beijing]
prices = { 360P = "0.06" }
prices_with_sound = { 360P = "0.12" }
"""
EMULATED = """
[models."lumen/dawn-1"]
like = "kling/kling-v3-video-generation"
tiers = {small = "360P"}
tier_field = "grade"
default_tier = "small"
lengths = {of = [1, 2], default = 1}
price.beijing = {360P = ["0.06", "0.12"]}
"""
MANIFEST = """\
kfpipe: 1
provider: {name: emulator}
shots:
  - id: lamp
    model: lumen/dawn-1
    resolution: 360P
    duration: 1
    audio: false
    first_frame: a.png
    last_frame: b.png
    prompt: The lamp is switched on.
"""


def test_an_invented_model_is_rendered_without_a_line_of_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = catalogue.parse(*catalogue.texts(), CATALOGUE)
    monkeypatch.setattr(catalogue, "shipped", lambda: own)
    stills.save(tmp_path, stills.PAIR)
    (tmp_path / "models.toml").write_text(EMULATED, "utf-8")
    (tmp_path / "shots.yaml").write_text(MANIFEST, "utf-8")
    with Emulator(factor=400, queue_s=0, run_s=1, film="tiny", models=tmp_path / "models.toml") as emulator:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.base_url)
        project = api.load(tmp_path / "shots.yaml")
        api.run(project)
    (sent,) = (one["body"]["parameters"] for one in emulator.requests() if one["phase"] == "submit")
    assert sent == {"grade": "small", "duration": 1, "audio": False}
    (entry,) = lockfile.read(project.paths).requests.values()
    assert isinstance(entry, Rendered)
    assert entry.render.remarks == ()
    assert entry.result.cost == emulator.bill().total
    with av.open(tmp_path / entry.render.path) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.average_rate) == (640, 360, 24)
