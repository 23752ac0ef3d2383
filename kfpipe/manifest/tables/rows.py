"""Rows of cells -> shots. The first row names the fields; dots lead into blocks, as in `vars.sky` or `prompt.file`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kfpipe.errors import Position, Problem, Refused
from kfpipe.manifest.document import Document, SourceFile
from kfpipe.manifest.document.marks import Marks
from kfpipe.manifest.tables.cells import CellFlaw, TableCell, TableRow
from kfpipe.manifest.tables.columns import RESULTS, FieldColumn, column, note_column, results_at
from kfpipe.wording import did_you_mean, echoed, listed

MOST_REPORTED = 50
MOST_ROWS_NAMED = 10


def document(
    rows: Iterator[TableRow], source: SourceFile, warnings: tuple[Problem, ...] = (), *, notes: Sequence[str] = ()
) -> Document:
    """A document with nothing but the shots of a table. Raises Refused with the problems of its cells.

    `notes` are the columns that are kept as notes.
    """
    reader = _Reader(source, notes)
    header = next(rows, None)
    if header is None:
        raise Refused.because(source.file, "is empty", expected="a first row with field names", fix=_SHAPE)
    columns = reader.columns(header)
    shots = [reader.shot(columns, row) for row in rows]
    reader.check()
    if not shots:
        raise Refused.because(source.file, "contains no shots", expected="a row for each shot", fix=_SHAPE)
    return reader.finished(shots, warnings)


_SHAPE = "start with a row like `id,first_frame,last_frame,prompt`, then add a row for each shot"


class _Reader:
    """One pass over one table; problems are collected while it makes sense to continue."""

    def __init__(self, source: SourceFile, notes: Sequence[str]) -> None:
        self._notes = notes
        self._problems: list[Problem] = []
        self._source = source
        self._marks = Marks()
        self._row_marks: list[int] = []
        self._stray: dict[int, TableCell] = {}
        self._results: range = range(0)

    def finished(self, shots: list[Any], warnings: tuple[Problem, ...]) -> Document:
        self._marks.keep(shots, self._row_marks)
        data = {"shots": shots}
        self._marks.keep(data, [0, 0])
        return Document(sources=(self._source,), data=data, warnings=warnings, marks=self._marks)

    def check(self) -> None:
        """Raises Refused when there were problems. Cells outside of the columns are one, however many they are."""
        if self._stray:
            (number, cell), *others = self._stray.items()
            more = [str(number) for number, _ in others[:MOST_ROWS_NAMED]]
            more += [f"{len(others) - len(more)} more"] if len(others) > len(more) else []
            also = f"; so are cells in row{'s' if more[1:] else ''} {listed(more, 'and')}" if more else ""
            self._report(
                cell,
                f"the cell {echoed(str(cell.value))} in row {number} is in a column that the first row does not name"
                + also,
                fix="empty the cell, or name its column; put text that contains separators in quotes",
            )
        if self._problems:
            raise Refused(self._problems)

    def columns(self, header: TableRow) -> Sequence[FieldColumn | None]:
        """The fields that the first row names, None for a column without a name, or of results, which are passed over.

        Raises Refused when one is unknown.
        """
        columns: list[FieldColumn | None] = []
        start = results_at(header.cells)
        self._results = range(0) if start is None else range(start, start + len(RESULTS))
        for place, cell in enumerate(header.cells):
            named = None if cell.is_empty or place in self._results else note_column(cell, self._notes) or column(cell)
            if isinstance(named, CellFlaw):
                self._report(cell, named.what, fix=named.fix, expected=named.expected)
                named = None
            elif named is not None and named in columns:
                self._report(cell, f"the column `{named.name}` appears twice", fix="delete one of the two")
            columns.append(named)
        found = {column.steps[1].casefold() for column in columns if column is not None and column.keeps_notes}
        for name in (name for name in self._notes if name.strip().casefold() not in found):
            names = [str(cell.value) for cell in header.cells if not cell.is_empty]
            fix = did_you_mean(name, names, "correct the name in `notes` of the manifest's `shot_lists`, or delete it")
            self._report(header.cells[0], f"there is no column {echoed(name)} to keep as notes", fix=fix)
        self.check()
        return columns

    def shot(self, columns: Sequence[FieldColumn | None], row: TableRow) -> dict[str, Any]:
        """The shot of a row. Cells that the row ends before are empty: a spreadsheet program leaves them out."""
        shot: dict[str, Any] = {}
        marks: list[int] = []
        block_marks: dict[str, list[int]] = {}
        for place, cell in enumerate(row.cells):
            if cell.is_empty or place in self._results:
                continue
            column = columns[place] if place < len(columns) else None
            if column is None:
                self._stray.setdefault(row.number, cell)
                continue
            value, twice = column.value(cell), [cell.mark, cell.mark]  # a cell is its own key
            name, *entry = column.steps
            if isinstance(value, CellFlaw):
                self._report(cell, value.what, fix=value.fix)
            elif entry and name in block_marks:
                shot[name][entry[0]] = value
                block_marks[name] += twice
            elif name in shot:
                self._report(cell, f"this row gives `{name}` in two columns", fix="empty one of the two cells")
            else:
                shot[name] = {entry[0]: value} if entry else value
                marks += twice
                block_marks |= {name: twice} if entry else {}
            if isinstance(value, list):
                self._marks.keep(value, [cell.mark] * len(value))
        if isinstance(shot.get("notes"), dict):
            shot["notes"] = "\n".join(f"{name}: {text}" if name else text for name, text in shot["notes"].items())
            del block_marks["notes"]
        for name, inner in block_marks.items():
            self._marks.keep(shot[name], inner)
        self._marks.keep(shot, marks)
        self._row_marks.append(row.cells[0].mark)
        return shot

    def _report(self, cell: TableCell, what: str, *, fix: str, expected: str | None = None) -> None:
        position = Position(line=cell.line, column=cell.column)
        where = self._source.cell_at(position)
        problem = Problem(file=self._source.file, position=position, where=where, what=what, expected=expected, fix=fix)
        self._problems.append(problem)
        if len(self._problems) >= MOST_REPORTED:
            raise Refused(self._problems)
