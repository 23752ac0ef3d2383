"""A cell of a table: what it contains, and where it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kfpipe.manifest.document.marks import packed
from kfpipe.manifest.document.scalars import Scalar

MOST_LINES: Final = 250_000
"""Lines or rows of one table: more than twice the largest shot list that makes sense."""

_SPREADSHEET = "open the table in a spreadsheet program, correct the cell, and save it again"
_ERRORS_BY_LANGUAGE = """
#NULL! #DIV/0! #VALUE! #REF! #NAME? #NUM! #N/A #GETTING_DATA #SPILL! #CALC! #FIELD! #BUSY! #BLOCKED! #CONNECT! #UNKNOWN!
#PYTHON! #EXTERNAL! #WERT! #BEZUG! #ZAHL! #NV #KALK! #ÜBERLAUF! #NUL! #VALEUR! #NOM? #NOMBRE! #N/D #RIF! #VALORE! #NOME?
#VALOR! #¡NULO! #¡DIV/0! #¡VALOR! #¡REF! #¿NOMBRE? #¡NUM!
"""
_ERRORS: Final = frozenset(_ERRORS_BY_LANGUAGE.split())
"""What a spreadsheet program shows in place of a result, in its languages."""

_LINE_END = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellFlaw:
    """What a cell holds in place of a value that can be used."""

    what: str
    fix: str
    expected: str | None = None


@dataclass(slots=True)
class TableCell:
    """`value` is text where the table knows nothing else; line and column count from 1.

    Not frozen: a large table has a million of them, and freezing costs more than reading.
    """

    value: Scalar | CellFlaw
    line: int
    column: int

    @property
    def mark(self) -> int:
        """Its place as a document keeps it."""
        return packed(self.line - 1, self.column - 1)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written here, or blanks alone."""
        return self.value is None or (isinstance(self.value, str) and not self.value.strip())


@dataclass(slots=True)
class TableRow:
    """A row that is not blank; `number` counts from 1, blank rows included, as a spreadsheet program does.

    `end` is where it ends in the text of a table that is text.
    """

    number: int
    cells: Sequence[TableCell]
    end: int = 0


def text_value(text: str) -> str | CellFlaw:
    """The text of a cell, its lines ended by LF; a flaw where it is the error of a formula."""
    if text[:1] == "#" and text.strip() in _ERRORS:
        return CellFlaw(what=f"this cell holds the error {text.strip()} instead of a value", fix=_SPREADSHEET)
    return _LINE_END.sub("\n", text) if "\r" in text else text


def too_many_rows() -> str:
    """What is wrong with a table that is too long."""
    return f"the table has more than {MOST_LINES:,} rows"
