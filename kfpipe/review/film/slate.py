"""The picture that stands for a shot without a clip: its id, its place in the film, and why."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from kfpipe.review.film.edit import Edit, Piece
from kfpipe.review.timeline import Gap

GROUND: Final = (28, 30, 34)
_RULE: Final = (196, 148, 72)
_NAME: Final = (236, 236, 232)
_QUIET: Final = (150, 152, 158)

_FONTS: Final = (
    "NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "SourceHanSansSC-Regular.otf", "wqy-microhei.ttc",
    "PingFang.ttc", "Hiragino Sans GB.ttc", "msyh.ttc", "simsun.ttc", "YuGothM.ttc", "malgun.ttf", "arialuni.ttf",
    "Arial Unicode.ttf", "DejaVuSans.ttf", "NotoSans-Regular.ttf", "NotoSansDevanagari-Regular.ttf", "Nirmala.ttf",
    "arial.ttf",
)  # fmt: skip
"""Where the built-in font lacks a letter, the first of these that has them all; systems know them by these names."""

_NOBODYS: Final = "\U0010fffe"
"""A character that no font has."""

_LEAST_PX: Final = 8


def drawn(edit: Edit, piece: Piece) -> Image.Image:
    """The slate, in the film's size."""
    width, height = edit.size.width_px, edit.size.height_px
    picture = Image.new("RGB", (width, height), GROUND)
    pen = ImageDraw.Draw(picture)
    unit, room = min(width, height) / 100, width * 0.84
    slot = piece.slot
    seconds = float(piece.frames / edit.rate)
    lines = (
        (f"{piece.number} / {len(edit.pieces)}", 4.2, _QUIET),
        (slot.shot_id, 13.0, _NAME),
        (f"{seconds:.2f}".rstrip("0").rstrip(".") + " s", 4.8, _QUIET),
        (slot.reason.removeprefix("it has no clip: ") if isinstance(slot, Gap) else "", 3.6, _QUIET),
    )
    left, top = width * 0.08, height / 2 - unit * 18
    pen.rectangle((left, top - unit * 3, left + unit * 14, top - unit * 2.2), fill=_RULE)
    for text, size, colour in lines:
        if size * unit < _LEAST_PX and text != slot.shot_id:
            continue  # nobody could read it
        top = _write(pen, text, (left, top), size * unit, room, colour) + unit * 2.6
    return picture


def _write(
    pen: ImageDraw.ImageDraw, text: str, at: tuple[float, float], size: float, room: float, colour: tuple[int, int, int]
) -> float:
    """One line, smaller or cut short where there is no room for it; where the next one begins."""
    font, shown = _font_for(text, max(_LEAST_PX, round(size)))
    while font.getlength(shown) > room and font.size > max(_LEAST_PX, size * 0.5):
        font = font.font_variant(size=font.size - 1)
    kept, whole = len(shown), shown
    while kept > 2 and font.getlength(shown) > room:
        kept -= 1
        shown = f"{whole[: kept - kept // 2]}…{whole[-(kept // 2) :]}"  # names differ at their ends
    pen.text(at, shown, font=font, fill=colour, anchor="la")
    return at[1] + size * 1.15


def _font_for(text: str, size: int) -> tuple[Any, str]:
    """A font that has every letter, and the text; without one, the letters that are missing by their numbers."""
    usual: Any = ImageFont.load_default(size)
    needed = frozenset(text)
    if _has(usual, needed):
        return usual, text
    for font in _installed(size):
        if _has(font, needed):
            return font, text
    return usual, "".join(char if _has(usual, frozenset(char)) else f"[{ord(char):04X}]" for char in text)


def _installed(size: int) -> Iterator[Any]:
    for name in _present():
        yield ImageFont.truetype(name, size)


@cache
def _present() -> tuple[str, ...]:
    found = []
    for name in _FONTS:
        try:
            ImageFont.truetype(name, _LEAST_PX)
        except OSError:
            continue
        found.append(name)
    return tuple(found)


def _has(font: Any, chars: frozenset[str]) -> bool:
    """Whether there is a glyph for each of them: what is missing looks like what nobody has."""
    missing = _look(font, _NOBODYS)
    return all(char.isspace() or _look(font, char) != missing for char in chars)


def _look(font: Any, char: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(char)
    return mask.size, bytes(mask)
