"""What must not grow faster than the shot list, tried on small ones; `benchmarks/scale.py` measures large ones."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from benchmarks import scale
from kfpipe.emulator import Emulator
from tests.cli.conftest import Call


def write(folder: Path, shape: str, takes: int) -> None:
    """A shot list of the benchmark's in place of the one that is here."""
    for name in ("stills", "renders", ".kfpipe"):
        shutil.rmtree(folder / name, ignore_errors=True)
    scale.write_stills(folder, takes)
    scale.SHAPES[shape](folder, takes)


@pytest.mark.parametrize("shape", scale.SHAPES)
def test_a_run_with_everything_on_record_sends_no_request(
    shape: str, folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    write(folder, shape, scale.SEEDS)
    scale.render_all(folder)
    again = kfpipe("run", "shots.yaml")
    assert (again.code, again.out) == (0, "nothing to do: 100 takes rendered\n")
    assert emulator.requests() == ()


def test_the_looks_at_the_disk_grow_with_the_takes_and_no_faster(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def counted(look: Any) -> Any:
        def looked(*args: Any, **more: Any) -> Any:
            nonlocal looks
            looks += 1
            return look(*args, **more)

        return looked

    seen = []
    for takes in (10, 20, 40):
        write(folder, "shots", takes)
        scale.render_all(folder)
        with monkeypatch.context() as patched:
            for name in ("stat", "lstat", "scandir", "listdir"):
                patched.setattr(os, name, counted(getattr(os, name)))
            looks = 0
            assert kfpipe("run", "shots.yaml").code == 0
            seen.append(looks)
    assert seen[2] - seen[1] == 2 * (seen[1] - seen[0]) > 0


COSTLY: Final = (
    "pair_findings",
    "file_findings",
    "offer_findings",
    "_recipes_for",
    "_looked_up",
    "_looked_up_price",
    "chosen_model",
    "predicted_size",
    "walk",
    "_run",
)
"""What planning does once for all takes that are alike: rules of models and media, prices, sizes, templates read."""


@pytest.mark.parametrize("shape", ["shots", "table"])
def test_what_takes_have_in_common_is_looked_at_once(shape: str, folder: Path) -> None:
    counts = []
    for takes in (20, 40):  # of the same stills
        write(folder, shape, takes)
        made = scale.api.load(folder / "shots.yaml")  # whose stills are known from here on
        counts.append(_calls(lambda: scale.api.plan(scale.api.load(folder / "shots.yaml"))))
        assert len(made.takes) >= takes
    few, many = counts
    assert few["spelling"] < many["spelling"]  # or nothing would be counted
    assert {name: few[name] for name in COSTLY} == {name: many[name] for name in COSTLY}


def _calls(work: Callable[[], object]) -> Counter[str]:
    """How often each function of Python is called meanwhile; a generator counts when it begins, and when it goes on."""
    counts: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            counts[frame.f_code.co_name] += 1

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counts


def test_the_benchmark_tells_of_each_command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(scale, "PLANNED", scale.PLANNED[-1:])  # a process each
    scale.main(["10", "--shapes", "shots"])
    told = capfd.readouterr().out.splitlines()
    assert len(told) == 4
    assert all(line.endswith(" MB") for line in told)


def test_files_without_a_match_are_guessed_only_so_often(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kfpipe.manifest.files.MOST_COMPARED", 0)
    (folder / "shots.yaml").write_text(
        "kfpipe: 1\nprovider: {name: emulator}\ndefaults: {model: wan2.7-i2v}\nshots:\n"
        "  - {id: kitten, first_frame: A.jpg, prompt: Up.}\n"
        "  - {id: street, first_frame: B.jpg, prompt: Up.}\n"
    )
    fixes = [problem["fix"] for problem in kfpipe("validate", "shots.yaml", "--json").json["problems"]]
    assert fixes == ["did you mean `a.png`?", "check the spelling, or add the file"]
