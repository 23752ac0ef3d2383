"""YAML text -> Document: plain data, and where each value of it stands.

source      bytes -> text fit to be read
builder     the parser's events -> data and marks; refuses what YAML allows and a manifest must not hold
scalars     what an unquoted value means
syntax      the parser's complaints in plain words
marks       positions, packed
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kfpipe.document import builder, source
from kfpipe.document.marks import Marks, Path
from kfpipe.errors import Position, Problem

__all__ = ["Document", "Path", "parse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain data of a file: dict, list, str, int, Decimal, bool, None. What an alias repeats is one shared object."""

    file: str
    data: Any
    warnings: tuple[Problem, ...]
    marks: Marks

    def position(self, path: Path) -> Position:
        """Where the value at `path` begins; its nearest ancestor, when there is no such value."""
        return self.marks.find(self.data, path)[1]

    def key_position(self, path: Path) -> Position:
        """Where the key of the value at `path` begins; the item itself in a list; else as `position`."""
        return self.marks.find(self.data, path)[0]


def parse(content: bytes | str, file: str) -> Document:
    """The document in `content`; `file` is its name in messages. Raises Refused with every problem it can name."""
    built = builder.build(source.decoded(content, file), file)
    return Document(file=file, data=built.data, warnings=built.warnings, marks=built.marks)
