"""How a user's value is shown in a message: short, on one line, safe for a terminal."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, TypeVar

Fix = TypeVar("Fix", str, None)

TERMINAL_COMMANDS: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]"
)
"""A terminal's own commands, each as a whole: so that no `[31m` is left of them."""

LONGEST_ECHO = 60
"""Characters of a user's text that a message repeats at most."""


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
    return suggested(closest(word, known), otherwise)


def suggested(meant: str | None, otherwise: Fix) -> str | Fix:
    """A fix that names what was probably meant, or `otherwise` when nobody knows."""
    return f"did you mean `{meant}`?" if meant else otherwise
