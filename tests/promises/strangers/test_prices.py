"""A stranger's manifest names prices of its own: they are shown, and loosen no cap."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest
from PIL import Image

from kfpipe.emulator import Emulator
from tests.support.processes import ended
from tests.support.surroundings import neutral

MANIFEST = """
kfpipe: 1
provider: {name: dashscope, region: beijing}
budget: {max_cost: 0.01, currency: CNY}
prices: {wan2.7-i2v: {720P: 0.0001}}
defaults: {model: wan2.7-i2v, resolution: 720P, duration: 5, first_frame: a.png, last_frame: a.png}
shots:
  - {id: kitten, prompt: A kitten looks up.}
"""


def run(folder: Path, emulator: Emulator, *words: str) -> CompletedProcess[str]:
    there = {"DASHSCOPE_HTTP_BASE_URL": emulator.base_url, "DASHSCOPE_API_KEY": "sk-test"}
    return ended("run", "shots.yaml", *words, cwd=folder, env={**neutral(), **there})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (640, 360), (40, 60, 120)).save(tmp_path / "a.png")
    (tmp_path / "shots.yaml").write_text(MANIFEST, "utf-8")
    return tmp_path


def test_a_price_in_a_manifest_loosens_no_cap(folder: Path) -> None:
    with Emulator(region="beijing", factor=1000, film="tiny") as emulator:
        done = run(folder, emulator)
        assert done.returncode == 3
        assert "CNY 3.00" in done.stderr
        assert not emulator.bill().charges


def test_a_price_on_the_command_line_is_the_users_own_word(folder: Path) -> None:
    with Emulator(region="beijing", factor=1000, film="tiny") as emulator:
        done = run(folder, emulator, "--price", "wan2.7-i2v:720P=0.0001")
        assert done.returncode == 0, done.stderr
        assert len(emulator.bill().charges) == 1
