"""`kfpipe status --write`: a copy of the client's spreadsheet, with what is on record beside each row."""

from __future__ import annotations

import csv
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font

from kfpipe.emulator import Emulator
from tests.cli.conftest import HEAD, Call

NOTED = "shot_lists:\n  - {file: %s, notes: [Client, Remarks]}\n"
ROWS = [
    ["Id", "Prompt", "Client", "Remarks"],
    ["kitten", "A kitten looks up.", "Toys", '=HYPERLINK("http://x")'],
    ["monster", "A monster, calm.", "Toys", "two\nlines"],
]
CSV = (
    "\ufeff"
    + """Id;Prompt;Client;Remarks\r
kitten;A kitten looks up.;Toys;"=HYPERLINK(""http://x"")"\r
\r
monster;"A monster, calm.";Toys;"two\r
lines"\r
"""
)


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.active["D2"].data_type = "s"
    book.active["A1"].font = Font(bold=True)
    book.create_sheet("Prices").sheet_state = "hidden"
    book.save(path)


def cells(path: Path) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(BytesIO(path.read_bytes())).worksheets[0]
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_a_copy_says_what_is_on_record_beside_each_row_and_can_be_the_next_list(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    (folder / "list.csv").write_bytes(CSV.encode())
    workbook(folder / "list.xlsx")
    source = (folder / "list.xlsx").read_bytes()
    (folder / "shots.yaml").write_text(HEAD + NOTED % "list.csv", "utf-8")
    assert kfpipe("run", "shots.yaml", "-s", "kitten").code == 0
    assert kfpipe("status", "shots.yaml", "--write", "out.csv").out.splitlines()[0] == "out.csv: 2 rows"
    assert (folder / "out.csv").read_bytes().decode("utf-8") == CSV.replace(
        "Remarks\r", "Remarks;state;cost;currency;render\r"
    ).replace('"")"\r', '"")";rendered;0.20;USD;renders/kitten.mp4\r').replace('lines"\r', 'lines";not rendered;;;\r')

    (folder / "shots.yaml").write_text(HEAD + NOTED % "out.csv", "utf-8")
    told = kfpipe("status", "shots.yaml", "--write", "again.csv", "--json").json
    assert told["written"] == {"file": "again.csv", "rows": 2}
    assert [one["notes"] for one in told["takes"]] == [
        'Client: Toys\nRemarks: =HYPERLINK("http://x")',
        "Client: Toys\nRemarks: two\nlines",
    ]
    assert (folder / "again.csv").read_bytes() == (folder / "out.csv").read_bytes()

    assert kfpipe("status", "shots.yaml", "--write", "text.xlsx").code == 0  # of text, too
    text = [*filter(any, cells(folder / "text.xlsx"))]
    assert text[1] == [*ROWS[1], "rendered", 0.2, "USD", "renders/kitten.mp4"]
    assert openpyxl.load_workbook(folder / "text.xlsx").worksheets[0]["D2"].data_type == "s"

    (folder / "shots.yaml").write_text(HEAD + NOTED % "list.xlsx", "utf-8")
    assert kfpipe("status", "shots.yaml", "--write", "out.xlsx").code == 0
    assert cells(folder / "out.xlsx") == [
        [*ROWS[0], "state", "cost", "currency", "render"],
        [*ROWS[1], "rendered", 0.2, "USD", "renders/kitten.mp4"],
        [*ROWS[2], "not rendered", None, None, None],
    ]
    sheet = openpyxl.load_workbook(folder / "out.xlsx").worksheets[0]
    assert (sheet["E1"].font.bold, sheet["D2"].data_type, sheet["F2"].data_type) == (True, "s", "n")
    assert (folder / "list.xlsx").read_bytes() == source
    assert kfpipe("status", "shots.yaml", "--write", "out.xlsx").code == 0  # its own copy is replaced


TABLE = "id,prompt\nkitten,A kitten looks up.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--write", "list.csv"], "list.csv' is what the manifest reads, and stays as it is"),
        (["--write", "mine.csv"], "mine.csv: already exists, and kfpipe did not write it"),
        (["--write", "out.tsv"], "expected: a file name ending in .csv or .xlsx"),
        (["--write", "out.csv", "--table", "lst.csv"], "fix: add `--table list.csv`"),
        (["--table", "list.csv"], "add --write FILE"),
        (["--write", "out.csv", "--watch"], "give either --write or --watch"),
    ],
)
def test_a_copy_that_cannot_be_meant_is_refused(folder: Path, kfpipe: Call, words: list[str], told: str) -> None:
    (folder / "list.csv").write_text(TABLE, "utf-8")
    (folder / "mine.csv").write_text("id,prompt\nother,thing\n", "utf-8")
    (folder / "shots.yaml").write_text(HEAD + "shot_lists: [list.csv]\n", "utf-8")
    ended = kfpipe("status", "shots.yaml", *words)
    assert ended.code == 2
    assert told in ended.err
    assert not (folder / "out.csv").exists()


