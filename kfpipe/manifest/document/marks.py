"""Where the values of a document are, in 8 bytes each: a shot list of 100,000 shots keeps them all."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import cached_property
from typing import Any

from kfpipe.errors import Position
from kfpipe.files.text import DataPath

Container = dict[str, Any] | list[Any]

MOST_SOURCES = 1 << 12
"""Files that the marks of one document can tell apart."""

_COLUMN_BITS = _LINE_BITS = 26  # 64 MiB is the largest file
_COLUMN_MASK = (1 << _COLUMN_BITS) - 1
_LINE_MASK = (1 << _LINE_BITS) - 1


def packed(line: int, column: int) -> int:
    """A place as one number. Both count from 0, as the parser's do."""
    return line << _COLUMN_BITS | column


def unpacked(mark: int) -> Position:
    """The place as people count it, from 1; the file that it is in is left out."""
    return Position(line=(mark >> _COLUMN_BITS & _LINE_MASK) + 1, column=(mark & _COLUMN_MASK) + 1)


def source_of(mark: int) -> int:
    """The number of the file that a place is in; 0 unless marks were adopted from another document."""
    return mark >> _COLUMN_BITS + _LINE_BITS


class Marks:
    """Packed places of keys and values. A container's entries are stored together, in the container's own order."""

    def __init__(self, earlier: Callable[[], dict[int, int]] = dict, packed: bytes = b"", root: int = 0) -> None:
        """Empty, or what another reading of the same bytes has kept: `packed` is of that, `root` too.

        `earlier` finds out where its containers begin. Only what is reported needs that, and most files are right.
        """
        self._packed = array("Q", packed)
        self._earlier = earlier
        self.root = root

    @cached_property
    def _offsets(self) -> dict[int, int]:
        return self._earlier()

    @property
    def packed(self) -> bytes:
        """All places, as they are held in memory."""
        return self._packed.tobytes()

    def offset(self, container: Container) -> int:
        """Where the places of a container's entries begin."""
        return self._offsets[id(container)]

    def keep(self, container: Container, marks: list[int]) -> None:
        """Remember a container's entries: key and value by turns for a mapping, values for a list.

        Containers are known by identity: the document that holds the marks holds them too.
        """
        self._offsets[id(container)] = len(self._packed)
        self._packed.extend(marks)

    def adopt(self, other: Marks, source: int) -> None:
        """Take over all places of another document, as those of the file with this number."""
        start, shift = len(self._packed), source << _COLUMN_BITS + _LINE_BITS
        self._packed.extend(other._packed if source == 0 else (mark | shift for mark in other._packed))
        self._offsets.update((key, start + offset) for key, offset in other._offsets.items())

    def entry(self, container: Container, step: str | int) -> tuple[int, int]:
        """The marks of the key and of the value of one entry, which must exist; twice the item's in a list."""
        offset = self._offsets[id(container)]
        if isinstance(container, dict):
            index = next(index for index, key in enumerate(container) if key == step)
            return self._packed[offset + 2 * index], self._packed[offset + 2 * index + 1]
        mark = self._packed[offset + int(step)]
        return mark, mark

    def items(self, container: list[Any]) -> array[int]:
        """The marks of a list's items."""
        offset = self._offsets[id(container)]
        return self._packed[offset : offset + len(container)]

    def find(self, data: Any, path: DataPath) -> tuple[int, int]:
        """The marks of the key and of the value at `path`; twice its nearest ancestor's value when it is missing."""
        key_mark = mark = self.root
        value = data
        for step in path:
            if not _has(value, step):
                return mark, mark
            key_mark, mark = self.entry(value, step)
            value = value[step]
        return key_mark, mark


def _has(container: Any, step: str | int) -> bool:
    if isinstance(container, dict):
        return step in container
    return isinstance(container, list) and isinstance(step, int) and 0 <= step < len(container)
