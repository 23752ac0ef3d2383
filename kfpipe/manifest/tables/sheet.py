"""The XML of a worksheet -> rows of cells.

`openpyxl` hands over values alone: a formula whose result was never stored is an empty cell to it, and most escapes in
text it leaves as they are. Here both matter, since an empty cell means the default. Entities cannot blow the text up:
expat bounds what they expand to, and the size of the parts is known before they are read.
Source: ECMA-376 part 1, 18.3.1.4 (cells), 18.4.8 (strings), 22.9.2.19 (escapes).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import IO
from xml.etree.ElementTree import Element, iterparse

from kfpipe.files.text import stray_character
from kfpipe.manifest.document.scalars import MOST_DIGITS, Scalar
from kfpipe.manifest.tables.cells import CellFlaw, TableCell, TableRow, text_value

MOST_COLUMNS = 1_000

_ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_PADDED = re.compile("0{2,}")
_SAVE_IT = "open the workbook in a spreadsheet program and save it, so that the results are stored in it"
_AS_TEXT = "format the cell as text, then type its content again"


class TooManyColumns(ValueError):
    """A cell so far to the right that the sheet is no table of shots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a sheet's cells refer to: the workbook's strings, and by style the format of numbers and what is a date.

    `merged` maps the first cell of each merged range, by line and column, to the range.
    """

    strings: Sequence[str]
    formats: Sequence[str]
    is_date: Callable[[str], bool]
    merged: Mapping[tuple[int, int], str]


def rows(xml: IO[bytes], around: Surroundings) -> Iterator[TableRow]:
    """The rows that are not blank. Raises whatever the parser makes of damaged XML."""
    line = 0
    for _, element in iterparse(xml):  # noqa: S314  see above
        if _name(element) == "row":
            line = int(element.get("r", line + 1))
            cells = _cells(element, line, around)
            if not all(cell.is_empty for cell in cells):
                yield TableRow(line, cells)
            element.clear()


def texts(xml: IO[bytes]) -> Iterator[str]:
    """The workbook's shared strings."""
    for _, element in iterparse(xml):  # noqa: S314  see above
        if _name(element) == "si":
            yield _joined(element)
            element.clear()


def address(text: str) -> tuple[int, int]:
    """Line and column, from 1, of a cell like `C2`. Raises ValueError."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(text)
    column = 0
    for letter in found[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(found[2]), column


def _cells(row: Element, line: int, around: Surroundings) -> list[TableCell]:
    """The cells up to the last that is not empty; those that the file leaves out are empty."""
    cells: list[TableCell] = []
    column = 0
    for element in row:
        given = element.get("r")
        column = column + 1 if given is None else address(given)[1]
        value = _value(element, around)
        merged = around.merged.get((line, column))
        if merged is not None:
            value = CellFlaw(
                what=f"the cells {merged} are merged", fix="unmerge them, and write the value into each cell of its own"
            )
        if value is None:
            continue
        if column > MOST_COLUMNS:
            raise TooManyColumns
        cells += [TableCell(None, line, at) for at in range(len(cells) + 1, column)]
        cells.append(TableCell(value, line, column))
    return cells


def _value(cell: Element, around: Surroundings) -> Scalar | CellFlaw:
    parts = {_name(part): part for part in cell}
    kind, stored = cell.get("t", "n"), parts.get("v")
    text = "" if stored is None else stored.text or ""
    if kind == "inlineStr" and "is" in parts:
        return _checked(_joined(parts["is"]))
    if not text:
        is_empty_text = kind == "str" and stored is not None  # the result of a formula like =""
        return None if "f" not in parts or is_empty_text else _NO_RESULT
    match kind:
        case "s":
            return _checked(around.strings[int(text)])
        case "b":
            return bool(int(text))
        case "n":
            return _number(text, around.formats[int(cell.get("s", 0))] if around.formats else "", around.is_date)
        case "d":
            return _DATE
        case "e":
            return text_value(text)
        case _:
            return _checked(_unescaped(text))


_NO_RESULT = CellFlaw(what="this cell holds a formula whose result is not stored", fix=_SAVE_IT)
_DATE = CellFlaw(what="this cell holds a date, which no field of a shot is", fix=_AS_TEXT)


def _number(text: str, number_format: str, is_date: Callable[[str], bool]) -> Scalar | CellFlaw:
    """The shortest decimal that means the number; as text where its format adds zeros before it, as in 007."""
    if is_date(number_format):
        return _DATE
    value = float(text)
    if not value.is_integer() or abs(value) >= 10**MOST_DIGITS:
        return Decimal(repr(value))
    return f"{int(value):0{len(number_format)}}" if _PADDED.fullmatch(number_format) else int(value)


def _checked(text: str) -> str | CellFlaw:
    stray = stray_character(text)
    if stray is not None:
        what = f"this cell contains an invisible control character (U+{ord(stray):04X})"
        return CellFlaw(what=what, fix="type the text of the cell again")
    return text_value(text)


def _joined(element: Element) -> str:
    """The text of a string, whatever its runs look like, without the reading aids of Asian scripts."""
    pieces: list[str] = []
    for part in element:
        if _name(part) == "t":
            pieces.append(part.text or "")
        elif _name(part) == "r":
            pieces += [text.text or "" for text in part if _name(text) == "t"]
    return _unescaped("".join(pieces))


def _unescaped(text: str) -> str:
    """`_x000D_` is a carriage return, `_x005F_` the underscore of a text that only looks like an escape."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _name(element: Element) -> str:
    """Without the namespace: there are two, of the strict and of the usual kind."""
    return element.tag.rpartition("}")[2]
