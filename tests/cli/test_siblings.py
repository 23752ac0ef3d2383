"""Scenes in files of their own, included side by side."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from kfpipe.emulator import Emulator
from tests.cli.conftest import Call

HEAD = "kfpipe: 1\nprovider: {name: emulator}\n"
FRAMES = "first_frame: a.png, last_frame: b.png"
NIGHT = f"""{HEAD}vars: {{sky: night}}
defaults: {{model: wan2.7-i2v, duration: 2, negative_prompt: blurry, {FRAMES}}}
shots: [{{id: night, prompt: 'The {{{{ sky }}}} sky.'}}]
"""
DAY = f"""{HEAD}vars: {{sky: day}}
defaults: {{model: wan2.2-kf2v-flash, resolution: 480P, negative_prompt: text, {FRAMES}}}
shots: [{{id: day, prompt: 'The {{{{ sky }}}} sky.'}}]
"""


def test_two_included_siblings_with_other_models_vars_and_negative_prompts_cost_and_render_what_they_do_alone(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    for name, text in {"night": NIGHT, "day": DAY, "film": f"{HEAD}include: [night.yaml, day.yaml]\n"}.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    planned = {name: kfpipe("plan", f"{name}.yaml", "--json").json for name in ("film", "night", "day")}
    assert planned["film"]["takes"] == [*planned["night"]["takes"], *planned["day"]["takes"]]
    cost = {name: Decimal(plan["totals"]["cost"]) for name, plan in planned.items()}
    assert cost["film"] == cost["night"] + cost["day"]
    assert kfpipe("run", "film.yaml", "--json").code == 0
    billed = len(emulator.bill().charges)
    assert billed == 2
    for name in ("night", "day"):  # just what was rendered already
        assert [take["action"] for take in kfpipe("plan", f"{name}.yaml", "--json").json["takes"]] == ["reuse"]
        assert kfpipe("run", f"{name}.yaml", "--json").code == 0
    assert len(emulator.bill().charges) == billed
