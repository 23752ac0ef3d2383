"""What stands in the picture: the take's name and seed, the running timecode, and the word EMULATED.

It comes and goes softly, and is never on the first and the last pictures: those are the given ones. The lettering is
white on a darker plate, so that it is legible on any picture and never louder than it.
"""

import functools
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from kfpipe.emulator.film.yuv import Planes

CLEAN_FRAMES = 6
"""So many pictures at either end have nothing on them."""

_FADE_FRAMES = 10
_LEAST_SIDE_PX = 240  # in a smaller picture nothing could be read
_MARK = "EMULATED"
_MARK_OPACITY = 0.35
_TEXT_OPACITY = 0.86
_PLATE_OPACITY = 0.5
_WHITE, _BLACK, _GREY = 235, 16, 128
_DIGITS = "0123456789:"
_TIMECODE = "00:00:00:00"
_GAP = "   "


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnIn:
    """What a clip says about itself; the seed is None where the request has none."""

    name: str
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class _Layer:
    """A grey value laid over one or more planes, as far as the mask says."""

    mask: Image.Image
    left_px: int
    top_px: int

    def over(self, plane: Image.Image, value: int, opacity: float, *, scale: int = 1) -> None:
        mask = self.mask if scale == 1 else self.mask.reduce(scale)
        faded = mask if opacity >= 1 else mask.point([round(level * opacity) for level in range(256)])
        plane.paste(value, (self.left_px // scale, self.top_px // scale), faded)


class Slate:
    """The lettering of one clip, whose pictures are `size` and `rate` a second; it begins soon after `clean_until`."""

    def __init__(self, burn_in: BurnIn | None, size: tuple[int, int], frame_count: int, rate: int, clean_until: int):
        self._rate = rate
        self._begins, self._ends = clean_until + CLEAN_FRAMES, frame_count - 1 - CLEAN_FRAMES
        self._texts = [_mark(size)]
        self._plates: list[_Layer] = []
        self._clock: _Clock | None = None
        if burn_in is not None and min(size) >= _LEAST_SIDE_PX:
            height = max(13, min(size) // 38)
            margin = _even(height)
            self._clock = _Clock(height, right_px=size[0] - margin, top_px=margin)
            room_px = self._clock.left_px - 2 * margin
            line, plate = _line(burn_in, height, margin, room_px)
            self._texts.append(line)
            self._plates += [plate, self._clock.plate]

    def over(self, planes: Planes, index: int) -> Planes:
        """The picture with its lettering; the very picture where it has none."""
        opacity = min(1.0, (index - self._begins) / _FADE_FRAMES, (self._ends - index) / _FADE_FRAMES)
        if opacity <= 0:
            return planes
        luma, blue, red = planes.luma.copy(), planes.blue, planes.red
        if self._plates:
            blue, red = blue.copy(), red.copy()
        for plate in self._plates:
            plate.over(luma, _BLACK, opacity)
            for colour in (blue, red):
                plate.over(colour, _GREY, opacity, scale=2)
        for text in (*self._texts, *([] if self._clock is None else [self._clock.at(index, self._rate)])):
            text.over(luma, _WHITE, opacity)
        return Planes(luma, blue, red)


class _Clock:
    """The timecode: its digits stand on cells of one width, so that they do not dance."""

    def __init__(self, height: int, *, right_px: int, top_px: int) -> None:
        font = _font(height)
        self._cells = {digit: _cell(digit, font) for digit in _DIGITS}
        self._size = (sum(self._cells[digit].width for digit in _TIMECODE), self._cells["0"].height)
        self._pad = _even(height // 2)
        self.plate = _plate(self._size, self._pad, right_px=right_px, top_px=top_px)
        self.left_px = self.plate.left_px
        self._top_px = top_px

    def at(self, index: int, rate: int) -> _Layer:
        seconds, frame = divmod(index, rate)
        text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame:02}"
        mask, left = Image.new("L", self._size), 0
        for digit in text:
            mask.paste(self._cells[digit], (left, 0))
            left += self._cells[digit].width
        return _Layer(mask, self.left_px + self._pad, self._top_px + self._pad // 2)


def _mark(size: tuple[int, int]) -> _Layer:
    """Every clip says what it is, small and in a corner."""
    height = max(10, min(size) // 50)
    mask = _lettering(_MARK, _font(height), _MARK_OPACITY)
    return _Layer(mask, height, size[1] - height - mask.height)


def _line(burn_in: BurnIn, height: int, margin: int, room_px: int) -> tuple[_Layer, _Layer]:
    """Name and seed, with their plate, no wider than `room_px`: the middle of a long name is left out."""
    font, pad = _font(height), _even(height // 2)
    seed = "" if burn_in.seed is None else f"{_GAP}seed {burn_in.seed}"
    name = spelled(burn_in.name, font)
    kept = len(name)
    while kept > 8 and font.getlength(_shortened(name, kept) + seed) > room_px - 2 * pad:
        kept -= 1
    mask = _lettering(_shortened(name, kept) + seed, font, _TEXT_OPACITY)
    mask = mask.crop((0, 0, min(mask.width, max(1, room_px - 2 * pad)), mask.height))
    plate = _plate(mask.size, pad, left_px=margin, top_px=margin)
    return _Layer(mask, margin + pad, margin + pad // 2), plate


def spelled(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text in letters that the font has: others are escaped, as in `\\u732b`."""
    return "".join(
        letter if letter == " " or (letter.isprintable() and _has(font, letter)) else ascii(letter)[1:-1]
        for letter in text
    )


def _has(font: ImageFont.FreeTypeFont | ImageFont.ImageFont, letter: str) -> bool:
    missing = font.getmask("\U0010ffff")
    drawn = font.getmask(letter)
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


def _shortened(text: str, kept: int) -> str:
    return text if len(text) <= kept else f"{text[: kept // 2]}…{text[len(text) - (kept - 1 - kept // 2) :]}"


def _plate(size: tuple[int, int], pad: int, *, top_px: int, left_px: int = 0, right_px: int | None = None) -> _Layer:
    """A rounded plate around lettering of this size; its sides are even, as the colours have half as many pixels."""
    width, height = _even(size[0] + 2 * pad), _even(size[1] + pad)
    mask = Image.new("L", (width, height))
    box = (0, 0, width - 1, height - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius=pad / 2, fill=round(255 * _PLATE_OPACITY))
    return _Layer(mask, left_px if right_px is None else _even(right_px - width), top_px)


def _lettering(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, opacity: float) -> Image.Image:
    """A mask of the font's full height, so that the lines of all clips stand alike."""
    left, _, right, _ = (round(edge) for edge in font.getbbox(text))
    mask = Image.new("L", (max(1, right - left), _line_height(font)))
    ImageDraw.Draw(mask).text((-left, 0), text, font=font, fill=round(255 * opacity))
    return mask


def _cell(digit: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> Image.Image:
    widest = max(font.getlength(each) for each in "0123456789")
    width = round(widest * (0.55 if digit == ":" else 1.0))
    mask = Image.new("L", (width, _line_height(font)))
    ImageDraw.Draw(mask).text((width / 2, 0), digit, font=font, fill=round(255 * _TEXT_OPACITY), anchor="ma")
    return mask


def _line_height(font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    return round(font.getbbox("Ag|_")[3]) + 1


@functools.lru_cache(maxsize=16)
def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, which needs no file of the system."""
    return ImageFont.load_default(height)


def _even(length: float) -> int:
    return max(2, round(length) // 2 * 2)
