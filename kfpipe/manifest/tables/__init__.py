"""Tables of shots -> Document: rows are shots, columns are fields, and every cell keeps its line and column.

delimited   CSV and TSV text -> rows of cells
workbook    an Excel workbook -> the sheet to read
sheet       the XML of a sheet -> rows of cells
columns     the first row -> which field each column holds, and how its cells are read
rows        rows of cells -> shots
results     a table -> a copy of it, with what is on record beside each row
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Final

from kfpipe.errors import Problem, Refused
from kfpipe.files.text import LARGEST_BYTES, decoded
from kfpipe.manifest.document import Document, SourceFile
from kfpipe.manifest.tables import delimited, rows
from kfpipe.manifest.tables.cells import TableRow

__all__ = ["SEPARATORS", "parse", "read_rows"]

SEPARATORS: Final = {".csv": ",;\t|", ".tsv": "\t,;|"}


def parse(content: bytes, file: str, *, name: str, notes: Sequence[str] = ()) -> Document:
    """The shots of a table, whose kind follows from its name; `file` and `name` as in `document.Source`.

    `notes` are columns whose cells are kept as notes of their shots.
    Raises Refused with every problem of the table as such; the shots themselves are checked elsewhere.
    """
    source = SourceFile(file=file, name=name, is_table=True)
    lines, warnings = read_rows(content, file, name=name)
    return rows.document(lines, source, warnings, notes=notes)


def read_rows(content: bytes, file: str, *, name: str) -> tuple[Iterator[TableRow], tuple[Problem, ...]]:
    """The rows of a table that are not blank, and what to warn of. Raises Refused, also while they are taken."""
    ending = PurePath(name).suffix.lower()
    if ending in SEPARATORS:
        delimited.refuse_endless(content, file)
        return delimited.rows(decoded(content, file), file, separators=SEPARATORS[ending]), ()
    if ending == ".xlsx":
        if len(content) > LARGEST_BYTES:
            raise Refused.because(file, f"the file is larger than {LARGEST_BYTES // 2**20} MiB", fix="split it")
        from kfpipe.manifest.tables import workbook  # readers of ZIP and XML, which few shot lists need

        return workbook.read(content, file)
    raise Refused.because(
        file, "is not a table that kfpipe can read", expected="a .csv, .tsv or .xlsx file", fix="export it as CSV"
    )
