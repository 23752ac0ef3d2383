"""The first row of a table -> the field that each column holds, and a cell of it -> the field's value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from kfpipe.files.schemas import Schema
from kfpipe.manifest.document import scalars
from kfpipe.manifest.document.scalars import NumberRefused, Scalar
from kfpipe.manifest.schema import strange
from kfpipe.manifest.schema.rules import schema_at
from kfpipe.manifest.tables.cells import CellFlaw, TableCell
from kfpipe.names import in_one_form
from kfpipe.wording import closest, echoed, listed

_TAG_SEPARATOR = re.compile(r"[\s;,；，、]+")  # noqa: RUF001 - those of Chinese and Japanese
_BLANKS = re.compile(r"[\s-]+")
_NOTES: Final = "notes"

RESULTS: Final = ("state", "cost", "currency", "render")
"""The columns that `kfpipe status --write` puts beside those of a table: one after the other, in this order."""
_MATRIX = "put a shot that has a matrix in the manifest itself"
_AS_VARIABLE = "for a prompt variable, put `vars.` before its name"
_INNER: Final = ("prompt.file", "driving_audio.file", "driving_audio.start", "trim.in", "trim.out")
_ALL_DIGITS = "write the number with all its digits"
_TRUTH: Final[Mapping[str, bool]] = {
    **dict.fromkeys(["true", "wahr", "vrai", "verdadero", "vero", "verdadeiro", "waar"], True),
    **dict.fromkeys(["false", "falsch", "faux", "falso", "onwaar"], False),
}
"""What a spreadsheet program writes for the two truth values, in its languages."""


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """`steps` lead to the field within a shot; `types` are those that its schema takes."""

    steps: tuple[str, ...]
    types: frozenset[str]

    @property
    def name(self) -> str:
        return ".".join(filter(None, self.steps))

    @property
    def keeps_notes(self) -> bool:
        """Whether its cells are one part of the shot's notes among others."""
        return len(self.steps) > 1 and self.steps[0] == _NOTES

    def value(self, cell: TableCell) -> Scalar | list[str] | CellFlaw:
        """What a cell that is not empty gives the field; `null` takes away what the shot would inherit."""
        given = cell.value
        if isinstance(given, CellFlaw):
            return given
        if isinstance(given, str) and given.strip() == "null" and not self.keeps_notes:
            return None
        if self.types == {"array"}:
            return [word for word in _TAG_SEPARATOR.split(_as_text(given)) if word]
        if self.types <= {"string", "object"}:
            return _as_text(given).strip()
        return self._typed(given.strip()) if isinstance(given, str) else given

    def _typed(self, text: str) -> Scalar | CellFlaw:
        """The value of a text that may stand for a number or a truth value."""
        if self.types == {"boolean"}:
            return _TRUTH.get(text.lower(), text)
        try:
            value = scalars.plain(text)
        except NumberRefused as refused:
            return CellFlaw(what=str(refused), fix="write a plain number")
        if isinstance(value, Decimal) and "integer" in self.types and "number" not in self.types:
            if "e" in text.lower():
                return CellFlaw(what=f"{echoed(text)} is a rounded number", fix=_ALL_DIGITS)
            return int(value) if value == value.to_integral_value() else value
        return value


def results_at(header: Sequence[TableCell]) -> int | None:
    """How many columns stand before those of the results; None where a table has none."""
    names = [cell.value.strip() if isinstance(cell.value, str) else "" for cell in header]
    starts = (start for start in range(len(names)) if tuple(names[start : start + len(RESULTS)]) == RESULTS)
    return next(starts, None)


def note_column(cell: TableCell, kept: Sequence[str]) -> FieldColumn | None:
    """The column, where it is one of those whose cells are `kept` as notes under its name, or `notes` beside them."""
    if not kept or isinstance(cell.value, CellFlaw):
        return None
    name = _as_text(cell.value).strip().strip("\ufeff")
    if name.casefold() in {one.strip().casefold() for one in kept}:
        return FieldColumn((_NOTES, name), frozenset(["string"]))
    return FieldColumn((_NOTES, ""), frozenset(["string"])) if name.casefold() == _NOTES else None


def column(cell: TableCell) -> FieldColumn | CellFlaw:
    """The column that a cell of the first row names; capitals, and blanks in place of `_`, do not count."""
    if isinstance(cell.value, CellFlaw):
        return cell.value
    name = in_one_form(_as_text(cell.value)).strip().strip("\ufeff")
    first, dot, rest = name.partition(".")
    field = _BLANKS.sub("_", first.strip()).lower()
    inner = rest.strip() if field == "vars" else _BLANKS.sub("_", rest.strip()).lower()
    fields = schema_at(("shots", 0))["properties"].keys() - {"matrix"}
    steps = (field, inner) if dot else (field,)
    types = _types_at(steps) if field in fields and "." not in inner else frozenset[str]()
    return (
        FieldColumn(steps, types)
        if types
        else _unknown(name, sorted((fields - {"vars", "trim"}) | {*_INNER, "vars.NAME"}))
    )


def _unknown(name: str, known: Sequence[str]) -> CellFlaw:
    what = f"{echoed(name)} is not a field of a shot"
    if name.partition(".")[0].strip().lower() == "matrix":
        return CellFlaw(what=what, fix=_MATRIX)
    meant = strange.meant_by(name, known)
    reason = None if meant else strange.unavailable(name)
    if reason is not None:
        return CellFlaw(what=what, fix=f"{reason.replace('delete it', 'delete the column')}; {_AS_VARIABLE}")
    if strange.singular(name, known):
        return CellFlaw(what=what, fix=f"several values make a matrix: {_MATRIX}")
    meant = meant or closest(name, known)
    return CellFlaw(
        what=what,
        expected=f"`{meant}`" if meant else listed(known),
        fix=f"write `{meant}`" if meant else f"delete the column; {_AS_VARIABLE}",
    )


def _types_at(steps: tuple[str, ...]) -> frozenset[str]:
    """The types that a field takes and a cell can hold, by its schema; none where there is no such field."""
    schema = schema_at(("shots", 0, *steps))
    types = frozenset(name for branch in schema.get("anyOf", [schema]) for name in _types(branch))
    return types if types - {"object"} else frozenset()


def _types(schema: Schema) -> Sequence[str]:
    types = schema.get("type", "string" if "enum" in schema or "const" in schema else ())
    return [types] if isinstance(types, str) else types


def _as_text(value: Any) -> str:
    """A number or a truth value as it would be typed."""
    match value:
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
