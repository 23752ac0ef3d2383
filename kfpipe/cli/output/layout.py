"""Which columns of a table fit a terminal, and how wide each is. Pure.

While there is room, everything is shown. Then file names take the place of paths; the least important columns are left
out; and the widest of the others give way, down to the width at which they can still be read.
"""

from __future__ import annotations

from collections.abc import Sequence

from kfpipe.cli.output.cells import width_of
from kfpipe.values import dataclass

GAP = "  "

FEW_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`rank` says when a column is left out for want of room: the highest first, 0 last. `least` is the width down to
    which it may be narrowed, None where it may not; then it wraps, or is cut in the middle.
    """

    title: str
    is_number: bool = False
    rank: int = 0
    least: int | None = None
    wraps: bool = False
    is_path: bool = False
    is_toned: bool = False


Rows = Sequence[Sequence[str]]


def fitted(columns: Sequence[Column], rows: Rows, width: int) -> tuple[list[int], list[int], list[list[str]]]:
    """The places of the columns to show, their widths, and the rows, with file names if paths are too long."""
    cells = [list(row) for row in rows]
    natural = _widths(columns, cells)
    if _total(natural) <= width:
        return list(range(len(columns))), natural, cells
    paths = [place for place, column in enumerate(columns) if column.is_path]
    for row in cells:
        for place in paths:
            row[place] = row[place].rpartition("/")[2]
    natural = _widths(columns, cells)
    places, least = _chosen(columns, natural, width)
    return places, _narrowed([natural[place] for place in places], [least[place] for place in places], width), cells


def _widths(columns: Sequence[Column], rows: Rows) -> list[int]:
    return [
        max([width_of(column.title), *(width_of(row[place]) for row in rows)]) for place, column in enumerate(columns)
    ]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _chosen(columns: Sequence[Column], natural: Sequence[int], width: int) -> tuple[list[int], list[int]]:
    """The columns to show, and their least widths: a long text has room to wrap in few lines, or else in many."""
    least = [_least(column, size) for column, size in zip(columns, natural, strict=True)]
    roomy = [
        max(size, -(-full // FEW_LINES)) if column.wraps else size
        for column, full, size in zip(columns, natural, least, strict=True)
    ]
    places, more = _places(columns, least, width), _places(columns, roomy, width)
    if all(place in more for place in places if columns[place].wraps):
        return more, roomy
    return places, least


def _least(column: Column, natural: int) -> int:
    return natural if column.least is None else min(natural, max(column.least, width_of(column.title)))


def _places(columns: Sequence[Column], least: Sequence[int], width: int) -> list[int]:
    """The most important column, and by their rank those that find room beside it."""
    chosen: list[int] = []
    for place in sorted(range(len(columns)), key=lambda place: columns[place].rank):
        if not chosen or _total([*(least[other] for other in chosen), least[place]]) <= width:
            chosen.append(place)
    return sorted(chosen)


def _narrowed(natural: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """The widths, the widest taken down first. A column that stands alone has no more than the terminal."""
    widths = [min(size, width) for size in natural]
    while _total(widths) > width:
        loose = [place for place, size in enumerate(widths) if size > least[place]]
        widest = max(loose, key=widths.__getitem__)
        widths[widest] -= 1
    return widths
