"""Golden cases, a file each: the input, then a line `---- expected ----`, then the exact text that is expected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

SEPARATOR: Final = b"---- expected ----\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`source` holds the bytes above the line, untouched: not every input is UTF-8, or ends with a line break."""

    path: Path
    source: bytes
    expected: str

    @property
    def name(self) -> str:
        return self.path.name

    def write(self, expected: str) -> None:
        """Replace the expected text in the case's file."""
        self.path.write_bytes(self.source + SEPARATOR + expected.encode())


def load(folder: Path) -> dict[str, Case]:
    """The cases in a folder by their names, each file read once."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.yaml"))}


def _read(path: Path) -> Case:
    source, *expected = path.read_bytes().split(SEPARATOR)
    if len(expected) != 1:
        raise ValueError(f"{path} needs one line `{SEPARATOR.decode().rstrip()}`, and has {len(expected)}")
    return Case(path=path, source=source, expected=expected[0].decode())
