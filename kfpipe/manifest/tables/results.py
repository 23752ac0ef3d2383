"""A table of shots -> a copy of it with columns beside each row: its own cells stay as they are. Pure.

Text is spliced, so that every character outside of these columns is kept. A workbook goes through `openpyxl`, which
keeps formats, formulas and other sheets, and drops the stored results of formulas.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from copy import copy
from decimal import Decimal
from importlib import import_module
from io import BytesIO
from pathlib import PurePath
from typing import Any, Final

from kfpipe.errors import Refused
from kfpipe.files.text import decoded
from kfpipe.manifest.tables import SEPARATORS, delimited, read_rows
from kfpipe.manifest.tables.cells import CellFlaw, TableCell, TableRow
from kfpipe.manifest.tables.columns import RESULTS, column, results_at
from kfpipe.names import in_one_form

ResultCell = str | Decimal | None
ResultsOf = Callable[[str], Sequence[ResultCell]]
"""A shot's id -> its cells in the columns `RESULTS`."""

_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
_LINE_END: Final = re.compile(r"\r\n?|\n")
_BOM: Final = b"\xef\xbb\xbf"
_WIDTHS: Final = dict(zip(RESULTS, (16, 10, 10, 36), strict=True))


def has_results(content: bytes, file: str, *, name: str) -> bool:
    """Whether this is a table with columns of results, as only kfpipe writes them."""
    try:
        header = next(read_rows(content, file, name=name)[0], None)
    except Refused:
        return False
    return header is not None and results_at(header.cells) is not None


def with_results(
    content: bytes, file: str, *, name: str, of: ResultsOf, as_workbook: bool = False
) -> tuple[bytes, int]:
    """The copy, and how many rows it has; of text a workbook is made where that is asked for.

    Results that the table has already are replaced. Raises Refused.
    """
    header, *rows = read_rows(content, file, name=name)[0]
    place = next(at for at, cell in enumerate(header.cells) if _is_id(cell))
    found = results_at(header.cells)
    start = max(len(row.cells) for row in (header, *rows)) if found is None else found
    beside: list[tuple[TableRow, Sequence[ResultCell]]] = [(header, RESULTS)]
    beside += [(row, of(_id(row, place))) for row in rows]
    ending = PurePath(name).suffix.lower()
    if ending in SEPARATORS and as_workbook:
        return _workbook(_made(header, rows, file), file, start, beside), len(rows)
    if ending in SEPARATORS:
        return _spliced(content, file, SEPARATORS[ending], start, beside), len(rows)
    return _workbook(content, file, start, beside), len(rows)


def _is_id(cell: TableCell) -> bool:
    named = None if cell.is_empty else column(cell)
    return named is not None and not isinstance(named, CellFlaw) and named.steps == ("id",)


def _id(row: TableRow, place: int) -> str:
    return in_one_form(str(row.cells[place].value).strip()) if place < len(row.cells) else ""


# ---- text ------------------------------------------------------------------------------------------------------------


def _spliced(
    content: bytes, file: str, separators: str, start: int, beside: Sequence[tuple[TableRow, Sequence[ResultCell]]]
) -> bytes:
    text = decoded(content, file)
    separator = delimited.separator_of(text, separators)
    line_starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def offset(cell: TableCell) -> int:
        return line_starts[cell.line - 1] + cell.column - 1

    pieces, done = [], 0
    for row, values in beside:
        given, after = row.cells, start + len(RESULTS)
        begin = offset(given[start]) if start < len(given) else row.end
        end = offset(given[after]) - 1 if after < len(given) else row.end
        pieces += [text[done:begin], separator * max(0, start + 1 - len(given))]
        pieces.append(separator.join(_quoted(value, separator) for value in values))
        done = end
    mark = _BOM if content.startswith(_BOM) else b""
    return mark + "".join([*pieces, text[done:]]).encode("utf-8")


def _quoted(value: ResultCell, separator: str) -> str:
    """A cell of text; none that a spreadsheet program would take for a formula."""
    text = f"{value:f}" if isinstance(value, Decimal) else value or ""
    text = f"'{text}" if _FORMULA.match(text) else text
    return '"' + text.replace('"', '""') + '"' if {separator, '"', "\n"} & {*text} else text


# ---- workbooks -------------------------------------------------------------------------------------------------------


def _made(header: TableRow, rows: Sequence[TableRow], file: str) -> bytes:
    """A workbook of the same rows, all of them as text. Raises Refused."""
    try:
        openpyxl = import_module("openpyxl")
    except ImportError:
        fix = "install the extra with `pip install 'kfpipe[xlsx]'`, or name a copy of the table's own kind"
        raise Refused.because(file, "cannot be copied to an Excel workbook by this installation", fix=fix) from None
    book = openpyxl.Workbook()
    for row in (header, *rows):
        for place, cell in enumerate(row.cells, 1):
            if not cell.is_empty:
                put = book.active.cell(row=row.cells[0].line, column=place)
                put.value, put.data_type = str(cell.value), "s"  # never a formula
    made = BytesIO()
    book.save(made)
    return made.getvalue()


def _workbook(content: bytes, file: str, start: int, beside: Sequence[tuple[TableRow, Sequence[ResultCell]]]) -> bytes:
    openpyxl = import_module("openpyxl")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what the library cannot keep
            book = openpyxl.load_workbook(BytesIO(content), rich_text=True)
        sheets = book.worksheets
        sheet = next((one for one in sheets if one.sheet_state == "visible"), sheets[0])
        for at, (row, values) in enumerate(beside):
            for place, value in enumerate(values, start + 1):
                _put(sheet, row.cells[0].line, place, value, is_header=at == 0)
        for place, name in enumerate(RESULTS, start + 1):
            sheet.column_dimensions[openpyxl.utils.get_column_letter(place)].width = _WIDTHS[name]
        copied = BytesIO()
        book.save(copied)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OSError) as error:
        fix = "save the sheet as CSV in UTF-8 and list that file instead"
        raise Refused.because(file, "is a workbook that cannot be copied", fix=fix) from error
    return copied.getvalue()


def _put(sheet: Any, line: int, place: int, value: ResultCell, *, is_header: bool) -> None:
    cell = sheet.cell(row=line, column=place)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # never a formula
    elif value is not None:
        cell.number_format = "0.00##"
    if is_header and place > 1:
        cell._style = copy(sheet.cell(row=line, column=1)._style)  # the library's own way to copy a format
