"""How a user's value is shown in a message: short, on one line, safe for a terminal."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import Any, Final, TypeVar

Fix = TypeVar("Fix", str, None)

TERMINAL_COMMANDS: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]"
)
"""A terminal's own commands, each as a whole: so that no `[31m` is left of them."""

LONGEST_ECHO = 60
"""Characters of a user's text that a message repeats at most."""


MOST_ROWS: Final = 200
"""As many rows has a table in a notebook at most."""


def html_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for a notebook. Every cell is text: what a manifest or the service says is no mark-up."""
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        lines.append(f'<td colspan="{len(titles)}">and {len(rows) - MOST_ROWS:,} more</td>')
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>"
    )


def echoed(text: str) -> str:
    """`text` in single quotes, as `visible` shows it."""
    return f"'{visible(text)}'"


def visible(text: str) -> str:
    """`text` on one line; invisible characters appear as escapes, long text is cut."""
    line = re.sub(r"[ \t\r\n]+", " ", text[: 4 * LONGEST_ECHO])
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)
    return shown if len(shown) <= LONGEST_ECHO else shown[: LONGEST_ECHO - 3] + "..."


def described(value: Any) -> str:
    """What kind of value this is, in the words of someone who only knows the file: `the number 3`."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return f"the number {value}"
        case str():
            return f"the text {echoed(value)}" if value else "empty text"
        case list():
            return "a list" if value else "an empty list"
        case _:
            return "a block of `key: value` lines" if value else "an empty block"


def listed(names: Iterable[str], conjunction: str = "or") -> str:
    """`a, b or c`."""
    *head, last = names
    return f"{', '.join(head)} {conjunction} {last}" if head else last


def some_of(names: Iterable[str], most: int = 8) -> str:
    """The same of many names: the first of them, and how many more there are."""
    found = list(names)
    return listed([*found[:most], f"one of {len(found) - most} more"] if len(found) > most + 1 else found)


def closest(word: str, choices: Iterable[str], *, likeness: float = 0.65) -> str | None:
    """The choice that `word` was probably meant to be; case, hyphens and spaces do not count.

    `likeness` is how alike they must be at least, from 0 to 1 for the same word.
    """
    by_folded = {_folded(choice): choice for choice in choices}
    found = difflib.get_close_matches(_folded(word[:LONGEST_ECHO]), by_folded, n=1, cutoff=likeness)
    return by_folded[found[0]] if found else None


def _folded(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "_")


def did_you_mean(word: str, known: Iterable[str], otherwise: Fix) -> str | Fix:
    """A fix that names the known word closest to `word`, or `otherwise` when none is close."""
    return suggested(closest(word, known), otherwise, instead_of=word)


def suggested(meant: str | None, otherwise: Fix, *, instead_of: str = "") -> str | Fix:
    """A fix that names what was probably meant, or `otherwise` when nobody knows.

    Where that looks like what was written, it says in what they differ.
    """
    if not meant:
        return otherwise
    difference = unseen_difference(instead_of, meant)
    return f"did you mean `{meant}`{difference and f', which {difference}'}?"


def unseen_difference(word: str, other: str) -> str:
    """In what two words differ that look alike: `differs only in how ä is composed`; empty where one can see it."""
    if unicodedata.normalize("NFC", word) == unicodedata.normalize("NFC", other):
        return "" if word == other else f"differs {_composition(word, other)}"
    pairs = [(one, two) for one, two in zip(word, other, strict=False) if one != two]
    if len(word) != len(other) or not all(_is_of_another_script(one, two) for one, two in pairs):
        return ""
    one, two = pairs[0]
    return f"has U+{ord(two):04X} for U+{ord(one):04X}"


def differently_composed(word: str, other: str) -> str:
    """`differ from it only in how ä is composed`, of several words that are `word` to the eye."""
    return f"differ from it {_composition(word, other)}"


def _composition(word: str, other: str) -> str:
    letters = unicodedata.normalize("NFC", word)
    apart = next((at for at, (one, two) in enumerate(zip(word, other, strict=False)) if one != two), 0)
    at = len(unicodedata.normalize("NFC", word[: apart + 1])) - 1
    return f"only in how {letters[at]} is composed (Unicode NFC or NFD)"


def _is_of_another_script(one: str, two: str) -> bool:
    """Whether two letters may look alike although they are not the same one, as of the Latin and Cyrillic alphabet."""
    names = [unicodedata.name(letter, "").split(" ")[0] for letter in (one, two)]
    return not (one + two).isascii() and names[0] != names[1]
