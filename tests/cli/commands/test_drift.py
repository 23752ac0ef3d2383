"""Clips that begin or end on another picture than asked: found, pointed out, and left as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

import kfpipe as api
from kfpipe.emulator import Emulator
from tests.cli.conftest import HEAD, SHOTS, Call
from tests.support.html_page import Page


def drifting(data: dict[str, list[dict[str, object]]]) -> list[object]:
    return [take["take"] for take in data["takes"] if take["drifts"]]


def test_a_clip_that_ends_on_another_picture_is_found_by_drift_and_marked(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    emulator.script({"on": "submit", "prompt_contains": "kitten", "do": "drift"})
    told = kfpipe("run", "shots.yaml").out
    assert "1 clip begins or ends on another picture than asked: kfpipe status shots.yaml -s drift\n" in told
    data = kfpipe("status", "shots.yaml", "-s", "drift", "--json").json
    [kitten] = data["takes"]
    assert kitten["take"] == "kitten" and kitten["drifts"]
    assert float(kitten["fidelity"]["last"]) < 0.5 < 0.8 < float(kitten["fidelity"]["first"])
    text = kfpipe("status", "shots.yaml").out
    assert "rendered, drift" in text and f"  kitten: first {kitten['fidelity']['first']}, last" in text
    assert [take["take"] for take in kfpipe("plan", "shots.yaml", "-s", "!drift", "--json").json["takes"]] == [
        "monster"
    ]
    assert api.select(api.load("shots.yaml"), "drift") == ("kitten",)
    kfpipe("report", "shots.yaml", "-o", "page.html")
    marked, plain = Page((folder / "page.html").read_text("utf-8")).all("article")
    assert "drift" in marked.classes and "drift" not in plain.classes

    written = (HEAD + SHOTS).replace("kfpipe: 1\n", "kfpipe: 1\nchecks: {min_fidelity: 0}\n")
    (folder / "shots.yaml").write_text(written, "utf-8")
    assert {take["action"] for take in kfpipe("plan", "shots.yaml", "--json").json["takes"]} == {"keep"}
    assert not drifting(kfpipe("status", "shots.yaml", "--json").json)
    (folder / "shots.yaml").write_text(written.replace("min_fidelity: 0", 'min_fidelity: "0.50"'), "utf-8")
    assert drifting(kfpipe("status", "shots.yaml", "--json").json) == ["kitten"]


@pytest.mark.parametrize("bound", ["1.01", '"1.5"', "-0.1", "80%", "[]"])
def test_a_bound_that_is_no_share_is_refused_where_it_is_written(folder: Path, kfpipe: Call, bound: str) -> None:
    (folder / "shots.yaml").write_text(f"{HEAD}checks: {{min_fidelity: {bound}}}\n{SHOTS}", "utf-8")
    refused = kfpipe("validate", "shots.yaml")
    line = 1 + HEAD.count("\n")
    assert refused.code == 2 and f"shots.yaml:{line}:24: checks: " in refused.out + refused.err