def test_of_several_tables_one_is_named(folder: Path, kfpipe: Call) -> None:
    (folder / "a.csv").write_text(TABLE, "utf-8")
    (folder / "b.tsv").write_text("id\tprompt\tvars.sky\nwalk\tIt walks.\nrun\tIt runs.\t\n", "utf-8")
    (folder / "shots.yaml").write_text(HEAD + "shot_lists: [a.csv, b.tsv]\n", "utf-8")
    assert "the manifest names 2 tables" in kfpipe("status", "shots.yaml", "--write", "out.tsv").err
    assert kfpipe("status", "shots.yaml", "--write", "out.tsv", "--table", "b.tsv").code == 0
    rows = [*csv.reader((folder / "out.tsv").read_text("utf-8").splitlines(), delimiter="\t")]
    assert rows[1:] == [
        ["walk", "It walks.", "", "not rendered", "", "", ""],
        ["run", "It runs.", "", "not rendered", "", "", ""],
    ]


def test_a_copy_never_says_a_formula_and_marks_what_has_changed(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    (folder / "list.csv").write_text(TABLE, "utf-8")
    (folder / "shots.yaml").write_text(HEAD + "output: {dir: '=1'}\nshot_lists: [list.csv]\n", "utf-8")
    assert kfpipe("run", "shots.yaml").code == 0
    (folder / "list.csv").write_text(TABLE.replace("up", "down"), "utf-8")
    assert kfpipe("status", "shots.yaml", "--write", "out.csv").code == 0
    (row,) = csv.DictReader((folder / "out.csv").read_text("utf-8").splitlines())
    assert (row["state"], row["render"]) == ("rendered, changed in the manifest", "'=1/kitten.mp4")


def test_the_example_is_priced_rendered_and_handed_back(
    tmp_path: Path, kfpipe: Call, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = Path(__file__).parents[3] / "manifests"
    for name in ("frames", "spreadsheet"):
        shutil.copytree(example / name, tmp_path / "manifests" / name)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path / "manifests/spreadsheet")
    assert kfpipe("plan", "shots.yaml", "--json").json["totals"]["cost"] == "1.30"
    assert kfpipe("run", "shots.yaml").code == 0
    assert kfpipe("status", "shots.yaml", "--write", "approved.csv").code == 0
    rows = [*csv.reader((tmp_path / "manifests/spreadsheet/approved.csv").read_text("utf-8").splitlines())]
    assert [(row[0], row[8], *row[9:]) for row in rows[1:]] == [
        ("lighthouse", "Calm, no people", "rendered", "0.50", "USD", "renders/lighthouse.mp4"),
        ("dawn", "Opens the film", "rendered", "0.50", "USD", "renders/dawn.mp4"),
        ("street", 'Short: "it must not drag"', "rendered", "0.30", "USD", "renders/street.mp4"),
    ]
    lighthouse = kfpipe("status", "shots.yaml", "--json").json["takes"][0]
    assert (lighthouse["trim"], lighthouse["notes"]) == (
        {"in": "0.5", "out": "4.5"},
        "Client: Harbour office\nRemarks: Calm, no people",
    )
