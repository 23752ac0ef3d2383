"""CSV and TSV text -> rows of cells, each with the place of its first character.

Quoting as in RFC 4180: a cell in double quotes may hold separators, line ends and doubled quotes. The standard
library's reader knows no columns, and lets an open quote swallow the rest of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfpipe.errors import Problem, Refused
from kfpipe.files.text import position_of
from kfpipe.manifest.tables.cells import MOST_LINES, TableCell, TableRow, text_value, too_many_rows

_LINE_END = re.compile(r"\r\n?|\n")
_QUOTED = re.compile(r'"[^"]*"')
_DECLARATION = re.compile(r'("?)sep=(.)\1[,;\t|]*(?:\r\n?|\n|$)', re.IGNORECASE)


def refuse_endless(content: bytes, file: str) -> None:
    """Raises Refused for text with more lines than a table may have rows, before it is decoded."""
    if max(content.count(b"\n"), content.count(b"\r")) > MOST_LINES:
        raise Refused.because(file, too_many_rows(), fix="split it into several tables")


def rows(text: str, file: str, *, separators: str) -> Iterator[TableRow]:
    """The rows that are not blank.

    The separator is the one that a first line `sep=;` names, as Excel writes it; else the one of `separators` that the
    first row has most of, the first of them in doubt. Raises Refused at a quote that is never closed, or that is closed
    in the middle of a cell.
    """
    declared = _DECLARATION.match(text)
    at = line_start = 0 if declared is None else declared.end()
    separator = separator_of(text, separators)
    pattern = re.compile(rf'"((?:[^"]|"")*+)"|((?!")[^{re.escape(separator)}\r\n]*+)')
    line = number = 1 if declared is None else 2
    cells: list[TableCell] = []
    while True:
        found = pattern.match(text, at)
        if found is None:
            raise _refused(text, at, file, "this quote is never closed", "close it; write a quote inside text twice")
        quoted = found[1]
        value = found[2] if quoted is None else quoted.replace('""', '"')
        cells.append(TableCell(text_value(value), line, at - line_start + 1))
        for end in _LINE_END.finditer(text, at, found.end()) if quoted is not None else ():
            line, line_start = line + 1, end.end()
        at = found.end()
        if text.startswith(separator, at):
            at += 1
            continue
        line_end = _LINE_END.match(text, at)
        if line_end is None and at < len(text):
            raise _refused(
                text, at, file, "text follows the closing quote of this cell", "write quotes inside the text twice"
            )
        if not all(cell.is_empty for cell in cells):
            yield TableRow(number, cells, end=at)
        if line_end is None:
            return
        cells, at, line, line_start = [], line_end.end(), line + 1, line_end.end()
        number += 1


def separator_of(text: str, separators: str) -> str:
    """What separates the cells: what a first line names, else the most frequent of these in the first row."""
    declared = _DECLARATION.match(text)
    if declared is not None:
        return declared[2]
    first_row = next((line for line in _LINE_END.split(_QUOTED.sub("", text[:100_000])) if line.strip()), "")
    return max(separators, key=first_row.count)


def _refused(text: str, at: int, file: str, what: str, fix: str) -> Refused:
    return Refused([Problem(file=file, position=position_of(text, at), what=what, fix=fix)])
