"""A cell of a table: what it contains, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kfpipe.manifest.document.marks import packed
from kfpipe.manifest.document.scalars import Scalar


@dataclass(slots=True)
class TableCell:
    """`value` is text where the table knows nothing else; line and column count from 1.

    Not frozen: a large table has a million of them, and freezing costs more than reading.
    """

    value: Scalar
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


Row = Sequence[TableCell]
