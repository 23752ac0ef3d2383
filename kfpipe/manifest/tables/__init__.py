"""Tables of shots -> Document: rows are shots, columns are fields, and every cell keeps its line and column.

delimited   CSV and TSV text -> rows of cells
workbook    an Excel workbook -> the sheet to read
sheet       the XML of a sheet -> rows of cells
columns     the first row -> which field each column holds, and how its cells are read
rows        rows of cells -> shots
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from kfpipe.errors import Refused
from kfpipe.files.text import LARGEST_BYTES, decoded
from kfpipe.manifest.document import Document, SourceFile
from kfpipe.manifest.tables import delimited, rows, workbook

__all__ = ["parse"]

_SEPARATORS = {".csv": ",;\t|", ".tsv": "\t,;|"}


def parse(content: bytes, file: str, *, name: str, notes: Sequence[str] = ()) -> Document:
    """The shots of a table, whose kind follows from its name; `file` and `name` as in `document.Source`.

    `notes` are columns whose cells are kept as notes of their shots.
    Raises Refused with every problem of the table as such; the shots themselves are checked elsewhere.
    """
    source = SourceFile(file=file, name=name, is_table=True)
    ending = PurePath(name).suffix.lower()
    if ending in _SEPARATORS:
        delimited.refuse_endless(content, file)
        lines = delimited.rows(decoded(content, file), file, separators=_SEPARATORS[ending])
        return rows.document(lines, source, notes=notes)
    if ending == ".xlsx":
        if len(content) > LARGEST_BYTES:
            raise Refused.because(file, f"the file is larger than {LARGEST_BYTES // 2**20} MiB", fix="split it")
        found, warnings = workbook.read(content, file)
        return rows.document(found, source, warnings, notes=notes)
    raise Refused.because(
        file, "is not a table that kfpipe can read", expected="a .csv, .tsv or .xlsx file", fix="export it as CSV"
    )
