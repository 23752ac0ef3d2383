"""Tables of shots: what a cell means, and where a wrong one stands."""

from __future__ import annotations

import datetime
import io
import re
import sys
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import PurePosixPath
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
    assert shot["prompt"] == 'a "b", c\nd'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("id;prompt\nk;a, b\n", "shots.csv"),
        ("id\tprompt\nk\ta, b\n", "shots.tsv"),
        ('\ufeffid,prompt\nk,"a, b"', "S.CSV"),
        ("id\tprompt\r\nk\ta, b\r\n", "shots.csv"),
        ("id|prompt\nk|a, b\n", "shots.csv"),
        ('sep=;\r\nid;prompt\r\nk;"a, b"\r\n', "shots.csv"),
        ("sep=\t\nid\tprompt\nk\ta, b\n", "shots.csv"),
        ('"sep=|"\nid|prompt\nk|a, b\n', "shots.csv"),
        ('"id";"prompt"\r\n"k";"a, b"\r\n', "shots.csv"),
        ("\ufeff ID ;Prompt\u00a0\n k ; a, b \n", "shots.csv"),
        ("id;prompt\n;\n \nk;a, b;;\n;;;;;\n", "shots.csv"),
        ("id;prompt;seed\nk;a, b\n", "shots.csv"),
        ('id,prompt\nk,"a, b"\n', "shots.tsv"),
    ],
)
def test_tables_of_other_programs_are_read_too(text: str, name: str) -> None:
    assert shots(text, name) == [{"id": "k", "prompt": "a, b"}]


def test_a_column_may_be_named_as_people_write_it() -> None:
    (shot,) = shots("ID,First Frame,Last-frame,Vars.Sky,Negative Prompt\nk,a.png,b.png,red,blur\n")
    assert shot == {
        "id": "k",
        "first_frame": "a.png",
        "last_frame": "b.png",
        "vars": {"Sky": "red"},
        "negative_prompt": "blur",
    }


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("image", "write `first_frame`"),
        ("End Image", "write `last_frame`"),
        ("negative", "write `negative_prompt`"),
        ("length", "write `duration`"),
        ("aspect_ratio", "delete the column: the clip has the shape of its first frame; "),
        ("fps", "delete the column: the model decides how many frames a second has; "),
        ("seeds", "several values make a matrix: "),
        ("matrix.seed", "put a shot that has a matrix in the manifest itself"),
        ("weather", "delete the column; for a prompt variable, put `vars.` before its name"),
    ],
)
def test_a_column_of_another_tool_is_told_what_it_is_here(name: str, fix: str) -> None:
    with pytest.raises(Refused) as caught:
        read(f"id,{name}\nk,x\n")
    (problem,) = caught.value.problems
    assert (problem.fix or "").startswith(fix)


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("seed", "7.0", 7),
        ("seed", "007", 7),
        ("watermark", "WAHR", True),
        ("watermark", "faux", False),
        ("vars.x", "1.50", Decimal("1.50")),
        ("vars.x", "1,000", "1,000"),
    ],
)
def test_a_number_or_a_truth_value_is_read_as_other_programs_show_it(column: str, cell: str, value: object) -> None:
    (shot,) = shots(f"id;{column}\nk;{cell}\n")
    name, _, entry = column.partition(".")
    assert (shot[name][entry] if entry else shot[name]) == value


@pytest.mark.parametrize(
    ("cell", "fix"),
    [
        ("1_000", "`1000`"),
        ("1 234", "`1234`"),
        ("1\u00a0234", "`1234`"),
        ("1.234", "`1234`"),
        ("1,234", "`1234`"),
        ("1'234'567", "`1234567`"),
        ("1.000,5", "for example"),
        ("1,5", "for example"),
        ("4.5", "for example"),
        ("2025-11-20", "for example"),
        ("1e3", "all its digits"),
        ("7abc", "for example"),
    ],
)
def test_a_number_that_can_be_read_in_two_ways_is_refused_and_never_changed(cell: str, fix: str) -> None:
    try:
        problems = schema.check_rows(read(f"id;seed\nk;{cell}\n")).problems
    except Refused as refusal:
        problems = refusal.problems
    (problem,) = problems
    assert fix in (problem.fix or "")
    assert "line" not in (problem.fix or "")


