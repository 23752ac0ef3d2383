"""One change of the code, and the tests that have to fail then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


class OutOfDate(Exception):
    """The table does not fit the code or its tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """In `file` the text `old`, which is there just once, becomes `new`; one of `tests` fails."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The file's text with the change. Raises OutOfDate unless what is to be changed is there just once."""
        if (count := text.count(self.old)) != 1:
            raise OutOfDate(f"{self.name}: {self.file} has its text {count} times")
        return text.replace(self.old, self.new)


def within(file: str, *rows: tuple[str, ...]) -> Iterator[Mutation]:
    """Mutations of a file of kfpipe: each row is a name, the old text, the new one, and tests below `tests/`."""
    for name, old, new, *tests in rows:
        yield Mutation(name=name, file=f"kfpipe/{file}", old=old, new=new, tests=tuple(f"tests/{one}" for one in tests))
