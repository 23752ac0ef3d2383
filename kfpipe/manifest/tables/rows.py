"""Rows of cells -> shots. The first row names the fields; dots lead into blocks, as in `vars.sky` or `prompt.file`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from kfpipe.errors import Position, Problem, Refused
from kfpipe.files.schemas import Schema
from kfpipe.manifest.document import Document, SourceFile, scalars
from kfpipe.manifest.document.marks import Marks
from kfpipe.manifest.document.scalars import NumberRefused, Scalar
from kfpipe.manifest.schema.rules import schema_at
from kfpipe.manifest.tables.cells import Row, TableCell
from kfpipe.wording import closest, echoed, listed

MOST_REPORTED = 50

_TAG_SEPARATOR = re.compile(r"[\s;,]+")


class _Kind(Enum):
    """How the cells of a column are read."""

    TEXT = auto()
    SCALAR = auto()
    WORDS = auto()


@dataclass(frozen=True, slots=True)
class _Column:
    """`steps` lead to the field within a shot."""

    steps: tuple[str, ...]
    kind: _Kind

    @property
    def name(self) -> str:
        return ".".join(self.steps)


def document(rows: Iterator[Row], source: SourceFile) -> Document:
    """A document with nothing but the shots of a table. Raises Refused with the problems of its cells."""
    reader = _Reader(source)
    header = next(rows, None)
    if header is None:
        raise Refused.because(source.file, "is empty", expected="a first row with field names", fix=_SHAPE)
    columns = reader.columns(header)
    shots = [shot for row in rows if (shot := reader.shot(columns, row)) is not None]
    if reader.problems:
        raise Refused(reader.problems)
    if not shots:
        raise Refused.because(source.file, "contains no shots", expected="a row for each shot", fix=_SHAPE)
    return reader.finished(shots)


_SHAPE = "start with a row like `id,first_frame,last_frame,prompt`, then add a row for each shot"


class _Reader:
    """One pass over one table; problems are collected while it makes sense to continue."""

    def __init__(self, source: SourceFile) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._marks = Marks()
        self._row_marks: list[int] = []

    def finished(self, shots: list[Any]) -> Document:
        self._marks.keep(shots, self._row_marks)
        data = {"shots": shots}
        self._marks.keep(data, [0, 0])
        return Document(sources=(self._source,), data=data, warnings=(), marks=self._marks)

    def columns(self, header: Row) -> Sequence[_Column | None]:
        """The fields that the first row names, None for a column without a name. Raises Refused when one is unknown."""
        columns: list[_Column | None] = []
        for cell in header:
            column = None if cell.is_empty else self._column(cell)
            if column is not None and column in columns:
                self._report(cell, f"the column `{column.name}` appears twice", fix="delete one of the two")
            columns.append(column)
        if self.problems:
            raise Refused(self.problems)
        return columns

    def shot(self, columns: Sequence[_Column | None], row: Row) -> dict[str, Any] | None:
        """The shot of a row; None when its cells do not fit the columns."""
        if len(row) < len(columns):
            what = f"this row has only {len(row)} of {len(columns)} cells"
            self._report(row[0], what, fix="write a separator for each empty cell; put text that spans lines in quotes")
            return None
        stray = next((cell for cell in row[len(columns) :] if not cell.is_empty), None)
        stray = stray or next((cell for cell, to in zip(row, columns, strict=False) if not (to or cell.is_empty)), None)
        if stray is not None:
            self._report(
                stray, "this cell is in a column without a name", fix="put text that contains separators in quotes"
            )
            return None
        shot: dict[str, Any] = {}
        marks: list[int] = []
        block_marks: dict[str, list[int]] = {}
        for column, cell in zip(columns, row, strict=False):
            if column is None or cell.is_empty:
                continue
            name, *entry = column.steps
            value, twice = self._value(column, cell), [cell.mark, cell.mark]  # a cell is its own key
            if entry and name in block_marks:
                shot[name][entry[0]] = value
                block_marks[name] += twice
            elif name in shot:
                self._report(cell, f"this row gives `{name}` in two columns", fix="empty one of the two cells")
            else:
                shot[name] = {entry[0]: value} if entry else value
                marks += twice
                block_marks |= {name: twice} if entry else {}
        for name, inner in block_marks.items():
            self._marks.keep(shot[name], inner)
        self._marks.keep(shot, marks)
        self._row_marks.append(row[0].mark)
        return shot

    def _value(self, column: _Column, cell: TableCell) -> Scalar | list[Any]:
        if column.kind is _Kind.WORDS:
            words = [word for word in _TAG_SEPARATOR.split(str(cell.value)) if word]
            self._marks.keep(words, [cell.mark] * len(words))
            return words
        if column.kind is _Kind.TEXT:
            return cell.value.strip() if isinstance(cell.value, str) else _as_text(cell.value)
        if not isinstance(cell.value, str):
            return cell.value
        try:
            return scalars.plain(cell.value.strip())
        except NumberRefused as refused:
            self._report(cell, str(refused), fix="write a plain number")
            return 0

    def _column(self, cell: TableCell) -> _Column | None:
        name = str(cell.value).strip()
        fields = schema_at(("shots", 0))["properties"].keys() - {"matrix"}
        steps = tuple(name.split("."))
        kind = _kind(steps) if steps[0] in fields and len(steps) <= 2 else None
        if kind is None:
            self._refuse_column(cell, name, (fields - {"vars"}) | {"prompt.file", "vars.NAME"})
            return None
        return _Column(steps, kind)

    def _refuse_column(self, cell: TableCell, name: str, known: Set[str]) -> None:
        meant = closest(name, known)
        fix = "delete the column; for a prompt variable, put `vars.` before its name"
        if name.partition(".")[0] == "matrix":
            fix = "put a shot that has a matrix in the manifest itself"
        elif meant is not None:
            fix = f"write `{meant}`"
        expected = listed(sorted(known)) if meant is None else f"`{meant}`"
        self._report(cell, f"{echoed(name)} is not a field of a shot", expected=expected, fix=fix)

    def _report(self, cell: TableCell, what: str, *, fix: str, expected: str | None = None) -> None:
        position = Position(line=cell.line, column=cell.column)
        problem = Problem(file=self._source.file, position=position, what=what, expected=expected, fix=fix)
        self.problems.append(problem)
        if len(self.problems) >= MOST_REPORTED:
            raise Refused(self.problems)


def _kind(steps: tuple[str, ...]) -> _Kind | None:
    """How the cells of a field are read, by its schema; None where a cell cannot hold it, or there is no such field."""
    schema = schema_at(("shots", 0, *steps))
    types = {name for branch in schema.get("anyOf", [schema]) for name in _types(branch)}
    if types == {"array"}:
        return _Kind.WORDS
    if not types - {"object"}:
        return None
    return _Kind.TEXT if types <= {"string", "object"} else _Kind.SCALAR


def _types(schema: Schema) -> Sequence[str]:
    types = schema.get("type", "string" if "enum" in schema else ())
    return [types] if isinstance(types, str) else types


def _as_text(value: Scalar) -> str:
    """A number or a truth value as it would be typed."""
    return str(value).lower() if isinstance(value, bool) else str(value)
