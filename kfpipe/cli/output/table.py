"""Rows for a person: fitted to the width of a terminal and coloured there; in a file or a pipe, complete and plain."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kfpipe.cli.output import streams
from kfpipe.cli.output.cells import cut_apart, padded, shortened, width_of, wrapped
from kfpipe.cli.output.layout import GAP, Column, fitted
from kfpipe.cli.output.tone import Tone, heading, painted

__all__ = ["Column", "Table", "drawn", "is_short", "lines", "prose", "show", "used"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells are text, in the order of the columns; `tones` has one for each row, or is empty."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    tones: tuple[Tone | None, ...] = ()


def show(table: Table) -> None:
    """Print the table on stdout."""
    if is_short():
        streams.result_painted(*drawn(table, shutil.get_terminal_size().columns, coloured=streams.is_coloured()))
    else:
        streams.result(*lines(table))


def prose(start: str, text: str) -> list[str]:
    """`text` after `start`; on a screen broken between words, and indented below its beginning."""
    if not is_short():
        return [f"{start}{text}"]
    indent = width_of(start)
    first, *more = wrapped(text, max(1, shutil.get_terminal_size().columns - indent))
    return [f"{start}{first}", *(f"{'':{indent}}{line}" for line in more)]


def is_short() -> bool:
    """Whether a long table should be shortened: a person is looking at a screen, and no program reads along."""
    return streams.is_screen(sys.stdout)


def lines(table: Table) -> list[str]:
    """The table as text, as wide as it needs to be; columns without any entry are left out."""
    columns, rows = used(table)
    cells = zip(*[[column.title for column in columns], *rows], strict=True)
    aligned = [_aligned(column, list(texts)) for column, texts in zip(columns, cells, strict=True)]
    return [GAP.join(row).rstrip() for row in zip(*aligned, strict=True)]


def used(table: Table) -> tuple[list[Column], list[list[str]]]:
    """The columns that hold anything, and the rows cut down to them, safe to print."""
    texts = [_plain(column) for column in zip(*table.rows, strict=True)]
    used = [place for place, column in enumerate(texts) if any(column)]
    rows = zip(*(texts[place] for place in used), strict=True) if used else ([] for _ in table.rows)
    return [table.columns[place] for place in used], [list(row) for row in rows]


def _plain(column: Sequence[str]) -> Sequence[str]:
    return column if "".join(column).isprintable() else [streams.plain(cell) for cell in column]


def _aligned(column: Column, texts: list[str]) -> list[str]:
    """The texts of one column, each as wide as the widest."""
    if not "".join(texts).isascii():
        width = max(map(width_of, texts))
        return [padded(text, width, right=column.is_number) for text in texts]
    width = max(map(len, texts))
    return [text.rjust(width) for text in texts] if column.is_number else [text.ljust(width) for text in texts]


# ---- on a terminal -----------------------------------------------------------------------------------------------


def drawn(table: Table, width: int, *, coloured: bool) -> list[str]:
    """The table in at most `width` cells; a row whose cells wrap takes several lines."""
    columns, rows = used(table)
    places, widths, rows = fitted(columns, rows, width)
    kept = [columns[place] for place in places]
    for place, width in zip(places, widths, strict=True):
        if not columns[place].wraps:
            for row, cell in zip(rows, cut_apart([row[place] for row in rows], width), strict=True):
                row[place] = cell
    told = [heading(line) if coloured else line for line in _line([column.title for column in kept], kept, widths)]
    for row, tone in zip(rows, table.tones or [None] * len(rows), strict=True):
        told += _line([row[place] for place in places], kept, widths, tone if coloured else None)
    return told


def _line(
    row: Sequence[str], columns: Sequence[Column], widths: Sequence[int], tone: Tone | None = None
) -> Iterator[str]:
    """The lines of a row. A quiet tone is that of the whole row, any other that of the columns which have one."""
    pieces = [
        wrapped(cell, width) if column.wraps else [shortened(cell, width)]
        for cell, column, width in zip(row, columns, widths, strict=True)
    ]
    for depth in range(max(map(len, pieces), default=1)):
        cells = [
            _cell(lines[depth] if depth < len(lines) else "", column, width, tone)
            for lines, column, width in zip(pieces, columns, widths, strict=True)
        ]
        line = GAP.join(cells).rstrip()
        yield painted(line, tone) if tone is Tone.QUIET else line


def _cell(text: str, column: Column, width: int, tone: Tone | None) -> str:
    aligned = padded(text, width, right=column.is_number)
    if tone is Tone.QUIET or not column.is_toned or not text:
        return aligned
    return aligned.replace(text, painted(text, tone), 1)
