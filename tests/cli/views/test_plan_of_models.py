"""What a plan says of models beside each other: prices by tier and sound, and whose clips cannot be repeated."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Call
from tests.support import stills

KLING = "kling/kling-v3-video-generation"

MANIFEST = f"""\
kfpipe: 1
provider: {{name: dashscope, region: beijing}}
defaults: {{duration: 5, prompt: The lamp is switched on., first_frame: a.png, last_frame: b.png}}
models: {{{KLING}: {{resolution: 1080P}}, vidu/viduq3-pro_start-end2video: {{resolution: 540P}}}}
shots:
- {{id: quiet, audio: false, model: {KLING}}}
- {{id: lamp, audio: true, matrix: {{model: [wan2.7-i2v, {KLING}, vidu/viduq3-pro_start-end2video]}}}}
"""


def test_prices_stand_by_tier_and_sound_beside_each_other(folder: Path, kfpipe: Call) -> None:
    stills.save(folder, {"a.png": "navy", "b.png": "teal"}, stills.HD)
    (folder / "film.yaml").write_text(MANIFEST, "utf-8")
    out = kfpipe("plan", "film.yaml").out
    assert (
        "2 clips, 10 s of video, CNY 10.00; a second costs 0.80 at 1080P without sound, 1.20 at 1080P with sound"
        in (" ".join(out.split()))
    )
    assert "vidu/viduq3-pro_start-end2video: 1 clip, 5 s of video, CNY 1.5625" in " ".join(out.split())
    assert f"{KLING} has no seed: a clip of it cannot be repeated" in " ".join(out.split())
    takes = {take["take"]: take for take in kfpipe("plan", "film.yaml", "--json").json["takes"]}
    assert takes["quiet"]["seed"] is None
    assert (takes["quiet"]["audio"], takes["quiet"]["unit_price"]) == (False, "0.80")
    assert takes["lamp@model=wan2.7-i2v"]["audio"] is None
