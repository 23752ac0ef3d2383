"""A shot list in Chinese, with a Hindi and a French shot, from its plan to its exports."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from kfpipe.emulator import Emulator
from tests.cli.conftest import Call, requests_in

MANIFEST = """\
kfpipe: 1
title: 黑猫与怪物
provider: {name: emulator}
limits: {submissions_per_second: 50, concurrent_tasks: 8, queries_per_second: 50}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: a.png, last_frame: b.png}
vars: {风格: 写实风格}
profiles: {草稿: {resolution: 720P}}
shots:
  - id: 黑猫
    tags: [主角, 夜景]
    prompt: "{{ 风格 }}。一只黑猫抬头看{% if 天气 == '雨' %}下雨{% endif %}的天空。"
    matrix: {天气: [晴, 雨]}
  - {id: 走开, first_frame: {render: 黑猫, frame: last, take: 天气=晴}, prompt: 黑猫走开了。}
  - {id: "e\\u0301te\\u0301", tags: ["no\\u0308el"], prompt: Un chat., vars: {"cle\\u0301": x}}
sequences:
  - {id: 公路, keyframes: [a.png, b.png, a.png], prompt: "{{ index }}段"}
"""
TAKES = ["黑猫@天气=晴", "黑猫@天气=雨", "走开", "été", "公路.01", "公路.02"]


def apart(text: str) -> str:
    """The text as another machine may type it: its letters in two parts."""
    return unicodedata.normalize("NFD", text)


@pytest.fixture
def storyboard(folder: Path) -> Path:
    (folder / "shots.yaml").write_text(MANIFEST, "utf-8")
    return folder


def test_a_shot_list_in_chinese_is_planned_rendered_reported_and_exported(
    storyboard: Path, kfpipe: Call, emulator: Emulator
) -> None:
    planned = kfpipe("plan", "shots.yaml", "--json").json
    assert [take["take"] for take in planned["takes"]] == TAKES
    assert planned["takes"][1]["prompt"] == "写实风格。一只黑猫抬头看下雨的天空。"
    run = kfpipe("run", "shots.yaml", "--json", "--events", "events.jsonl")
    assert run.code == 0, run.err
    assert {path.name for path in (storyboard / "renders").glob("*.mp4")} == {f"{take}.mp4" for take in TAKES}
    assert requests_in(storyboard).keys() == {*TAKES}
    events = [json.loads(line) for line in (storyboard / "events.jsonl").read_text("utf-8").splitlines()]
    assert {event["take"] for event in events if "take" in event} == {*TAKES}
    assert kfpipe("pick", "shots.yaml", "黑猫", "天气=雨").out == "黑猫: 黑猫@天气=雨 is picked\n"
    assert kfpipe("lock", "check", "shots.yaml").code == 0
    assert {take["action"] for take in kfpipe("plan", "shots.yaml", "--json").json["takes"]} == {"keep"}
    for name in ("film.otio", "film.edl", "film.csv", "film.ffconcat"):
        assert kfpipe("export", "shots.yaml", "-o", name).code == 0
        assert "黑猫@天气=雨" in (storyboard / name).read_text("utf-8-sig"), name
    edits = [line for line in (storyboard / "film.edl").read_text("utf-8").splitlines() if line[:3].isdigit()]
    assert len(edits) == 5
    assert all(line.isascii() for line in edits)
    assert kfpipe("report", "shots.yaml", "-o", "report.html").code == 0
    assert all(take in (storyboard / "report.html").read_text("utf-8") for take in TAKES)
    assert "黑猫@天气=晴" in kfpipe("plan", "shots.yaml", "--markdown", "--var", "风格=水墨").out


@pytest.mark.parametrize(
    ("words", "takes"),
    [
        (["-s", "黑猫*"], TAKES[:2]),
        (["-s", "tag:夜景"], TAKES[:2]),
        (["-s", apart("été")], ["été"]),
        (["-s", f"!{apart('ét')}*", "-s", "!黑猫"], ["走开", "公路.01", "公路.02"]),
        (["-s", apart("tag:nöel")], ["été"]),
        (["-s", "公路.*", "--profile", "草稿", "--var", apart("clé=y")], ["公路.01", "公路.02"]),
    ],
)
def test_a_take_is_found_in_either_unicode_form(
    storyboard: Path, kfpipe: Call, words: list[str], takes: list[str]
) -> None:
    assert [take["take"] for take in kfpipe("plan", "shots.yaml", "--json", *words).json["takes"]] == takes


def test_picks_and_decisions_name_takes_in_either_form(storyboard: Path, kfpipe: Call) -> None:
    assert apart("été") != "été"
    assert "été has no clip" in kfpipe("pick", "shots.yaml", apart("été"), "été").err
    assert "'été' is on record" in kfpipe("reconcile", "shots.yaml", "--lost", apart("été")).err


def test_columns_are_straight_below_wide_letters(storyboard: Path, kfpipe: Call) -> None:
    from rich.cells import cell_len

    rows = kfpipe("plan", "shots.yaml").out.splitlines()[: len(TAKES)]
    assert {cell_len(row[: row.index("wan2.7-i2v")]) for row in rows if "wan2.7-i2v" in row} == {
        cell_len(rows[0][: rows[0].index("model")])
    }


def test_a_table_and_a_saved_plan_take_the_words_of_any_script(
    storyboard: Path, kfpipe: Call, emulator: Emulator
) -> None:
    table = "id,tags,prompt,vars.天气\n山,主角、夜景、远,{{ 天气 }}天的山。,雨\n"
    (storyboard / "shots.csv").write_text(table, "utf-8")
    (storyboard / "table.yaml").write_text(
        "kfpipe: 1\nprovider: {name: emulator}\nshot_lists: [shots.csv]\n"
        "defaults: {model: wan2.7-i2v, duration: 2, first_frame: a.png}\nvars: {季节: 春}\n",
        "utf-8",
    )
    saved = kfpipe("plan", "table.yaml", "-s", "tag:夜景", "--var", "季节=冬", "-o", "plan.json", "--json")
    assert [(take["take"], take["tags"], take["prompt"]) for take in saved.json["takes"]] == [
        ("山", ["主角", "夜景", "远"], "雨天的山。")
    ]
    assert kfpipe("run", "--plan", "plan.json", "--json").code == 0
    assert (storyboard / "renders" / "山.mp4").is_file()
