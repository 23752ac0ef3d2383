"""Columns of results beside the rows of a table: whatever stood in it stays, character for character."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font

from kfpipe.errors import Refused
from kfpipe.manifest.tables.results import ResultCell, has_results, with_results

KITTEN: tuple[ResultCell, ...] = ("rendered", Decimal("0.5"), "USD", "renders/kitten.mp4")
NOTHING: tuple[ResultCell, ...] = (None, None, None, None)


def beside(shot: str) -> tuple[ResultCell, ...]:
    return KITTEN if shot == "kitten" else NOTHING


def copied(content: bytes, name: str = "shots.csv", *, as_workbook: bool = False) -> bytes:
    return with_results(content, name, name=name, of=beside, as_workbook=as_workbook)[0]


def cells(content: bytes) -> list[tuple[object, ...]]:
    return [*first_sheet(content).iter_rows(values_only=True)]


def first_sheet(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,prompt\nkitten,Up.\n", "id,prompt,{head}\nkitten,Up.,{row}\n"),
        ("id;prompt\r\nkitten;Up.\r\n", "id;prompt;{head}\r\nkitten;Up.;{row}\r\n"),
        ("\ufeffid,prompt\nkitten,Up.", "\ufeffid,prompt,{head}\nkitten,Up.,{row}"),
        ('id,prompt\nkitten,"Up, ""and""\ndown."\n', 'id,prompt,{head}\nkitten,"Up, ""and""\ndown.",{row}\n'),
        ("prompt,id,seed\nUp.,kitten\n", "prompt,id,seed,{head}\nUp.,kitten,,{row}\n"),
        ("id,prompt\nkitten,Up.\n\nwalk,On.\n", "id,prompt,{head}\nkitten,Up.,{row}\n\nwalk,On.,,,,\n"),
    ],
)
def test_each_row_is_continued_in_its_own_writing(text: str, expected: str) -> None:
    separator = ";" if ";" in text else ","
    head = separator.join(["state", "cost", "currency", "render"])
    row = separator.join(["rendered", "0.5", "USD", "renders/kitten.mp4"])
    assert copied(text.encode()).decode() == expected.format(head=head, row=row)


def test_a_copy_of_a_copy_has_the_columns_once() -> None:
    once = copied(b"id,prompt\nkitten,Up.\nwalk,On.\n")
    assert has_results(once, "out.csv", name="out.csv")
    assert copied(once) == once
    assert not has_results(b"id,state\nkitten,Bavaria\n", "own.csv", name="own.csv")
    assert not has_results(b"\xff\xfe\x00", "broken.csv", name="broken.csv")


def test_no_result_becomes_a_formula_or_breaks_its_row() -> None:
    text, rows = with_results(
        b"id\na\n", "shots.csv", name="shots.csv", of=lambda _: ("=HYPERLINK(1)", Decimal("1E+2"), "a,b", 'a "b"')
    )
    assert rows == 1
    assert text.decode().splitlines()[1] == 'a,\'=HYPERLINK(1),100,"a,b","a ""b"""'


def test_text_becomes_a_workbook_in_which_nothing_is_a_formula() -> None:
    made = copied(b"id,prompt\nkitten,=1+1\n", as_workbook=True)
    assert cells(made) == [
        ("id", "prompt", "state", "cost", "currency", "render"),
        ("kitten", "=1+1", "rendered", 0.5, "USD", "renders/kitten.mp4"),
    ]
    assert first_sheet(made)["B2"].data_type == "s"


def test_a_workbook_keeps_its_formats_and_its_other_sheets() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(("id", "prompt"))
    sheet.append(("kitten", "Up."))
    sheet["A1"].font = Font(bold=True)
    book.create_sheet("notes")["A1"] = "kept"
    content = io.BytesIO()
    book.save(content)
    copy = openpyxl.load_workbook(io.BytesIO(copied(content.getvalue(), "shots.xlsx")))
    assert copy["notes"]["A1"].value == "kept"
    assert copy.worksheets[0]["C1"].font.bold
    assert [cell.value for cell in copy.worksheets[0][2]] == ["kitten", "Up.", "rendered", 0.5, "USD", KITTEN[3]]


def test_what_is_no_workbook_is_refused() -> None:
    with pytest.raises(Refused):
        copied(b"PK\x03\x04 and no more", "shots.xlsx")
