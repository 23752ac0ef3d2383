"""Keyframes given as a pattern of files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PIL import Image

from kfpipe.manifest.patterns import natural_order
from tests.promises.field.loading import problems, takes

HEAD = "kfpipe: 1\nprovider: {name: emulator}\ndefaults: {model: wan2.7-i2v, prompt: Up.}\nsequences:\n"


def storyboard(folder: Path, *names: str, keyframes: str = "stills/k*.png", more: str = "") -> Path:
    """A manifest with one sequence, and its pictures, no two alike."""
    (folder / "stills").mkdir(exist_ok=True)
    for number, name in enumerate(names):
        Image.new("L", (640, 360), number).save(folder / "stills" / name)
    (folder / "shots.yaml").write_text(f"{HEAD}  - {{id: road, keyframes: {keyframes}{more}}}\n", "utf-8")
    return folder


def test_the_files_of_a_pattern_are_keyframes_in_natural_order(tmp_path: Path) -> None:
    folder = storyboard(tmp_path, "k10.png", "k2.png", "K1.png", "k1.png", "other.png", ".k3.png")
    assert [[medium.medium.path for medium in take.request.media] for take in takes(folder)] == [
        ["stills/k1.png", "stills/k2.png"],
        ["stills/k2.png", "stills/k10.png"],
    ]
    storyboard(tmp_path, "k03.png", more=", loop: true")
    assert [take.id for take in takes(folder)] == ["road.01", "road.02", "road.03", "road.04"]


@pytest.mark.parametrize(
    ("keyframes", "what"),
    [
        ("stills/x*.png", "no file matches the pattern 'stills/x*.png'"),
        ("stills/k1*.png", "only 'k1.png' matches the pattern 'stills/k1*.png'"),
        ("stills/k1.png", "'stills/k1.png' is no pattern of files in one folder"),
        ("'*/k1.png'", "'*/k1.png' is no pattern of files in one folder"),
        ("../*.png", "the path '../*.png' leaves the project"),
    ],
)
def test_a_pattern_that_makes_no_storyboard_is_refused_where_it_is(tmp_path: Path, keyframes: str, what: str) -> None:
    (problem,) = problems(storyboard(tmp_path, "k1.png", "k2.png", keyframes=keyframes))
    assert problem.what == what
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (5, 27)
    assert problem.where == "sequence 'road'"
    assert problem.fix


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["a", "a1", "a1b", "a2", "A2b", "a10", "a010", "b1", "b1_2", "b1_10"]
    shuffled = random.Random(7).sample(names, len(names))
    assert sorted(shuffled, key=natural_order) == ["a", "a1", "a1b", "a2", "A2b", "a010", "a10", "b1", "b1_2", "b1_10"]
