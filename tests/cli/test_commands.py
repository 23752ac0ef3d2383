"""The commands as a user meets them, against a real emulator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kfpipe.emulator import Emulator
from tests.cli.conftest import HEAD, SHOTS, Call
from tests.support import surroundings


def paid(folder: Path, extra: str = "") -> None:
    """Turn the manifest over to the real service, whose address a variable then names."""
    (folder / "shots.yaml").write_text(HEAD.replace("name: emulator", "name: dashscope") + extra + SHOTS, "utf-8")


# ---- validate ------------------------------------------------------------------------------------------------------


def test_a_sound_manifest_is_ok(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("validate", "shots.yaml")
    assert (ended.code, ended.out, ended.err) == (0, "ok: 2 shots, 2 takes\n", "")
    assert kfpipe("validate", "shots.yaml", "--json").json == {"shots": 2, "takes": 2, "warnings": [], "exit_code": 0}


def test_a_broken_manifest_is_refused_with_line_and_fix(folder: Path, kfpipe: Call) -> None:
    (folder / "shots.yaml").write_text((HEAD + SHOTS).replace("wan2.7-i2v", "wan2.7-i3v"), "utf-8")
    ended = kfpipe("validate", "shots.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert "shots.yaml:4:19: shot 'kitten':" in ended.err
    assert "  fix: did you mean `wan2.7-i2v`?" in ended.err
    problem = kfpipe("validate", "shots.yaml", "--json").json["problems"][0]
    assert (problem["file"], problem["line"], problem["severity"]) == ("shots.yaml", 4, "error")


def test_a_manifest_that_is_not_there_is_refused(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("plan", "shot.yaml")
    assert (ended.code, ended.err) == (2, "shot.yaml: there is no such file\n  fix: did you mean `shots.yaml`?\n")


@pytest.mark.parametrize("words", [["--price", "wan2.7"], ["--var", "sky"], ["--region", "nowhere"]])
def test_bad_options_are_refused_in_the_same_form(folder: Path, kfpipe: Call, words: list[str]) -> None:
    paid(folder)
    ended = kfpipe("plan", "shots.yaml", *words)
    assert ended.code == 2
    assert words[0] in ended.err
    assert "  expected: " in ended.err


# ---- plan ----------------------------------------------------------------------------------------------------------


def test_a_plan_changes_nothing_and_names_the_next_command(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("plan", "shots.yaml", "--var", "mood=angry")
    assert ended.code == 0
    assert ended.out.endswith("next: kfpipe run shots.yaml --var mood=angry\n")
    assert {path.name for path in folder.iterdir()} <= {".kfpipe", "a.png", "b.png", "shots.yaml"}


def test_a_price_from_the_command_line_enters_the_plan(folder: Path, kfpipe: Call) -> None:
    plan = kfpipe("plan", "shots.yaml", "--json", "--price", "wan2.7-i2v:720P=0.123").json
    assert [step["cost"] for step in plan["takes"]] == ["0.246", "0.246"]
    assert plan["totals"]["cost"] == "0.492"


# ---- run -----------------------------------------------------------------------------------------------------------


def test_a_run_renders_everything_and_a_second_one_does_nothing(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    ended = kfpipe("run", "shots.yaml")
    assert ended.code == 0
    first, second = ended.out.splitlines()
    assert first.startswith("2 clips rendered in ")
    assert first.endswith(": nothing charged (USD 0.40 of play money)")
    assert second == "  clips in renders, lockfile shots.lock.json"
    assert "kitten: rendered renders/kitten.mp4 (" in ended.err
    again = kfpipe("run", "shots.yaml")
    assert (again.code, again.out, again.err) == (0, "nothing to do: 2 takes rendered\n", "")
    assert len(emulator.bill().charges) == 2


def test_a_changed_prompt_renders_one_clip(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    kfpipe("run", "shots.yaml")
    (folder / "shots.yaml").write_text((HEAD + SHOTS).replace("looks up", "looks down"), "utf-8")
    plan = kfpipe("plan", "shots.yaml", "--json").json
    assert [(step["action"], step["reasons"]) for step in plan["takes"]] == [
        ("render", ["prompt '...looks up.' -> '...looks down.'"]),
        ("keep", ["rendered"]),
    ]
    ended = kfpipe("run", "shots.yaml", "--json").json
    assert ended["totals"]["rendered"] == ended["totals"]["kept"] == 1
    assert (ended["spent"], ended["currency"], ended["exit_code"]) == ("0.20", "USD", 0)
    assert ended["takes"][0]["tasks"] == 2


def test_without_consent_nothing_is_sent_and_the_price_is_shown(
    folder: Path, kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")
    paid(folder)
    ended = kfpipe("run", "shots.yaml")
    assert ended.code == 3
    assert "wan2.7-i2v: 2 clips, 4 s of video, USD 0.40" in ended.out
    assert ended.err == (
        "the run would cost USD 0.40, and there is no budget\n"
        "  fix: kfpipe run shots.yaml --max-cost 0.40, or `budget:` in the manifest\n"
    )
    stopped = kfpipe("run", "shots.yaml", "--json").json
    assert (stopped["exit_code"], stopped["totals"]["cost"]) == (3, "0.40")
    assert emulator.requests() == ()


def test_a_budget_is_consent(folder: Path, kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")
    paid(folder, "budget: {max_cost: 0.40, currency: USD}\n")
    ended = kfpipe("run", "shots.yaml")
    assert ended.code == 0
    assert ended.out.splitlines()[0].endswith(": USD 0.40")


def test_the_cap_of_the_command_line_goes_before_the_budget(folder: Path, kfpipe: Call) -> None:
    (folder / "shots.yaml").write_text(HEAD + "budget: {max_cost: 9, currency: USD}\n" + SHOTS, "utf-8")
    ended = kfpipe("run", "shots.yaml", "--max-cost", "0.30")
    assert ended.code == 3
    assert "the run would cost USD 0.40, USD 0.10 over the budget of USD 0.30" in ended.err


def test_an_unknown_price_is_asked_for(folder: Path, kfpipe: Call) -> None:
    paid(folder, "budget: {max_cost: 9, currency: USD}\n")
    text = (folder / "shots.yaml").read_text("utf-8").replace("model: wan2.7-i2v,", "model: wan2.2-kf2v-flash,")
    text = text.replace("duration: 2", "duration: 5")
    (folder / "shots.yaml").write_text(text, "utf-8")
    ended = kfpipe("run", "shots.yaml")
    assert ended.code == 3
    assert "give one with --price wan2.2-kf2v-flash:720P=AMOUNT" in ended.out


def test_without_a_key_a_run_that_may_spend_says_where_one_belongs(folder: Path, kfpipe: Call) -> None:
    paid(folder)
    ended = kfpipe("run", "shots.yaml", "--max-cost", "5")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith("no API key: DASHSCOPE_API_KEY is not set\n  fix: ")


def test_a_key_of_a_token_plan_is_refused_before_anything_is_sent(
    folder: Path, kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(folder)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-sp-0123456789")
    ended = kfpipe("run", "shots.yaml", "--max-cost", "5")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err.startswith("the key in DASHSCOPE_API_KEY is one of a Token Plan (sk-sp-...): it is not valid")
    assert "sk-sp-0123456789" not in ended.err
    assert emulator.requests() == ()


def test_a_refused_take_is_left_to_decide_and_a_retry_renders_it(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    emulator.script(
        {"on": "submit", "nth": 1, "prompt_contains": "kitten", "do": "fail", "code": "DataInspectionFailed",
         "message": "Output may be improper."}
    )  # fmt: skip
    ended = kfpipe("run", "shots.yaml")
    assert ended.code == 1
    assert ended.out.splitlines()[1:] == [
        "  1 failed",
        "  clips in renders, lockfile shots.lock.json",
        "  kitten: failed: DataInspectionFailed: Output may be improper.; its inspection rejected the finished clip; "
        "nothing was billed; `kfpipe run --retry kitten --new-seed` or another wording may pass",
        "to try again: kfpipe run shots.yaml --retry kitten",
    ]
    left = kfpipe("run", "shots.yaml")
    assert (left.code, left.out.splitlines()[0]) == (1, "nothing to do: 1 take rendered, 1 for you to decide")
    assert kfpipe("run", "shots.yaml", "--retry", "state:failed").code == 0
    assert len(emulator.bill().charges) == 2


def test_a_selector_that_names_nothing_sends_nothing(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    ended = kfpipe("run", "shots.yaml", "--rerender", "kiten")
    assert (ended.code, ended.out) == (2, "")
    assert emulator.requests() == ()


def test_a_detached_run_leaves_its_tasks_to_the_next_one(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    surroundings.quicken(monkeypatch)
    left = kfpipe("run", "shots.yaml", "--detach")
    assert left.code == 0
    assert left.out.splitlines() == [
        "2 tasks under way at the service, not billed yet",
        "next: kfpipe run shots.yaml",
    ]
    ended = kfpipe("run", "shots.yaml", "--json").json
    assert (ended["totals"]["rendered"], ended["spent"]) == (2, "0.40")
    assert [take["tasks"] for take in ended["takes"]] == [1, 1]


# ---- status --------------------------------------------------------------------------------------------------------


def test_the_record_is_shown_with_state_cost_and_file(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    assert kfpipe("status", "shots.yaml").out.endswith("2 takes: 2 not rendered\nspent so far: nothing\n")
    kfpipe("run", "shots.yaml")
    (folder / "shots.yaml").write_text((HEAD + SHOTS).replace("calm", "angry"), "utf-8")
    kitten, monster = kfpipe("status", "shots.yaml").out.splitlines()[1:3]
    assert kitten.split()[:2] == ["kitten", "rendered"]
    assert "renders/kitten.mp4" in kitten
    assert "rendered, changed in the manifest" in monster
    data = kfpipe("status", "shots.yaml", "--json").json
    assert [(take["state"], take["changed"], take["cost"]) for take in data["takes"]] == [
        ("rendered", False, "0.20"),
        ("rendered", True, "0.20"),
    ]
    assert (data["spent"], data["play_money"]) == ({}, {"USD": "0.40"})


# ---- models, schema, emulate ---------------------------------------------------------------------------------------


def test_every_task_of_a_take_is_shown_with_its_bill(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    kfpipe("run", "shots.yaml", "-s", "kitten")
    kfpipe("run", "shots.yaml", "-s", "kitten", "--rerender", "kitten")
    kfpipe("pick", "shots.yaml", "kitten", "kitten")
    lines = kfpipe("status", "shots.yaml", "--takes").out.splitlines()
    assert [line.split()[:3] for line in lines[1:4]] == [
        ["kitten", "earlier:", "rendered"],
        ["kitten", "rendered", "yes"],
        ["monster", "not", "rendered"],
    ]
    tasks = {charge.task_id for charge in emulator.bill().charges}
    assert all(any(task in line for line in lines) for task in tasks)
    assert lines[-1] == "spent so far: nothing (USD 0.40 of play money)"
    (history,) = [take["history"] for take in kfpipe("status", "shots.yaml", "--takes", "--json").json["takes"][:1]]
    assert [one["cost"] for one in history] == ["0.20", "0.20"]


def test_an_unknown_region_is_answered_with_the_known_ones(kfpipe: Call) -> None:
    ended = kfpipe("models", "--region", "singapur")
    assert ended.code == 2
    assert "  expected: singapore, beijing, virginia, frankfurt, tokyo, hongkong or emulator\n" in ended.err
    assert ended.err.endswith("  fix: did you mean `singapore`?\n")


def test_a_bad_script_of_faults_is_refused(folder: Path, kfpipe: Call) -> None:
    (folder / "faults.json").write_text('[{"on": "submit", "do": "explode"}]', "utf-8")
    ended = kfpipe("emulate", "--faults", "faults.json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("faults.json: fault 1, `do`: ")


def test_a_bad_file_of_models_is_refused(folder: Path, kfpipe: Call) -> None:
    (folder / "models.toml").write_text('[models."lumen/dawn-1"]\nlike = "wan9"', "utf-8")
    ended = kfpipe("emulate", "--models", "models.toml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--models: models.toml: model lumen/dawn-1: 'wan9' is not there")
    ended = kfpipe("emulate", "--models", "nowhere.toml")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "--models: nowhere.toml: No such file or directory")


# ---- the end -------------------------------------------------------------------------------------------------------


def test_a_bug_is_owned_and_shows_its_traceback_only_on_request(
    folder: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    impossible = "shots\0.yaml"  # no system hands such a word over
    ended = kfpipe("validate", impossible)
    assert ended.code == 70
    assert re.match(r"this is a bug in kfpipe: ValueError: .*embedded null .*\n  fix: ", ended.err)
    assert "Traceback" not in ended.err
    monkeypatch.setenv("KFPIPE_DEBUG", "1")
    monkeypatch.setenv("DASHSCOPE_API_KEY", "embedded")
    shown = kfpipe("validate", impossible, "--json")
    assert "Traceback" in shown.err
    assert "embedded" not in shown.err + shown.out
    assert shown.json["exit_code"] == shown.code == 70
