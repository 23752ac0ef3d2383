"""Where two texts differ, short enough for one line of a message. Pure."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Final

from kfpipe.wording import echoed

NONE: Final = "none"

_REACH: Final = 24
"""Characters around a difference among which its neighbouring words are looked for."""

_WORD_BEFORE: Final = re.compile(r"(?:\S+\s+)?\S*\Z")
_WORD_AFTER: Final = re.compile(r"\S*(?:\s+\S+)?")


def excerpts(before: str, after: str) -> tuple[str, str]:
    """Of each text the part that the other lacks, in quotes, with the words on either side; `none` for no text at all.

    Both begin at the same place: where a part is too long to be shown in full, its beginning still tells.
    """
    head = _in_common(before, after)
    tail = _in_common(before[head:][::-1], after[head:][::-1])
    first, second = (_part(text, head, len(text) - tail) for text in (before, after))
    if echoed(first) == echoed(second):  # which shows no difference between blanks
        first, second = _with_blanks(first), _with_blanks(second)
    return _quoted(before, first), _quoted(after, second)


def _in_common(one: str, other: str) -> int:
    """How many characters the texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _part(text: str, start: int, end: int) -> str:
    """The text from `start` to `end` and the words around it, with dots where something is left out."""
    before, after = (
        _WORD_BEFORE.search(text[max(0, start - _REACH) : start]),
        _WORD_AFTER.match(text[end : end + _REACH]),
    )
    first = start - len(before.group() if before else "")
    last = end + len(after.group() if after else "")
    return f"{'...' if first else ''}{text[first:last]}{'...' if last < len(text) else ''}"


def _with_blanks(text: str) -> str:
    """The text with line breaks and tabs spelt out, and the second of two blanks made visible."""
    return re.sub(r"(?<= ) ", "\u2423", re.sub(r"[\t\r\n]", lambda blank: repr(blank[0])[1:-1], text))


def _quoted(text: str, part: str) -> str:
    return echoed(part) if text else NONE