def test_advice_about_a_table_speaks_of_cells() -> None:
    document = read(book(("id", "seed", "tags"), ("k k", "x", None), ("w", -1, None)), "shots.xlsx")
    assert [(problem.where, problem.fix) for problem in schema.check_rows(document).problems] == [
        ("shots[0], cell A2", "write `k-k` in the column `id`"),
        ("shots[0], cell B2", "for example `42` in the column `seed`"),
        ("shot 'w', cell B3", "write `0` in the column `seed`"),
    ]


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
        ("id,,seed\nk,x,1\n", ["2:3: the cell 'x' in row 2 is in a column that the first row does not name"]),
        (
            "id,prompt\nk,a, b\nw,c\n\nv,c,d,e\n",
            ["2:5: the cell ' b' in row 2 is in a column that the first row does not name; so are cells in row 5"],
        ),
        ("id,prompt,prompt.file\nk,a,b\n", ["2:5: this row gives `prompt` in two columns"]),
        ('id,prompt\nk,"a\nw,b\n', ["2:3: this quote is never closed"]),
        ('id,prompt\nk,"a"b\n', ["2:6: text follows the closing quote of this cell"]),
        ("id,seed\nk,.inf\n", ["2:3: .inf is not a number that can be used"]),
        ("id,prompt\nk,a\x07\n", ["2:4: there is an invisible control character here (U+0007)"]),
        ("id,prompt\nk,höre".encode("latin-1"), ["2:4: the byte 0xf6 is not UTF-8 text"]),
        ("id,prompt\nk,a\n".encode("utf-16"), ["the file is written in UTF-16"]),
    ],
)
def test_a_table_that_cannot_be_read_is_reported_by_line_and_column(text: str | bytes, what: list[str]) -> None:
    assert refused(text) == what


def test_the_problems_of_a_table_are_bounded() -> None:
    assert len(refused("id,seed\n" + "k,.inf\n" * 1000)) == 50


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


def test_a_cell_that_no_result_is_stored_for_is_refused() -> None:
    made = openpyxl.Workbook()
    for row in [("id", "prompt", "resolution"), ("k", "a", '="7"&"20P"'), ("w", "=1/0", "#REF!")]:
        made.active.append(row)
    buffer = io.BytesIO()
    made.save(buffer)
    with pytest.raises(Refused) as caught:
        read(buffer.getvalue(), "list.xlsx")
    assert [(told(problem), problem.where) for problem in caught.value.problems] == [
        ("2:3: this cell holds a formula whose result is not stored", "cell C2"),
        ("3:2: this cell holds a formula whose result is not stored", "cell B3"),
        ("3:3: this cell holds the error #REF! instead of a value", "cell C3"),
    ]
    assert all("spreadsheet program" in (problem.fix or "") for problem in caught.value.problems)


