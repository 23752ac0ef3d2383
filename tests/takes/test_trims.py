"""What a shot says for people and for the film: notes and trims. They reach the take, and never the request."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from kfpipe import project
from kfpipe.domain import Trim
from kfpipe.errors import Refused
from kfpipe.project import Options, Project
from tests.support import stills

HEAD = "kfpipe: 1\nprovider: {name: dashscope}\n"
DEFAULTS = "defaults: {model: wan2.7-i2v, first_frame: a.png, prompt: Up."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stills.save(tmp_path, {"a.png": "navy", "b.png": "red", "c.png": "green"}, stills.HD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(text: str, *, defaults: str = "", **options: str) -> Project:
    more = f", {defaults}" if defaults else ""
    Path("shots.yaml").write_text(f"{HEAD}{DEFAULTS}{more}}}\n{text}", "utf-8")
    return project.load(Path("shots.yaml"), Options(**options))  # type: ignore[arg-type]


def trim(start: str, end: str | None = None) -> Trim:
    return Trim(start_s=Decimal(start), end_s=None if end is None else Decimal(end))


def told(text: str, **how: str) -> list[tuple[int, int, str]]:
    with pytest.raises(Refused) as caught:
        load(text, **how)
    found = ((problem.position, problem.what) for problem in caught.value.problems)
    return [(position.line, position.column, what) for position, what in found if position is not None]


def test_notes_and_a_trim_are_no_part_of_the_request() -> None:
    plain, noted = (
        load(f"shots:\n  - {{id: kitten{more}}}\n").takes[0]
        for more in ("", ", trim: {in: '0.5', out: 4}, notes: The client wants it calmer.")
    )
    assert (noted.trim, noted.notes) == (trim("0.5", "4"), "The client wants it calmer.")
    assert (plain.trim, plain.notes) == (None, "")
    assert (noted.fingerprint, noted.request) == (plain.fingerprint, plain.request)


def test_a_trim_is_inherited_and_notes_belong_to_their_shots() -> None:
    shots = (
        "sequences:\n  - {id: road, keyframes: [a.png, b.png, c.png], notes: All of it.,"
        " shots: [{}, {trim: {in: 1}, notes: This part.}]}\nshots: [{id: kitten}]\n"
    )
    takes = load(shots, defaults="trim: {out: '4.5'}").takes
    assert [(take.trim, take.notes) for take in takes] == [
        (trim("0", "4.5"), "All of it."),
        (trim("1"), "This part."),
        (trim("0", "4.5"), ""),
    ]


def test_null_takes_an_inherited_trim_and_the_notes_of_a_sequence_away() -> None:
    shots = (
        "sequences: [{id: road, keyframes: [a.png, b.png, c.png], notes: All of it.,"
        " shots: [{}, {trim: null, notes: null}]}]"
        "\nshots: [{id: kitten, trim: null}]\n"
    )
    takes = load(shots, defaults="trim: {out: 4}").takes
    assert [(take.trim, take.notes) for take in takes] == [(trim("0", "4"), "All of it."), (None, ""), (None, "")]


def test_a_profile_wins_over_the_trim_and_one_that_shortens_the_clip_is_told_how() -> None:
    text = (
        "profiles: {whole: {trim: null, duration: 4}, short: {duration: 4}}\n"
        "shots: [{id: kitten, duration: 8, trim: {out: 7}}]\n"
    )
    assert load(text, profile="whole").takes[0].trim is None
    with pytest.raises(Refused) as caught:
        load(text, profile="short")
    (problem,) = caught.value.problems
    assert problem.what == "the trim ends at 7 s, but the clip is 4 s long"
    assert problem.fix == "write `trim: null` in profile 'short', or make `out` smaller"


def test_a_trim_that_takes_nothing_or_more_than_there_is_is_refused_where_it_is() -> None:
    shots = (
        "shots:\n"
        "  - {id: late, trim: {in: 1, out: '5.5'}}\n"
        "  - {id: turned, trim: {in: 3, out: '2.5'}}\n"
        "  - {id: over, trim: {in: 5}}\n"
        "  - {id: nothing, trim: {out: 0}}\n"
        "  - {id: exact, trim: {in: '4.9', out: '5.0'}}\n"
    )
    assert told(shots) == [
        (5, 35, "the trim ends at 5.5 s, but the clip is 5 s long"),
        (6, 29, "the trim begins at 3 s and ends at 2.5 s: nothing is left"),
        (7, 27, "the trim begins at 5 s, but the clip is 5 s long"),
        (8, 31, "the trim begins at 0 s and ends at 0 s: nothing is left"),
    ]


def test_a_trim_of_the_defaults_is_refused_once_however_many_shots_have_it() -> None:
    shots = "shots: [{id: kitten}, {id: walk, seed: 1}, {id: long, duration: 9}]\n"
    assert told(shots, defaults="trim: {out: 8}") == [
        (3, 76, "the trim ends at 8 s, but the clip is 5 s long (and in 1 more)")
    ]


@pytest.mark.parametrize("wrong", ["{in: half}", "{in: -1}", "{in: '1,5'}", "{}", "{to: 3}", "3", "{out: 1e2x}"])
def test_a_trim_is_seconds(wrong: str) -> None:
    ((line, _, _),) = told(f"shots:\n  - {{id: kitten, trim: {wrong}}}\n")
    assert line == 5


def test_a_table_has_columns_for_both(folder: Path) -> None:
    (folder / "list.csv").write_text("id,trim.in,Trim.Out,Notes\nkitten,0.5,4,Calmer.\nwalk,,,\n", "utf-8")
    kitten, walk = load("shot_lists: [list.csv]\n").takes
    assert (kitten.trim, kitten.notes) == (trim("0.5", "4"), "Calmer.")
    assert (walk.trim, walk.notes) == (None, "")


def test_columns_that_are_no_fields_are_kept_as_notes_when_the_manifest_says_so(folder: Path) -> None:
    table = "id,Client,notes,Final remarks\nkitten,Acme,Calmer.,\nwalk,,,'=1+1\nrun,,,\nhide,null,,\n"
    (folder / "list.csv").write_text(table, "utf-8")
    (folder / "other.csv").write_text("id,seed,Client\nroof,7,12\n", "utf-8")
    lists = "shot_lists: [{file: list.csv, notes: [client, Final remarks]}, {file: other.csv, notes: [Client]}]\n"
    assert {take.id: take.notes for take in load(lists).takes} == {
        "kitten": "Client: Acme\nCalmer.",
        "walk": "Final remarks: '=1+1",
        "run": "",
        "hide": "Client: null",
        "roof": "Client: 12",
    }


def test_a_column_that_nobody_asked_to_keep_is_refused_as_is_one_that_is_not_there(folder: Path) -> None:
    (folder / "list.csv").write_text("id,Client,Remarks\nkitten,Acme,Calmer.\n", "utf-8")
    with pytest.raises(Refused) as caught:
        load("shot_lists: [{file: list.csv, notes: [Remark, Client]}]\n")
    assert [(problem.file, problem.what, problem.fix) for problem in caught.value.problems] == [
        ("list.csv", "there is no column 'Remark' to keep as notes", "did you mean `Remarks`?"),
        ("list.csv", "'Remarks' is not a field of a shot", "write `notes`"),
    ]
