"""The first sheet of an Excel workbook that is not hidden -> rows of cells. Needs the extra `kfpipe[xlsx]`."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from posixpath import join, normpath
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from kfpipe.errors import Problem, Refused, Severity
from kfpipe.files.text import LARGEST_BYTES
from kfpipe.manifest.tables import sheet
from kfpipe.manifest.tables.cells import MOST_LINES, TableRow, too_many_rows
from kfpipe.wording import echoed, listed

MOST_UNPACKED_BYTES = 8 * LARGEST_BYTES

_CHUNK_BYTES = 1 << 20
_SAVE_AS_CSV = "save the sheet as CSV in UTF-8 and list that file instead"
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, LookupError, ValueError, TypeError, AttributeError, OSError, SyntaxError),
    RuntimeError,  # a part with a password, or packed in a way that is not known
)
_MERGED = re.compile(rb'mergeCell\s[^>]*?ref="([A-Z]+[0-9]+):([A-Z]+[0-9]+)"')
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A worksheet, and where it is in the workbook's archive."""

    title: str
    path: str
    is_hidden: bool


def read(content: bytes, file: str) -> tuple[Iterator[TableRow], tuple[Problem, ...]]:
    """The rows that are not blank, formulas by their stored results; and a warning where other sheets are left out.

    Raises Refused, also while the rows are taken, for what is not a sound workbook, and where the extra is missing.
    """
    numbers = _number_formats(file)
    _check_size(content, file)
    try:
        book = _Book(zipfile.ZipFile(BytesIO(content)), numbers)
        return _guarded(book, file), tuple(_left_out(book, file))
    except _DAMAGED as error:
        raise _unreadable(file) from error


def _guarded(book: _Book, file: str) -> Iterator[TableRow]:
    try:
        yield from book.rows(file)
    except sheet.TooManyColumns as error:
        what = f"the table has more than {sheet.MOST_COLUMNS:,} columns"
        raise Refused.because(file, what, fix="delete what stands to the right of the shots") from error
    except _DAMAGED as error:
        raise _unreadable(file) from error


def _unreadable(file: str) -> Refused:
    return Refused.because(file, "is not a workbook that can be read", fix=_SAVE_AS_CSV)


def _number_formats(file: str) -> Any:
    """The library's module for formats of numbers, which most installations do without."""
    try:
        import_module("openpyxl")
        return import_module("openpyxl.styles.numbers")
    except ImportError:
        raise Refused.because(
            file,
            "is an Excel workbook, which this installation cannot read",
            fix=f"install the extra with `pip install 'kfpipe[xlsx]'`, or {_SAVE_AS_CSV}",
        ) from None


def _check_size(content: bytes, file: str) -> None:
    """A small file can unpack to one that fills the memory."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            unpacked_bytes = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise Refused.because(file, "is not an Excel workbook", fix=_SAVE_AS_CSV) from error
    if unpacked_bytes > MOST_UNPACKED_BYTES:
        what = f"unpacks to more than {MOST_UNPACKED_BYTES // 2**20} MiB"
        raise Refused.because(file, what, fix="split it into several tables")


def _left_out(book: _Book, file: str) -> Iterator[Problem]:
    """A warning where other sheets hold something, too."""
    others = [part.title for part in book.others if book.is_filled(part)]
    if others:
        what = f"only the sheet {echoed(book.chosen.title)} is read, not {listed(map(echoed, others[:5]), 'and')}"
        fix = "if they hold shots, save each sheet as a file of its own; else hide or delete them"
        yield Problem(file=file, what=what, fix=fix, severity=Severity.WARNING)


class _Book:
    """The parts of a workbook's archive, and the sheet among them that is read."""

    def __init__(self, archive: zipfile.ZipFile, numbers: Any) -> None:
        self._archive = archive
        self._numbers = numbers
        (main,) = self._targets("_rels/.rels", "", "/officeDocument").values()
        self._folder, _, name = main.rpartition("/")
        self._relations = f"{self._folder}/_rels/{name}.rels"
        sheets = self._sheets(main)
        self.chosen = next((part for part in sheets if not part.is_hidden), sheets[0])
        self.others = [part for part in sheets if not part.is_hidden and part is not self.chosen]

    def rows(self, file: str) -> Iterator[TableRow]:
        """The rows of the sheet that is read. Raises Refused when there are too many, before it reads the first."""
        merged = self._merged(file)
        around = sheet.Surroundings(
            strings=self._strings(), formats=self._formats(), is_date=self._numbers.is_date_format, merged=merged
        )
        with self._archive.open(self.chosen.path) as xml:
            yield from sheet.rows(xml, around)

    def is_filled(self, part: _Part) -> bool:
        """Whether there is a value in the sheet, as far as its beginning tells."""
        with self._archive.open(part.path) as xml:
            beginning = xml.read(_CHUNK_BYTES)
        return b"v>" in beginning or b"is>" in beginning

    def _merged(self, file: str) -> dict[tuple[int, int], str]:
        """The merged ranges by their first cells. The text is searched, not parsed: it may be of any length."""
        merged: dict[tuple[int, int], str] = {}
        count, rest = 0, b""
        with self._archive.open(self.chosen.path) as xml:
            while chunk := xml.read(_CHUNK_BYTES):
                count += chunk.count(b"<row")
                if count > MOST_LINES:
                    raise Refused.because(file, too_many_rows(), fix="split it into several tables")
                if b"mergeCell" in rest + chunk:
                    for found in _MERGED.finditer(rest + chunk):
                        merged[sheet.address(found[1].decode())] = f"{found[1].decode()}:{found[2].decode()}"
                rest = chunk[-100:]
        return merged

    def _sheets(self, main: str) -> list[_Part]:
        paths = self._targets(self._relations, self._folder, "/worksheet")
        found = (
            (element, element.get(_RELATION) or element.get(_STRICT_RELATION) or "")
            for element in self._xml(main).iterfind(".//{*}sheets/{*}sheet")
        )
        return [
            _Part(
                title=element.get("name", ""),
                path=paths[relation],
                is_hidden=element.get("state", "visible") != "visible",
            )
            for element, relation in found
            if relation in paths
        ]

    def _strings(self) -> list[str]:
        found = self._targets(self._relations, self._folder, "/sharedStrings").values()
        strings: list[str] = []
        for path in found:
            with self._archive.open(path) as xml:
                strings += sheet.texts(xml)
        return strings

    def _formats(self) -> list[str]:
        """The format of numbers of each style."""
        formats: list[str] = []
        for path in self._targets(self._relations, self._folder, "/styles").values():
            styles = self._xml(path)
            own = {
                int(element.get("numFmtId", 0)): element.get("formatCode", "")
                for element in styles.iterfind("{*}numFmts/{*}numFmt")
            }
            numbers = (int(element.get("numFmtId", 0)) for element in styles.iterfind("{*}cellXfs/{*}xf"))
            formats += [own.get(number) or self._numbers.BUILTIN_FORMATS.get(number, "") for number in numbers]
        return formats

    def _targets(self, relations: str, folder: str, kind: str) -> dict[str, str]:
        """The parts of one kind that another part refers to, by the names it has for them."""
        return {
            element.get("Id", ""): normpath(join("/", folder, element.get("Target", ""))).lstrip("/")
            for element in self._xml(relations).iterfind("{*}Relationship")
            if element.get("Type", "").endswith(kind)
        }

    def _xml(self, path: str) -> Element:
        return fromstring(self._archive.read(path))  # noqa: S314  see `sheet`
