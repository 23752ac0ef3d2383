"""Tables of shots -> Document: rows are shots, columns are fields, and every cell keeps its line and column.

delimited   CSV and TSV text -> cells
workbook    an Excel workbook -> cells
rows        cells -> shots
"""

from __future__ import annotations

from pathlib import PurePath

from kfpipe.errors import Refused
from kfpipe.files.text import LARGEST_BYTES, decoded
from kfpipe.manifest.document import Document, SourceFile
from kfpipe.manifest.tables import delimited, rows, workbook

__all__ = ["parse"]


def parse(content: bytes, file: str, *, name: str) -> Document:
    """The shots of a table, whose kind follows from its name; `file` and `name` as in `document.Source`.

    Raises Refused with every problem of the table as such; the shots themselves are checked elsewhere.
    """
    source = SourceFile(file=file, name=name)
    match PurePath(name).suffix.lower():
        case ".csv":
            return rows.document(delimited.cells(decoded(content, file), file, separators=",;"), source)
        case ".tsv":
            return rows.document(delimited.cells(decoded(content, file), file, separators="\t"), source)
        case ".xlsx":
            if len(content) > LARGEST_BYTES:
                raise Refused.because(file, f"the file is larger than {LARGEST_BYTES // 2**20} MiB", fix="split it")
            return rows.document(workbook.cells(content, file), source)
    raise Refused.because(
        file, "is not a table that kfpipe can read", expected="a .csv, .tsv or .xlsx file", fix="export it as CSV"
    )
