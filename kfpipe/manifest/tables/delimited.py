"""CSV and TSV text -> rows of cells, each with the place of its first character.

Quoting as in RFC 4180: a cell in double quotes may hold separators, line ends and doubled quotes. The standard
library's reader knows no columns, and lets an open quote swallow the rest of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfpipe.errors import Problem, Refused
from kfpipe.files.text import position_of
from kfpipe.manifest.tables.cells import Row, TableCell

_LINE_END = re.compile(r"\r\n?|\n")


def cells(text: str, file: str, *, separators: str) -> Iterator[Row]:
    """The rows that are not blank. The separator is the one of `separators` that the first line has most of.

    Raises Refused at a quote that is never closed, or that is closed in the middle of a cell.
    """
    separator = max(separators, key=_LINE_END.split(text, maxsplit=1)[0].count)
    pattern = re.compile(rf'"((?:[^"]|"")*+)"|((?!")[^{separator}\r\n]*+)')
    at, line, line_start = 0, 1, 0
    row: list[TableCell] = []
    while True:
        found = pattern.match(text, at)
        if found is None:
            raise _refused(text, at, file, "this quote is never closed", "close it; write a quote inside text twice")
        quoted = found[1]
        value = found[2] if quoted is None else quoted.replace('""', '"')
        row.append(TableCell(value, line, at - line_start + 1))
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
        if not all(cell.is_empty for cell in row):
            yield row
        if line_end is None:
            return
        row, at, line, line_start = [], line_end.end(), line + 1, line_end.end()


def _refused(text: str, at: int, file: str, what: str, fix: str) -> Refused:
    return Refused([Problem(file=file, position=position_of(text, at), what=what, fix=fix)])