def repacked(content: bytes, **parts: Callable[[str], str]) -> bytes:
    """The workbook with some of its XML changed, by the name of the part without its ending."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            change = parts.get(PurePosixPath(name).stem, str)
            new.writestr(name, change(old.read(name).decode()))
    return buffer.getvalue()


def cells_of_a_sheet(row: str) -> bytes:
    """A workbook whose second row is `row`, as XML; the first is `id`, `prompt`, `seed`."""
    return repacked(
        book(("id", "prompt", "seed"), ("k",)),
        sheet1=lambda xml: re.sub('<row r="2".*</row>', lambda _: f'<row r="2">{row}</row>', xml),
    )


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c t="inlineStr"><is><t>a</t></is></c>', "a"),
        ('<c t="inlineStr"><is><r><rPr><b/></rPr><t>a </t></r><r><t>b</t></r><rPh><t>x</t></rPh></is></c>', "a b"),
        ('<c t="inlineStr"><is><t>a_x000D_\nb_x000A_c</t></is></c>', "a\nb\nc"),
        ('<c t="inlineStr"><is><t>_x005F_x000D_</t></is></c>', "_x000D_"),
        ('<c t="str"><f>A1</f><v>a_x0009_b</v></c>', "a\tb"),
    ],
)
def test_the_text_of_a_workbook_is_what_the_spreadsheet_program_shows(cell: str, text: str) -> None:
    assert shots(cells_of_a_sheet(cell.replace("<c ", '<c r="B2" ')), "list.xlsx") == [{"prompt": text}]


def test_shared_texts_of_a_workbook_are_read_in_the_same_way() -> None:
    relation = '<Relationship Id="s" Type="http://example.com/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    content = repacked(
        cells_of_a_sheet('<c r="A2" t="s"><v>1</v></c><c r="B2" t="s"><v>0</v></c>'),
        **{"workbook.xml": lambda xml: xml.replace("</Relationships>", f"{relation}</Relationships>")},
    )
    strings = "<si><r><t>a_x005F_x000D_</t></r><r><t>_x000D_b</t></r></si><si><t>k</t></si>"
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as book_file:
        book_file.writestr("xl/sharedStrings.xml", f"<sst>{strings}</sst>")
    assert shots(buffer.getvalue(), "list.xlsx") == [{"id": "k", "prompt": "a_x000D_\nb"}]


def test_an_empty_result_of_a_formula_is_an_empty_cell() -> None:
    content = cells_of_a_sheet('<c r="A2" t="str"><v>k</v></c><c r="B2" t="str"><f>""</f><v></v></c>')
    assert shots(content, "list.xlsx") == [{"id": "k"}]


def test_merged_cells_and_dates_are_refused() -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    for row in [("id", "prompt"), ("k", "a"), ("w", None), ("v", datetime.date(2026, 1, 2))]:
        sheet.append(row)
    sheet.merge_cells("B2:B3")
    buffer = io.BytesIO()
    made.save(buffer)
    assert refused(buffer.getvalue(), "list.xlsx") == [
        "2:2: the cells B2:B3 are merged",
        "4:2: this cell holds a date, which no field of a shot is",
    ]


def test_a_number_with_leading_zeros_keeps_them_where_text_is_meant() -> None:
    made = openpyxl.Workbook()
    for row in [("id", "seed"), (7, 8)]:
        made.active.append(row)
    for cell in made.active[2]:
        cell.number_format = "000"
    buffer = io.BytesIO()
    made.save(buffer)
    assert shots(buffer.getvalue(), "list.xlsx") == [{"id": "007", "seed": 8}]


def test_the_first_sheet_in_sight_is_read_and_the_others_are_told() -> None:
    made = openpyxl.Workbook()
    made.active.sheet_state = "hidden"
    made.active.append(("choices",))
    for title in ("Shots", "More", "Nothing"):
        made.create_sheet(title)
    made["Shots"].append(("id",))
    made["Shots"].append(("k",))
    made["More"].append(("id",))
    buffer = io.BytesIO()
    made.save(buffer)
    document = read(buffer.getvalue(), "list.xlsx")
    assert document.data["shots"] == [{"id": "k"}]
    assert [told(warning) for warning in document.warnings] == ["only the sheet 'Shots' is read, not 'More'"]


@pytest.mark.parametrize("name", ["list.csv", "list.xlsx"])
def test_a_table_of_two_million_rows_is_refused_before_it_is_read(name: str) -> None:
    content = b"id,prompt\n" + b"k,a\n" * 2_000_000
    if name == "list.xlsx":
        content = repacked(book(("id",), ("k",)), sheet1=lambda xml: xml.replace("</sheetData>", "<row/>" * 2_000_000))
    assert refused(content, name) == ["the table has more than 250,000 rows"]


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
