"""The first sheet of an Excel workbook -> rows of cells. Needs the extra `kfpipe[xlsx]`."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from decimal import Decimal
from importlib import import_module
from io import BytesIO
from typing import Any

from kfpipe.errors import Position, Problem, Refused
from kfpipe.files.text import LARGEST_BYTES, stray_character
from kfpipe.manifest.tables.cells import Row, TableCell

MOST_UNPACKED_BYTES = 8 * LARGEST_BYTES
_SAVE_AS_CSV = "save the sheet as CSV in UTF-8 and list that file instead"
_DAMAGED = (zipfile.BadZipFile, LookupError, ValueError, TypeError, AttributeError, OSError, SyntaxError)


def cells(content: bytes, file: str) -> Iterator[Row]:
    """The rows that are not blank, as wide as the first one at least, formulas by their last result.

    Raises Refused for what is not a sound workbook, and where the extra is missing.
    """
    reader = _reader(file)
    _check_size(content, file)
    width = 0
    try:
        book = reader.load_workbook(BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        for line, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            width = width or len(values)
            padded = (*values, *(None for _ in range(len(values), width)))
            row = [_cell(value, line, column, file) for column, value in enumerate(padded, start=1)]
            if not all(cell.is_empty for cell in row):
                yield row
        book.close()
    except _DAMAGED as error:
        raise Refused.because(file, "is not a workbook that can be read", fix=_SAVE_AS_CSV) from error


def _reader(file: str) -> Any:
    """The library, which most installations do without."""
    try:
        return import_module("openpyxl")
    except ImportError:
        raise Refused.because(
            file,
            "is an Excel workbook, which this installation cannot read",
            fix=f"install the extra with `pip install 'kfpipe[xlsx]'`, or {_SAVE_AS_CSV}",
        ) from None


def _check_size(content: bytes, file: str) -> None:
    """A small file can unpack to one that fills the memory."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            unpacked_bytes = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise Refused.because(file, "is not an Excel workbook", fix=_SAVE_AS_CSV) from error
    if unpacked_bytes > MOST_UNPACKED_BYTES:
        what = f"unpacks to more than {MOST_UNPACKED_BYTES // 2**20} MiB"
        raise Refused.because(file, what, fix="split it into several tables")


def _cell(value: Any, line: int, column: int, file: str) -> TableCell:
    """A cell by its value; a float becomes the shortest decimal that means it."""
    match value:
        case None | bool() | int():
            return TableCell(value, line, column)
        case float():
            return TableCell(int(value) if value.is_integer() else Decimal(repr(value)), line, column)
        case _:
            text = str(value)
            _check_text(text, line, column, file)
            return TableCell(text, line, column)


def _check_text(text: str, line: int, column: int, file: str) -> None:
    stray = stray_character(text)
    if stray is not None:
        what = f"this cell contains an invisible control character (U+{ord(stray):04X})"
        position = Position(line=line, column=column)
        raise Refused([Problem(file=file, position=position, what=what, fix="type the text of the cell again")])
