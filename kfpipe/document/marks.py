"""Where the values of a document stand, in 8 bytes each: a shot list of 100,000 shots keeps them all."""

from __future__ import annotations

from array import array
from typing import Any

from kfpipe.errors import Position

Path = tuple[str | int, ...]
Container = dict[str, Any] | list[Any]

_COLUMN_BITS = 32
_COLUMN_MASK = (1 << _COLUMN_BITS) - 1


def packed(line: int, column: int) -> int:
    """A place as one number. Both count from 0, as the parser's do."""
    return line << _COLUMN_BITS | column


def unpacked(mark: int) -> Position:
    return Position(line=(mark >> _COLUMN_BITS) + 1, column=(mark & _COLUMN_MASK) + 1)


class Marks:
    """Packed places of keys and values. The entries of a container lie together, in the container's own order."""

    def __init__(self) -> None:
        self._packed = array("Q")
        self._offsets: dict[int, int] = {}
        self.root = 0

    def keep(self, container: Container, marks: list[int]) -> None:
        """Remember a container's entries: key and value by turns for a mapping, values for a list.

        Containers are known by identity: the document that holds the marks holds them too.
        """
        self._offsets[id(container)] = len(self._packed)
        self._packed.extend(marks)

    def find(self, data: Any, path: Path) -> tuple[Position, Position]:
        """The places of the key and of the value at `path`; twice its nearest ancestor's value when it is absent."""
        key_mark = mark = self.root
        value = data
        for step in path:
            index = _entry_index(value, step)
            if index is None:
                return unpacked(mark), unpacked(mark)
            offset = self._offsets[id(value)]
            if isinstance(value, dict):
                key_mark, mark = self._packed[offset + 2 * index], self._packed[offset + 2 * index + 1]
            else:
                key_mark = mark = self._packed[offset + index]
            value = value[step]
        return unpacked(key_mark), unpacked(mark)


def _entry_index(container: Any, step: str | int) -> int | None:
    if isinstance(container, dict):
        return next((index for index, key in enumerate(container) if key == step), None)
    if isinstance(container, list) and isinstance(step, int) and 0 <= step < len(container):
        return step
    return None
