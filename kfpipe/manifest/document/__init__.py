"""YAML text -> Document: plain data, and where each value is.

source      bytes -> text fit to be read
builder     the parser's events -> data and marks; refuses what YAML allows and a manifest must not hold
scalars     what an unquoted value means
syntax      the parser's complaints in plain words
paths       paths of Windows in double quotes, whose backslashes mean something else
typed       a value -> how it is typed
cellwords   advice in the words of a table
marks       positions, packed
memory      what large files were read as, for the next time
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfpipe.errors import Position, Problem
from kfpipe.files import text
from kfpipe.files.text import DataPath
from kfpipe.manifest.document import builder, memory
from kfpipe.manifest.document.cellwords import cell_name
from kfpipe.manifest.document.marks import Marks, source_of, unpacked
from kfpipe.values import dataclass

__all__ = ["FILES", "Document", "SourceFile", "parse"]

FILES = "files"
"""Where a document that was put together keeps what each of its files says for its own shots, by their numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that a document was read from.

    `file` is its name in messages; `name` is relative to the manifest's folder, and empty for the manifest itself.
    Messages about a table speak of cells.
    `stills` is what it says about its own stills, None where it leaves that to the manifest that includes it:
    `includer` is that one's number, None for the manifest itself.
    """

    file: str
    name: str = ""
    is_table: bool = False
    stills: Mapping[str, Any] | None = None
    includer: int | None = None

    @property
    def folder(self) -> str:
        """What the paths in the file are relative to, seen from the manifest's folder; empty for that folder."""
        return self.name.rpartition("/")[0]

    def cell_at(self, position: Position) -> str:
        """The cell as a spreadsheet program names it; empty in text, where lines and columns are those of an editor."""
        is_workbook = self.is_table and self.name.lower().endswith(".xlsx")
        return f"cell {cell_name(position.line, position.column)}" if is_workbook else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain data of one file, or of several that were put together; the first of `sources` is the manifest.

    The data is dict, list, str, int, Decimal, bool, None. What an alias repeats is one shared object.
    """

    sources: tuple[SourceFile, ...]
    data: Any
    warnings: tuple[Problem, ...]
    marks: Marks

    @property
    def file(self) -> str:
        """The manifest's own name in messages, whatever it includes."""
        return self.sources[0].file

    def source(self, path: DataPath) -> SourceFile:
        """The file that the value at `path` is in."""
        return self.sources[self.source_number(path)]

    def source_number(self, path: DataPath) -> int:
        """Which of the sources the value at `path` is in."""
        return 0 if len(self.sources) == 1 else source_of(self.marks.find(self.data, path)[1])

    def chain(self, number: int) -> tuple[int, ...]:
        """The numbers of the files that apply to what is in a file: the manifest first, the file itself last."""
        includer = self.sources[number].includer
        return (number,) if includer is None else (*self.chain(includer), number)

    def said_for(self, number: int) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
        """The parts of each file of the chain that apply to shots, and the path that leads to them."""
        for link in self.chain(number):
            yield ((), self.data) if link == 0 else ((FILES, link), self.data[FILES][link])

    def said(self) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
        """The same of every file, each once."""
        yield (), self.data
        yield from (((FILES, number), said) for number, said in enumerate(self.data.get(FILES, ())) if number)

    def place_of(self, path: DataPath, beside: DataPath) -> str:
        """Where the value at `path` is, for a message about the one `beside`: `line 7`, `b.yaml, line 7`, `cell B2`."""
        position, source = self.position(path), self.source(path)
        place = source.cell_at(position) or f"line {position.line}"
        return place if source.file == self.source(beside).file else f"{source.file}, {place}"

    def position(self, path: DataPath) -> Position:
        """Where the value at `path` begins; its nearest ancestor, when there is no such value."""
        return unpacked(self.marks.find(self.data, path)[1])

    def key_position(self, path: DataPath) -> Position:
        """Where the key of the value at `path` begins; the item itself in a list; else as `position`."""
        return unpacked(self.marks.find(self.data, path)[0])


def parse(content: bytes | str, file: str, *, name: str = "") -> Document:
    """The document in `content`; `file` and `name` as in `SourceFile`. Raises Refused with all problems it can name."""
    built = memory.known(content) if isinstance(content, bytes) else None
    if built is None:
        built = builder.build(text.decoded(content, file), file)
        if isinstance(content, bytes):
            memory.keep(content, built)
    return Document(
        sources=(SourceFile(file=file, name=name),), data=built.data, warnings=built.warnings, marks=built.marks
    )
