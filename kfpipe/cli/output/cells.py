"""Text measured in the cells of a terminal, where a Chinese character takes two. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import Final

ELLIPSIS: Final = "\u2026"


def width_of(text: str) -> int:
    """Cells that `text` takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # its table of widths takes a while to load, and most text is ASCII

    return cell_len(text)


def head(text: str, cells: int) -> str:
    """As much of the beginning as fits into `cells`."""
    return text[: _fitting(text, cells)]


def cut(text: str, cells: int) -> str:
    """`text`, with an ellipsis in its middle where it does not fit: names often differ at their ends."""
    if width_of(text) <= cells:
        return text
    room = cells - 1
    return head(text, room - room // 2) + ELLIPSIS + head(text[::-1], room // 2)[::-1]


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
