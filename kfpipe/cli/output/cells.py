"""Text measured in the cells of a terminal, where a Chinese character takes two; by the tables of rich."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import Final

ELLIPSIS: Final = "\u2026"

_ENDINGS: Final = (Fraction(1, 2), Fraction(2, 3), Fraction(5, 6), Fraction(1), Fraction(1, 4), Fraction(0))
"""Names often differ at their ends, or in a number near them."""


def width_of(text: str) -> int:
    """Cells that `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # its table of widths takes a while to load, and most text is ASCII

    return cell_len(text)


def head(text: str, cells: int) -> str:
    """As much of the beginning as fits into `cells`."""
    return text[: _fitting(text, cells)]


def shortened(text: str, cells: int, ending: Fraction = Fraction(1, 2)) -> str:
    """`text`, with an ellipsis in it where it does not fit; `ending` is the share of the room behind that."""
    if width_of(text) <= cells:
        return text
    room = cells - 1
    behind = int(room * ending)
    return head(text, room - behind) + ELLIPSIS + head(text[::-1], behind)[::-1]


def cut_apart(texts: Sequence[str], cells: int) -> list[str]:
    """Each of the texts cut at one place, by which those that differ still do, if there is such a place."""
    ways = ([shortened(text, cells, ending) for text in texts] for ending in _ENDINGS)
    distinct = len(set(texts))
    return next((way for way in ways if len(set(way)) == distinct), [shortened(text, cells) for text in texts])


def wrapped(text: str, cells: int) -> list[str]:
    """`text` on as many lines as it takes, broken between words; a word that is too long is broken anywhere."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width_of(longer) <= cells:
            lines[-1] = longer
            continue
        *pieces, rest = _pieces(word, cells)
        lines += [*pieces, rest]
    return [line for line in lines if line] or [""]


def padded(text: str, cells: int, *, right: bool = False) -> str:
    """`text` with blanks behind it, or before it to push it to the right."""
    blanks = " " * (cells - width_of(text))
    return blanks + text if right else text + blanks


def _pieces(word: str, cells: int) -> list[str]:
    pieces = []
    while width_of(word) > cells:
        count = max(1, _fitting(word, cells))
        pieces.append(word[:count])
        word = word[count:]
    return [*pieces, word]


def _fitting(text: str, cells: int) -> int:
    """How many of the first characters fit."""
    if text.isascii():
        return max(0, cells)
    widths: Iterable[int] = accumulate(map(width_of, text))
    return sum(width <= cells for width in widths)
