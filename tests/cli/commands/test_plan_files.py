"""`plan -o` and `run --plan`: what was agreed to is done to the letter, or refused with all that has moved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from kfpipe.emulator import Emulator
from kfpipe.files.scalars import time_text
from tests.cli.conftest import HEAD, SHOTS, Call, requests_in, rewrite
from tests.support.makers import NOW

FILE = "plan.json"


@pytest.fixture
def agreed(folder: Path, kfpipe: Call, emulator: Emulator) -> Path:
    """The file of a plan to render both takes."""
    assert kfpipe("plan", "shots.yaml", "-o", FILE).code == 0
    return folder / FILE


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def refused(kfpipe: Call, emulator: Emulator, *more: str) -> list[str]:
    """What is told of the plan that no longer holds, besides that."""
    before = len(emulator.bill().charges)
    ended = kfpipe("run", "--plan", FILE, *more)
    assert (ended.code, ended.out) == (2, "")
    assert len(emulator.bill().charges) == before
    first, fix, *rest = ended.err.splitlines()
    assert first == "plan.json: this plan is out of date; nothing was sent"
    assert fix.startswith("  fix: ")
    return rest


# ---- carried out ---------------------------------------------------------------------------------------------------


def test_a_plan_is_carried_out_once_and_refused_the_second_time(agreed: Path, kfpipe: Call, emulator: Emulator) -> None:
    ended = kfpipe("run", "--plan", FILE)
    assert (ended.code, len(emulator.bill().charges)) == (0, 2)
    tasks = {take: fields["task_id"] for take, fields in requests_in(Path.cwd()).items()}
    assert refused(kfpipe, emulator) == [
        f"plan.json: {take}: record absent -> rendered ({task[:8]})" for take, task in tasks.items()
    ]


def test_the_next_step_after_a_plan_was_written_is_to_carry_it_out(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("plan", "shots.yaml", "-o", FILE).out.splitlines()[-1] == "next: kfpipe run --plan plan.json"


def test_the_same_plan_gives_the_same_bytes_and_the_older_file_makes_room(agreed: Path, kfpipe: Call) -> None:
    first = agreed.read_bytes()
    kfpipe("plan", "shots.yaml", "-o", FILE)
    assert agreed.read_bytes() == first


def test_the_options_of_the_command_line_are_part_of_the_plan(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    edit(folder / "shots.yaml", "A monster, {{ mood }}.", "A monster, {{ mood }} and {{ size }}.")
    edit(folder / "shots.yaml", "shots:", "profiles: {draft: {resolution: 1080P}}\nshots:")
    kfpipe("plan", "shots.yaml", "-o", FILE, "--var", "size=small", "--profile", "draft")
    assert kfpipe("run", "--plan", FILE).code == 0
    monster = requests_in(folder)["monster"]
    assert (monster["prompt"], monster["parameters"]["resolution"]) == ("A monster, calm and small.", "1080P")


def test_a_plan_in_another_folder_of_the_project_finds_its_manifest(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    (folder / ".git").mkdir()
    (folder / "plans").mkdir()
    kfpipe("plan", "shots.yaml", "-o", "plans/today.json")
    assert json.loads((folder / "plans/today.json").read_text("utf-8"))["manifest"] == "../shots.yaml"
    assert kfpipe("run", "--plan", "plans/today.json").code == 0


def test_a_plan_to_render_again_is_no_standing_order(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    kfpipe("run", "shots.yaml")
    kfpipe("plan", "shots.yaml", "-o", FILE, "--rerender", "kitten")
    assert kfpipe("run", "--plan", FILE).code == 0
    (told,) = refused(kfpipe, emulator)
    assert told.startswith("plan.json: kitten: record rendered (")
    assert len(emulator.bill().charges) == 3


def test_a_plan_for_some_takes_leaves_the_others_alone(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    kfpipe("plan", "shots.yaml", "-o", FILE, "-s", "monster")
    assert kfpipe("run", "--plan", FILE).code == 0
    assert [*requests_in(folder)] == ["monster"]


# ---- moved ---------------------------------------------------------------------------------------------------------


def test_an_edit_since_is_named_with_its_take_and_field(
    agreed: Path, folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    edit(folder / "shots.yaml", "looks up", "looks down")
    assert refused(kfpipe, emulator) == ["plan.json: kitten: prompt '...looks up.' -> '...looks down.'"]
    assert emulator.requests() == ()


def test_takes_that_came_and_went_are_named(agreed: Path, folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    edit(folder / "shots.yaml", "id: monster", "id: beast")
    assert refused(kfpipe, emulator) == [
        "plan.json: monster: it is no longer among the takes",
        "plan.json: beast: the plan does not contain this take",
    ]


def test_another_price_is_named_and_those_of_the_command_line_are_typed_again(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    price = ("--price", "wan2.7-i2v:720P=0.01")
    kfpipe("plan", "shots.yaml", "-o", FILE, *price)
    assert refused(kfpipe, emulator) == [f"plan.json: {take}: cost 0.02 -> 0.20" for take in ("kitten", "monster")]
    assert "give them again: --price wan2.7-i2v:720P=0.01\n" in kfpipe("run", "--plan", FILE).err
    assert kfpipe("run", "--plan", FILE, *price).code == 0


def test_a_clip_that_is_gone_since_is_named(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    kfpipe("run", "shots.yaml")
    kfpipe("plan", "shots.yaml", "-o", FILE)
    (folder / "renders/kitten.mp4").unlink()
    assert refused(kfpipe, emulator) == ["plan.json: kitten: keep -> reuse: its clip is at renders/monster.mp4"]
    (folder / "renders/monster.mp4").unlink()  # its bytes are the same
    assert refused(kfpipe, emulator) == [
        "plan.json: kitten: keep -> download: renders/kitten.mp4 is missing",
        "plan.json: monster: keep -> download: renders/monster.mp4 is missing",
    ]


def test_a_link_that_expired_since_is_named(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    kfpipe("run", "shots.yaml")
    shutil.rmtree(folder / "renders")
    kfpipe("plan", "shots.yaml", "-o", FILE)
    over = {"url_expires_at": time_text(NOW.replace(year=2020)), "video_url": "https://results.example.com/clip.mp4"}
    rewrite(folder, lambda take, fields: take == "kitten" and fields.update(over))
    assert refused(kfpipe, emulator) == [
        "plan.json: kitten: download -> decide: renders/kitten.mp4 is missing; "
        "its link expired at 2020-11-22T12:00:00.000Z"
    ]


def test_a_debt_that_no_take_asks_for_is_a_part_of_the_plan(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    kfpipe("run", "shots.yaml", "-s", "kitten")
    nothing = dict.fromkeys(("billed_seconds", "cost", "render", "finished_at", "video_url", "url_expires_at"))
    rewrite(folder, lambda _, fields: fields.update({"state": "submitted", **nothing}))
    edit(folder / "shots.yaml", "looks up", "looks down")
    shutil.rmtree(folder / "renders")
    kfpipe("plan", "shots.yaml", "-o", FILE)
    steps = json.loads((folder / FILE).read_text("utf-8"))["takes"]
    assert [(step["take"], step["action"]) for step in steps] == [
        ("kitten", "render"),
        ("monster", "render"),
        ("kitten", "follow"),
    ]
    assert kfpipe("run", "--plan", FILE).code == 0
    assert len(emulator.bill().charges) == 3


def test_another_address_or_catalogue_is_named(agreed: Path, kfpipe: Call, emulator: Emulator) -> None:
    edit(agreed, '"prices_as_of": "2026', '"prices_as_of": "2025')
    edit(agreed, emulator.base_url, "http://127.0.0.1:1/api/v1")
    assert refused(kfpipe, emulator) == [
        f"plan.json: base_url http://127.0.0.1:1/api/v1 -> {emulator.base_url}",
        "plan.json: prices_as_of 2025-11-20 -> 2026-11-20",
    ]


def test_a_plan_that_no_longer_holds_at_all_is_told_in_short(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    seeds = f"prompt: A kitten., matrix: {{seed: {[*range(30)]}}}"
    many = SHOTS.replace("prompt: A kitten looks up.", seeds)
    (folder / "shots.yaml").write_text(HEAD + many, "utf-8")
    kfpipe("plan", "shots.yaml", "-o", FILE)
    edit(folder / "shots.yaml", "A kitten", "A puppy")
    told = refused(kfpipe, emulator)
    assert (len(told), told[-1]) == (21, "plan.json: and 10 more")


# ---- money ---------------------------------------------------------------------------------------------------------


def test_a_plan_is_no_consent(folder: Path, kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")
    edit(folder / "shots.yaml", "provider: {name: emulator}", "provider: {name: dashscope}")
    kfpipe("plan", "shots.yaml", "-o", FILE)
    ended = kfpipe("run", "--plan", FILE)
    assert ended.code == 3
    assert "  fix: kfpipe run --plan plan.json --max-cost 0.40, or `budget:` in the manifest\n" in ended.err
    assert kfpipe("run", "--plan", FILE, "--max-cost", "0.30").code == 3
    assert emulator.requests() == ()
    assert kfpipe("run", "--plan", FILE, "--max-cost", "0.40").code == 0


# ---- untrusted -----------------------------------------------------------------------------------------------------


def forge(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}, indent=2), "utf-8")


def test_what_does_not_fit_the_format_is_told_with_its_place(agreed: Path, kfpipe: Call) -> None:
    edit(agreed, '"action": "render"', '"action": "burn"')
    ended = kfpipe("run", "--plan", FILE)
    assert ended.code == 2
    assert "plan.json:25:17: the field `action` is the text 'burn'\n  expected: " in ended.err


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "plan.json:1:1: this is not JSON"),
        (b"\xff", "plan.json:1:1: the byte 0xff is not UTF-8 text"),
        (b"[]", "plan.json:1:1: this is not a plan but an empty list"),
        (b'{"kfpipe_plan": 2}', "plan.json: it was written by a newer kfpipe (plan format 2)"),
        (b'{"kfpipe_plan": 1}', "plan.json:1:1: `manifest`, `options`, `circumstances` and `takes` is missing"),
        (b'{"kfpipe_plan": 1, "kfpipe_plan": 1}', "plan.json:1:20: the name 'kfpipe_plan' appears twice"),
    ],
)
def test_what_is_no_plan_is_refused(folder: Path, kfpipe: Call, content: bytes, what: str) -> None:
    (folder / FILE).write_bytes(content)
    ended = kfpipe("run", "--plan", FILE)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(what)


@pytest.mark.parametrize("name", ["../elsewhere/shots.yaml", "/etc/passwd", "C:\\shots.yaml", "a\\b.yaml"])
def test_a_plan_names_no_manifest_of_another_project(agreed: Path, kfpipe: Call, name: str) -> None:
    forge(agreed, manifest=name)
    ended = kfpipe("run", "--plan", FILE)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("plan.json")


def test_a_plan_that_is_not_there_is_refused(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("run", "--plan", FILE).err.startswith("plan.json: there is no such file\n  expected: ")
    assert kfpipe("run", "--plan", ".").err.startswith(".: this is not a file\n")


def test_a_typo_costs_no_other_file(folder: Path, kfpipe: Call) -> None:
    before = (folder / "shots.yaml").read_bytes()
    ended = kfpipe("plan", "shots.yaml", "-o", "shots.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("shots.yaml: already exists, and is not a plan\n")
    assert (folder / "shots.yaml").read_bytes() == before
    assert kfpipe("plan", "shots.yaml", "-o", "../plan.json").code == 2


@pytest.mark.parametrize("more", [("shots.yaml",), ("--emulator",), ("--rerender", "kitten"), ("--var", "a=b")])
def test_nothing_but_a_price_has_a_place_beside_a_plan(agreed: Path, kfpipe: Call, more: tuple[str, ...]) -> None:
    ended = kfpipe("run", "--plan", FILE, *more)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("kfpipe run: --plan already names the manifest")


# ---- approved ------------------------------------------------------------------------------------------------------

NAME = "Mx. 制片人"


@pytest.fixture
def approved(folder: Path, kfpipe: Call, emulator: Emulator) -> Path:
    """The file of a plan that somebody agreed to."""
    assert kfpipe("plan", "shots.yaml", "-o", FILE, "--approve", NAME).code == 0
    return folder / FILE


def test_an_approved_plan_says_whose_it_is_and_the_requests_keep_it(
    approved: Path, kfpipe: Call, emulator: Emulator
) -> None:
    approval = json.loads(approved.read_text("utf-8"))["approval"]
    assert (approval["by"], approval["cost"], approval["currency"]) == (NAME, "0.40", "USD")
    ended = kfpipe("run", "--plan", FILE)
    assert ended.code == 0, ended.err
    assert f"approved by {NAME} on {approval['at'][:10]}" in ended.err
    assert "up to USD 0.40" in ended.err
    kept = {"by": NAME, "at": approval["at"]}
    assert [fields["approved"] for fields in requests_in(Path.cwd()).values()] == [kept, kept]
    assert [take["approved"] for take in kfpipe("status", "shots.yaml", "--json").json["takes"]] == [kept, kept]


@pytest.mark.parametrize(
    ("before", "after"),
    [('"cost": "0.40"', '"cost": "4.00"'), (NAME, "Somebody else"), ("A kitten looks up.", "A kitten looks down.")],
)
def test_an_edited_plan_has_lost_its_approval(
    approved: Path, kfpipe: Call, emulator: Emulator, before: str, after: str
) -> None:
    edit(approved, before, after)
    ended = kfpipe("run", "--plan", FILE)
    assert ended.code == 2
    assert "plan.json: the plan was changed after" in ended.err
    assert not emulator.bill().charges


def test_what_is_approved_is_no_consent_to_spend(approved: Path, folder: Path, kfpipe: Call) -> None:
    assert kfpipe("run", "--plan", FILE, "--max-cost", "0.39").code == 3


def test_a_run_ends_where_more_than_was_approved_would_be_spent(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    edit(folder / "shots.yaml", "concurrent_tasks: 4", "concurrent_tasks: 1")
    assert kfpipe("plan", "shots.yaml", "-o", FILE, "--approve", NAME).code == 0
    emulator.script({"on": "submit", "do": "charge", "seconds": 9, "times": 1})
    assert kfpipe("run", "--plan", FILE).code == 3
    assert len(emulator.bill().charges) == 1


def test_a_plan_that_nobody_approved_leaves_no_name_on_record(agreed: Path, kfpipe: Call, emulator: Emulator) -> None:
    assert kfpipe("run", "--plan", FILE).code == 0
    assert all("approved" not in fields for fields in requests_in(Path.cwd()).values())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--approve", NAME), "add -o FILE"),
        (("-o", FILE, "--approve", "  "), "is not a name"),
        (("-o", FILE, "--approve", "A\x1b[2J"), "is not a name"),
        (("-o", FILE, "--approve", "A\u202eB"), "is not a name"),
        (("-o", FILE, "--approve", "A" * 201), "is not a name"),
    ],
)
def test_an_approval_needs_a_file_and_a_proper_name(
    folder: Path, kfpipe: Call, words: tuple[str, ...], told: str
) -> None:
    ended = kfpipe("plan", "shots.yaml", *words)
    assert ended.code == 2
    assert told in ended.err
    assert not (folder / FILE).exists()
