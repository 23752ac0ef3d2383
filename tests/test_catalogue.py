"""The catalogue is data: a model, a region or a doubt is an entry, and the rest of kfpipe knows what to do with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe import catalogue, connection, project
from kfpipe.catalogue import Rate
from kfpipe.domain import Take
from kfpipe.environment import Environment
from kfpipe.errors import Refused, Severity
from kfpipe.project import Options, Project
from kfpipe.provider import wire
from tests.support import stills

MOON = """
[models.moon1-frames]
summary = "first and last frame, 3 to 12 s"
certainty = "reported"
source = "moon"
dialect = "keyframes"
path = "moon/video-synthesis"
resolutions = ["400P", "720P"]
min_duration_s = 3
max_duration_s = 12
prompt_limit_chars = 100
negative_prompt_limit_chars = 0
sound = false
combinations = [["first_frame", "last_frame"]]
templates = ["eclipse"]
constants = { phase = "full" }

[models.moon1-frames.frames]
formats = ["PNG"]
min_side_px = 100
max_side_px = 3000
max_size_bytes = 1_000_000

[models.moon1-frames.regions.moonbase]
wire_name = "moon/one"
certainty = "reported"
sources = ["moon"]
prices = { 400P = "0.01", 720P = "0.02" }
submissions = [[3, 1], [20, 10]]
concurrent_tasks = 4

[regions.moonbase]
id = "moon-1"
aliases = []
currency = "EUR"
queries_per_second = 10

[tiers.400P]
pixels = 230_400
certain = true

[sources]
moon = "a page: https://example.com/moon"
"""

HEAD = "kfpipe: 1\nprovider: {name: dashscope, region: %s}\n"
FRAMES = "first_frame: a.png, last_frame: b.png"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stills.save(tmp_path, {"a.png": "navy", "b.png": "teal"}, stills.HD)
    return tmp_path


def loaded(text: str, region: str) -> Project:
    Path("film.yaml").write_text(HEAD % region + text, "utf-8")
    return project.load(Path("film.yaml"), Options())


def only_take(text: str, region: str) -> Take:
    (take,) = loaded(text, region).takes
    return take


def test_a_model_that_exists_nowhere_is_planned_from_its_entry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalogue.parse(*catalogue.texts(), MOON)
    monkeypatch.setattr(catalogue, "shipped", lambda: known)
    shot = f"  - {{id: rise, model: moon1-frames, resolution: 400P, duration: 12, prompt: Up., {FRAMES}}}\n"
    mine = loaded(f"shots:\n{shot}", "moonbase")
    (take,) = mine.takes
    assert (str(take.unit_price), take.currency) == ("0.01", "EUR")
    assert take.size is not None
    assert (take.size.width_px, take.size.height_px) == (640, 352)
    model = known.models["moon1-frames"]
    body = wire.submit_body(take.request, {}, model=model, wire_name=model.offers["moonbase"].wire_name)
    assert (wire.submit_path(model), body["model"]) == ("services/aigc/moon/video-synthesis", "moon/one")
    assert body["parameters"]["phase"] == "full"
    assert connection.limits(mine).of("moon1-frames").submissions_per_second == 2
    with pytest.raises(Refused) as caught:
        loaded(f"shots:\n{shot.replace('duration: 12', 'duration: 13')}", "moonbase")
    assert [problem.expected for problem in caught.value.problems] == ["3 to 12 s"]


@pytest.mark.parametrize(
    ("tasks", "seconds", "per_second"), [(5, 1, 5), (50, 60, 0.83), (1, 3, 0.33), (90, 60, 1.5), (300, 60, 5)]
)
def test_a_rate_is_never_rounded_up(tasks: int, seconds: int, per_second: float) -> None:
    assert Rate(tasks=tasks, seconds=seconds).per_second == per_second


def test_a_price_makes_a_resolution_available_with_a_warning(folder: Path) -> None:
    shots = f"shots:\n  - {{id: a, model: wan2.1-kf2v-plus, resolution: 480P, prompt: Up., {FRAMES}}}\n"
    with pytest.raises(Refused, match="480P"):
        loaded(shots, "singapore")
    mine = loaded(f"prices: {{wan2.1-kf2v-plus: {{480P: 0.05}}}}\n{shots}", "singapore")
    assert [str(take.unit_price) for take in mine.takes] == ["0.05"]
    assert [warning.severity for warning in mine.warnings] == [Severity.WARNING]


def test_an_inherited_negative_prompt_is_not_sent_to_a_model_that_takes_none(folder: Path) -> None:
    shots = f"shots:\n  - {{id: a, model: wan3.0-video, prompt: Up., {FRAMES}}}\n"
    mine = loaded(f"defaults: {{negative_prompt: blurry}}\n{shots}", "singapore")
    (take,) = mine.takes
    assert take.request.negative_prompt == ""
    assert ["not sent" in warning.what for warning in mine.warnings] == [True]
    assert take.fingerprint == only_take(shots, "singapore").fingerprint
    with pytest.raises(Refused, match="negative prompt"):
        loaded(shots.replace("prompt: Up.", "prompt: Up., negative_prompt: blurry"), "singapore")


def test_a_region_without_a_shared_host_is_reached_by_its_workspace(folder: Path) -> None:
    shots = f"shots:\n  - {{id: a, model: wan3.0-video, prompt: Up., {FRAMES}}}\n"
    nothing = Environment(keys={}, base_url=None, submit_timeout_s=60, emulator_factor=1)
    mine = loaded(shots, "tokyo, workspace: ws-1a")
    assert connection.base_url(mine, nothing) == "https://ws-1a.ap-northeast-1.maas.aliyuncs.com/api/v1"
    assert connection.base_url(loaded(shots, "virginia"), nothing) == "https://dashscope-us.aliyuncs.com/api/v1"
    with pytest.raises(Refused, match="each workspace has its own"):
        connection.base_url(loaded(shots, "tokyo"), nothing)
