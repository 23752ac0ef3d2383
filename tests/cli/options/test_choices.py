"""`--select` on each command that takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe.emulator import Emulator
from tests.cli.conftest import HEAD, SHOTS, Call

CHAIN = """\
shots:
  - {id: kitten, prompt: A kitten looks up.}
  - {id: walk, prompt: It walks away., first_frame: {render: kitten, frame: last}}
"""


def change_the_monster(folder: Path) -> None:
    (folder / "shots.yaml").write_text((HEAD + SHOTS).replace("calm", "angry"), "utf-8")


def test_plan_and_run_concern_the_selected_takes_alone(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    plan = kfpipe("plan", "shots.yaml", "-s", "tag:hero")
    assert plan.out.splitlines()[3] == "1 take: 1 to render"
    assert plan.out.endswith("next: kfpipe run shots.yaml -s tag:hero\n")
    ended = kfpipe("run", "shots.yaml", "-s", "tag:hero", "--json").json
    assert [take["take"] for take in ended["takes"]] == ["kitten"]
    assert ended["totals"]["rendered"] == len(emulator.bill().charges) == 1
    again = kfpipe("run", "shots.yaml", "-s", "kitten")
    assert (again.code, again.out) == (0, "nothing to do: 1 take rendered\n")


def test_the_budget_and_the_consent_concern_the_selection(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    budget = "budget: {max_cost: 0.3, currency: USD}\n"
    (folder / "shots.yaml").write_text(HEAD + budget + SHOTS, "utf-8")
    assert kfpipe("run", "shots.yaml").code == 3
    assert kfpipe("run", "shots.yaml", "-s", "monster").code == 0
    stopped = kfpipe("run", "shots.yaml", "-s", "kitten", "--max-cost", "0.1")
    assert "  fix: kfpipe run shots.yaml -s kitten --max-cost 0.20, or" in stopped.err


def test_a_changed_take_is_rendered_without_the_new_ones(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    assert kfpipe("run", "shots.yaml", "-s", "monster").code == 0
    change_the_monster(folder)
    plan = kfpipe("plan", "shots.yaml", "-s", "changed", "--json").json
    assert [step["take"] for step in plan["takes"]] == ["monster"]
    assert kfpipe("run", "shots.yaml", "-s", "changed").code == 0
    idle = kfpipe("run", "shots.yaml", "-s", "changed")
    assert (idle.code, idle.out) == (0, "nothing to do: no take is selected\n")
    assert kfpipe("plan", "shots.yaml", "-s", "changed").out == "no take is selected\n"


def test_what_continues_from_a_take_that_is_not_selected_says_which_to_add(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    (folder / "shots.yaml").write_text(HEAD + CHAIN, "utf-8")
    ended = kfpipe("run", "shots.yaml", "-s", "walk")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "nothing to do: 0 takes rendered, 1 for you to decide",
        "  walk: continues from kitten, which has no clip: add -s kitten",
        "nothing to do until that is settled",
    ]
    assert emulator.requests() == ()


def test_after_a_failure_the_way_on_names_what_is_left(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    emulator.script({"on": "submit", "prompt_contains": "kitten", "do": "fail", "code": "DataInspectionFailed"})
    ended = kfpipe("run", "shots.yaml", "-s", "state:absent", "-s", "tag:hero")
    assert ended.code == 1
    assert ended.out.splitlines()[-1].endswith(": kfpipe run shots.yaml --retry kitten -s kitten")


def test_verify_reads_the_selected_clips_alone(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    assert kfpipe("run", "shots.yaml").code == 0
    (folder / "renders" / "kitten.mp4").unlink()
    assert kfpipe("verify", "shots.yaml", "-s", "monster").out == "1 clip: 1 intact\n"
    ended = kfpipe("verify", "shots.yaml", "-s", "kitten")
    assert ended.code == 1
    assert ended.out.endswith("next: kfpipe run shots.yaml -s kitten\n")


def test_prune_moves_the_selected_clips_alone(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    assert kfpipe("run", "shots.yaml").code == 0
    others = SHOTS.replace("id: ", "id: new_").replace("A ", "Now a ")
    (folder / "shots.yaml").write_text(HEAD + others, "utf-8")
    listed = kfpipe("prune", "shots.yaml", "-s", "kitten")
    assert listed.out.endswith("next: kfpipe prune shots.yaml --yes -s kitten\n")
    assert kfpipe("prune", "shots.yaml", "-s", "kitten", "--yes").code == 0
    assert [path.name for path in (folder / "renders").glob("*.mp4")] == ["monster.mp4"]


def test_reconcile_settles_the_selected_takes_alone(twins: Path, kfpipe: Call) -> None:
    cases = kfpipe("reconcile", "shots.yaml", "-s", "cat@seed=2", "--json").json
    assert cases["unsettled"] == ["cat@seed=2"]
    ended = kfpipe("reconcile", "shots.yaml", "-s", "cat@seed=2", "--lost", "cat@seed=2", "--json").json
    assert (ended["unsettled"], ended["exit_code"]) == ([], 0)


@pytest.mark.parametrize("command", ["plan", "run", "status", "verify", "cancel", "reconcile", "prune"])
def test_a_typo_is_refused_everywhere(folder: Path, kfpipe: Call, command: str) -> None:
    ended = kfpipe(command, "shots.yaml", "-s", "kiten")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "--select: there is no take 'kiten'\n  fix: did you mean `kitten`?\n"
