"""What shots, tags and axes may be called, in any script, and which names are one to a file system. Pure.

A name is letters and digits of any script, with the marks that belong to them, and `.`, `_` and `-`; it stands in one
form (NFC) and holds nothing that cannot be seen or that a take id or a path would make something of.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

ID_LIMIT_BYTES: Final = 200
"""Room for a folder and a suffix within the 255 bytes that file systems allow a name."""

NAME_FORMAT: Final = "kfpipe-name"
VARIABLE_FORMAT: Final = "kfpipe-variable"
"""What the schema of the manifest calls the two rules under `format`; its patterns say nearly the same to editors."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PLAIN_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PUNCTUATION: Final = frozenset("._-")
_IN_VALUES: Final = frozenset("._-+")
_LETTERS: Final = frozenset(["Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl"])
_MARKS: Final = frozenset(["Mn", "Mc"])
_INVISIBLE: Final = frozenset(
    map(chr, [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)])
) | frozenset(map(chr, range(0xE0100, 0xE01F0)))
"""Letters and marks that nobody sees. Source: Unicode, DerivedCoreProperties, "Default_Ignorable_Code_Point"."""


def in_one_form(name: str) -> str:
    """The name with its letters composed (NFC), as all names are compared and recorded."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def clash_key(name: str) -> str:
    """The same for all names that differ only in capitals or in the Unicode form, as file names do on some systems."""
    if name.isascii():
        return name.lower()
    once = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", name).casefold())
    return unicodedata.normalize("NFKC", once.casefold())


def is_name(text: str) -> bool:
    """Whether a shot, a sequence, a tag or a profile may be called so; in either Unicode form."""
    if _PLAIN.fullmatch(text):
        return True
    composed = in_one_form(text)
    return bool(composed) and _is_letter(composed[0]) and unfit(composed) is None


def is_variable(text: str) -> bool:
    """Whether a prompt can use a variable of this name, as `{{ name }}`; in either Unicode form."""
    if _PLAIN_VARIABLE.fullmatch(text):
        return True
    composed = in_one_form(text)
    return composed.isidentifier() and unfit(composed) is None


def unfit(text: str) -> str | None:
    """The first character that no name can hold, as `U+FF0C FULLWIDTH COMMA`; None when there is none."""
    composed = in_one_form(text)
    place = next(_unfit_places(composed, _PUNCTUATION), None)
    if place is None:
        return None
    return f"U+{ord(composed[place]):04X} {unicodedata.name(composed[place], '')}".rstrip()


def for_take_id(value: str) -> str:
    """The value of an axis as part of a take id: whatever a file name or the id itself cannot hold becomes `-`."""
    letters = list(in_one_form(value))
    for place in _unfit_places(letters, _IN_VALUES):
        letters[place] = "-"
    return "".join(letters)


def is_too_long(take_id: str) -> bool:
    """Whether a file cannot be named after it."""
    return len(take_id.encode()) > ID_LIMIT_BYTES


def _unfit_places(text: Sequence[str], punctuation: frozenset[str]) -> Iterator[int]:
    """Where there are characters that are no letter, no digit, no mark on one of them, and no such punctuation."""
    carries_marks = False
    for place, char in enumerate(text):
        if _is_letter(char):
            carries_marks = True
        elif char in punctuation:
            carries_marks = False
        elif not (carries_marks and unicodedata.category(char) in _MARKS and char not in _INVISIBLE):
            carries_marks = False
            yield place


def _is_letter(char: str) -> bool:
    return unicodedata.category(char) in _LETTERS and char not in _INVISIBLE
