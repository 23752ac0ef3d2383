"""Rows for a person: aligned by rich on a screen, by blanks in a file or a pipe, where nothing is ever cut."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kfpipe.cli.output import streams

if TYPE_CHECKING:
    from rich.console import RenderableType

GAP = "  "
MOST_DRAWN = 1_000
"""Rows that rich is asked to lay out: it takes a millisecond for each, and nobody reads more on a screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    title: str
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells are text, in the order of the columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def show(table: Table) -> None:
    """Print the table on stdout."""
    if streams.is_screen(sys.stdout) and len(table.rows) <= MOST_DRAWN:
        from rich.console import Console  # a tenth of a second to load, and only screens need it

        Console(color_system=streams.colour_system()).print(drawing(table))
    else:
        streams.result(*lines(table))


def lines(table: Table) -> list[str]:
    """The table as text, as wide as it needs to be; columns without any entry are left out."""
    columns, rows = used(table)
    cells = [[column.title for column in columns], *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [_aligned(row, columns, widths) for row in cells]


def used(table: Table) -> tuple[list[Column], list[list[str]]]:
    """The columns that hold anything, and the rows cut down to them, safe to print."""
    rows = [[streams.plain(cell) for cell in row] for row in table.rows]
    used = [place for place in range(len(table.columns)) if any(row[place] for row in rows)]
    return [table.columns[place] for place in used], [[row[place] for place in used] for row in rows]


def _aligned(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    cells = (
        cell.rjust(width) if column.is_number else cell.ljust(width)
        for cell, column, width in zip(row, columns, widths, strict=True)
    )
    return GAP.join(cells).rstrip()


def drawing(table: Table) -> RenderableType:
    """The table as rich draws it."""
    from rich.table import Table as Drawing
    from rich.text import Text

    drawn = Drawing(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    columns, rows = used(table)
    for column in columns:
        drawn.add_column(column.title, justify="right" if column.is_number else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    return drawn
