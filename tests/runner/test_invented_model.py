"""A model that exists nowhere: an entry of a catalogue here and of the emulator's there, and no line of code."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from kfpipe import catalogue
from kfpipe.emulator import Emulator
from kfpipe.errors import ExitCode
from kfpipe.lock.states import Rendered
from tests.runner.conftest import Studio
from tests.support import stills

pytestmark = [pytest.mark.anyio, pytest.mark.whole_runs]

OURS = """
[sources]
moon = "a page: https://example.com/moon"

[models."moon/rise-1"]
summary = "two pictures in their order, 3 to 9 s, sound at a price, no seed"
family = "moon"
certainty = "reported"
source = "moon"
dialect = "pictures"
path = "video-generation/video-synthesis"
resolutions = ["540P", "1080P"]
spellings = { 540P = "draft", 1080P = "final" }
parameters = { resolution = "quality", duration = "duration", audio = "audio" }
min_duration_s = 3
max_duration_s = 9
prompt_limit_chars = 100
needs_prompt = true
negative_prompt_limit_chars = 0
sound = true
shows_prompt = false
combinations = [["first_frame", "last_frame"]]
size = { step_px = 2, certain = false, frame_rate = 24 }
frames = { formats = ["PNG", "JPEG"], max_size_bytes = 1_000_000, alpha = "unknown" }
group = "moon"

[groups.moon]
scope = "key"
concurrent_tasks = 2
submissions = [[5, 1]]
members = "all models of the moon"

[models."moon/rise-1".limits]
certainty = "reported"
sources = ["moon"]

[models."moon/rise-1".regions.beijing]
prices = { 540P = "0.60", 1080P = "1.20" }
prices_with_sound = { 540P = "0.90", 1080P = "1.80" }
"""

THEIRS = """
[models."moon/rise-1"]
like = "vidu/viduq3-pro_start-end2video"
regions = ["beijing"]
tier_field = "quality"
default_tier = ""
sound = "off"
lengths = {from = 3, to = 9, default = 5}
prompts = {limit = 100, is_required = true, is_shown = false}
limits = {submissions_per_second = 5, concurrent_tasks = 2, places = "moon"}

[models."moon/rise-1".tiers]
draft = "540P"
final = "1080P"

[models."moon/rise-1".price.beijing]
540P = ["0.60", "0.90"]
1080P = ["1.20", "1.80"]
"""

SHOTS = """\
kfpipe: 1
provider: {name: emulator}
limits: {queries_per_second: 100}
defaults: {model: moon/rise-1, prompt: The moon rises., first_frame: a.png, last_frame: b.png, duration: 3}
shots:
- {id: quiet, resolution: 540P, audio: false, matrix: {variant: [1, 2, 3]}}
- {id: loud, resolution: 1080P, audio: true}
"""


async def test_a_model_that_exists_nowhere_is_rendered_from_its_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = catalogue.parse(*catalogue.texts(), OURS)
    monkeypatch.setattr(catalogue, "shipped", lambda: known)
    (tmp_path / "theirs.toml").write_text(THEIRS, "utf-8")
    stills.save(tmp_path, stills.PAIR)
    with Emulator(factor=200, queue_s=0, run_s=(20, 40), film="tiny", models=tmp_path / "theirs.toml") as running:
        studio = Studio(tmp_path, running)
        studio.write(SHOTS, "")
        finished = await studio.run()
        assert (finished.rendered, finished.exit_code) == (4, ExitCode.OK)
        bill = running.bill()
    renders = {take: record.entry.render for take, record in studio.lock.items() if isinstance(record.entry, Rendered)}
    assert [one.remarks for one in renders.values()] == [()] * 4
    assert renders["loud"].audio and not renders["quiet@variant=1"].audio
    assert sorted(charge.resolution for charge in bill.charges) == ["1080P", "540P", "540P", "540P"]
    assert finished.spent == bill.total == 3 * (3 * Decimal("0.10") + Decimal("0.30"))
