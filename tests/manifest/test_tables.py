"""Tables of shots: what a cell means, and where a wrong one stands."""

from __future__ import annotations

import io
import sys
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from kfpipe.errors import Position, Problem, Refused
from kfpipe.manifest import schema, tables
from kfpipe.manifest.document import Document
from kfpipe.manifest.tables import workbook


def read(text: str | bytes, name: str = "shots.csv") -> Document:
    return tables.parse(text if isinstance(text, bytes) else text.encode(), name, name=name)


def shots(text: str | bytes, name: str = "shots.csv") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(text, name).data["shots"]
    return found


def refused(text: str | bytes, name: str = "shots.csv") -> list[str]:
    with pytest.raises(Refused) as caught:
        read(text, name)
    return [told(problem) for problem in caught.value.problems]


def told(problem: Problem) -> str:
    place = "" if problem.position is None else f"{problem.position.line}:{problem.position.column}: "
    assert problem.fix
    return place + problem.what


def book(*rows: tuple[object, ...]) -> bytes:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def test_a_row_is_a_shot_and_an_empty_cell_is_not_given() -> None:
    assert shots("id,prompt,seed\nkitten,Up.,\nwalk,,7\n") == [
        {"id": "kitten", "prompt": "Up."},
        {"id": "walk", "seed": 7},
    ]


def test_cells_are_read_as_their_field_wants_them() -> None:
    (shot,) = shots("id,prompt,seed,duration,watermark,priority,model\n007,42,random,5,TRUE,-1,1.0\n")
    assert shot == {
        "id": "007",
        "prompt": "42",
        "seed": "random",
        "duration": 5,
        "watermark": True,
        "priority": -1,
        "model": "1.0",
    }


def test_dots_lead_into_blocks() -> None:
    (shot,) = shots(
        "id,vars.sky,vars.height,prompt.file,first_frame.still,first_frame.frame\nk,red,1.5,p.j2,walk,last\n"
    )
    assert shot["vars"] == {"sky": "red", "height": Decimal("1.5")}
    assert shot["prompt"] == {"file": "p.j2"}
    assert shot["first_frame"] == {"still": "walk", "frame": "last"}


@pytest.mark.parametrize("cell", ["hero night", "hero; night", '"hero,night"', " hero  night "])
def test_tags_are_separated_by_anything_usual(cell: str) -> None:
    assert shots(f"id,tags\nk,{cell}\n")[0]["tags"] == ["hero", "night"]


def test_quotes_hold_separators_quotes_and_line_ends() -> None:
    (shot,) = shots('id,prompt\r\nk,"a ""b"", c\r\nd"\r\n')
    assert shot["prompt"] == 'a "b", c\r\nd'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("id;prompt\nk;a, b\n", "shots.csv"),
        ("id\tprompt\nk\ta, b\n", "shots.tsv"),
        ('\ufeffid,prompt\nk,"a, b"', "S.CSV"),
    ],
)
def test_tables_of_other_programs_are_read_too(text: str, name: str) -> None:
    assert shots(text, name) == [{"id": "k", "prompt": "a, b"}]


def test_a_value_knows_its_line_and_column() -> None:
    document = read('id,prompt,seed\n\n"k","two\nlines",seven\nw,猫,x\n')
    assert [document.position(("shots", *path)) for path in ((0, "seed"), (1, "seed"), (1, "model"))] == [
        Position(line=4, column=8),
        Position(line=5, column=5),
        Position(line=5, column=1),
    ]
    problems = [told(problem) for problem in schema.check_rows(document).problems]
    assert problems == ["4:8: `seed` is the text 'seven'", "5:5: `seed` is the text 'x'"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", ["is empty"]),
        ("id,prompt\n", ["contains no shots"]),
        ("id,promt\nk,x\n", ["1:4: 'promt' is not a field of a shot"]),
        ("id,matrix.seed\nk,1\n", ["1:4: 'matrix.seed' is not a field of a shot"]),
        ("id,vars\nk,1\n", ["1:4: 'vars' is not a field of a shot"]),
        ("id,seed.x\nk,1\n", ["1:4: 'seed.x' is not a field of a shot"]),
        ("id,seed,seed\nk,1,2\n", ["1:9: the column `seed` appears twice"]),
        ("id,,seed\nk,x,1\n", ["2:3: this cell is in a column without a name"]),
        ("id,prompt\nk,a, b\nw,c\n", ["2:5: this cell is in a column without a name"]),
        ("id,prompt\nk\nw,c\n", ["2:1: this row has only 1 of 2 cells"]),
        ("id,prompt,prompt.file\nk,a,b\n", ["2:5: this row gives `prompt` in two columns"]),
        ('id,prompt\nk,"a\nw,b\n', ["2:3: this quote is never closed"]),
        ('id,prompt\nk,"a"b\n', ["2:6: text follows the closing quote of this cell"]),
        ("id,seed\nk,.inf\n", ["2:3: .inf is not a number that can be used"]),
        ("id,prompt\nk,a\x07\n", ["2:4: there is an invisible control character here (U+0007)"]),
        ("id,prompt\nk,höre".encode("latin-1"), ["2:4: the byte 0xf6 is not UTF-8 text"]),
        ("id,prompt\nk,a\n".encode("utf-16"), ["the file is encoded as UTF-16"]),
    ],
)
def test_a_table_that_cannot_be_read_is_reported_by_line_and_column(text: str | bytes, what: list[str]) -> None:
    assert refused(text) == what


def test_the_problems_of_a_table_are_bounded() -> None:
    assert len(refused("id,seed\n" + "k\n" * 1000)) == 50


def test_another_kind_of_file_is_no_table() -> None:
    assert refused("id\nk\n", "shots.ods") == ["is not a table that kfpipe can read"]


def test_a_long_table_is_no_trouble() -> None:
    rows = "".join(f'shot_{number},a.png,"A kitten, number {number}.",{number}\n' for number in range(20_000))
    found = shots(f"id,first_frame,prompt,seed\n{rows}")
    assert len(found) == 20_000
    assert found[-1]["seed"] == 19_999


def test_a_workbook_is_a_table_too() -> None:
    content = book(
        ("id", "prompt", "seed", "vars.height", "watermark", "tags"), ("k", 42, 7.0, 1.5, True, "a b"), ("w",)
    )
    assert shots(content, "shots.xlsx") == [
        {
            "id": "k",
            "prompt": "42",
            "seed": 7,
            "vars": {"height": Decimal("1.5")},
            "watermark": True,
            "tags": ["a", "b"],
        },
        {"id": "w"},
    ]


def test_a_wrong_cell_of_a_workbook_is_reported_by_row_and_column() -> None:
    assert refused(book(("id", "promt"), ("k", "x")), "shots.xlsx") == ["1:2: 'promt' is not a field of a shot"]
    document = read(book(("id", "seed"), (None, None), ("k", "seven")), "shots.xlsx")
    assert [told(problem) for problem in schema.check_rows(document).problems] == ["3:2: `seed` is the text 'seven'"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", b"id,prompt\n"])
def test_what_only_bears_the_name_of_a_workbook_is_refused(content: bytes) -> None:
    assert refused(content, "shots.xlsx") == ["is not an Excel workbook"]


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_UNPACKED_BYTES", 1000)
    assert refused(book(("id",), ("k",)), "shots.xlsx") == ["unpacks to more than 0 MiB"]


def test_without_the_extra_a_workbook_is_refused_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    content = book(("id",), ("k",))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(Refused) as caught:
        read(content, "shots.xlsx")
    assert "pip install 'kfpipe[xlsx]'" in (caught.value.problems[0].fix or "")
