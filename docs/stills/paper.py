"""Paper and light: silhouettes, and a picture they are laid on from back to front."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter

OVERSAMPLING = 3

Point = tuple[float, float]
Stops = Sequence[tuple[float, str]]  # (share of the picture's height, counted from the top; colour)
Paint = str | Stops


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The hour of the day, as far as a picture can tell it."""

    sky: Stops
    sea: Stops
    ambient: str  # what a white wall looks like in this light
    haze: str  # what far things fade into
    cloud: str
    glow: str  # the brightness over the horizon, and its road on the water
    road: float  # how strong that road is, 0 to 1
    stars: float = 0.0  # likewise
    sun: bool = False
    lamps: bool = False

    def on(self, colour: str, *, haze: float = 0.0) -> str:
        """A surface of this colour, seen in this light and through so much haze (0 to 1)."""
        channels = zip(*map(_channels, (colour, self.ambient, self.haze)), strict=True)
        near = [(own * ambient / 255, far) for own, ambient, far in channels]
        return "#" + "".join(f"{round(here + (far - here) * haze):02x}" for here, far in near)

    def lit(self, flame: str, dark: str) -> str:
        """A pane of glass: the colour of the flame behind it, or the dark glass in this light."""
        return flame if self.lamps else self.on(dark)


class Cutout:
    """A silhouette, cut piece by piece; coordinates are pixels of the finished picture."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.mask = Image.new("L", (width_px * OVERSAMPLING, height_px * OVERSAMPLING))
        self._draw = ImageDraw.Draw(self.mask)

    def polygon(self, *corners: Point, value: float = 1) -> Self:
        self._draw.polygon(_scaled(corners), fill=round(255 * value))
        return self

    def box(self, left: float, top: float, right: float, bottom: float) -> Self:
        return self.polygon((left, top), (right, top), (right, bottom), (left, bottom))

    def ellipse(self, x: float, y: float, rx: float, ry: float, value: float = 1) -> Self:
        self._draw.ellipse(_scaled(((x - rx, y - ry), (x + rx, y + ry))), fill=round(255 * value))
        return self

    def line(self, *points: Point, width: float) -> Self:
        self._draw.line(_scaled(points), fill=255, width=max(1, round(width * OVERSAMPLING)), joint="curve")
        return self

    def within(self, other: "Cutout") -> Self:
        self.mask.paste(ImageChops.multiply(self.mask, other.mask))
        return self

    def without(self, other: "Cutout") -> Self:
        self.mask.paste(ImageChops.subtract(self.mask, other.mask))
        return self

    def softened(self, radius: float) -> Self:
        self.mask.paste(self.mask.filter(ImageFilter.GaussianBlur(radius * OVERSAMPLING)))
        return self


class Picture:
    """Paper and light, laid over each other from back to front."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self.width_px, self.height_px = width_px, height_px
        self.image = Image.new("RGB", self.cut().mask.size)

    def cut(self) -> Cutout:
        return Cutout(self.width_px, self.height_px)

    def lay(self, cutout: Cutout, paint: Paint, opacity: float = 1) -> None:
        """Puts paint where the cutout is."""
        self.image.paste(self._painted(paint), mask=_thinned(cutout, opacity))

    def shine(self, cutout: Cutout, colour: str, strength: float = 1) -> None:
        """Adds light where the cutout is; nothing gets darker."""
        light = Image.new("RGB", self.image.size)
        light.paste(colour, mask=_thinned(cutout, strength))
        self.image = ImageChops.screen(self.image, light)

    def glow(self, centre: Point, radius: float, colour: str, strength: float = 1) -> None:
        """Adds a round light that fades towards its rim."""
        self.shine(self.cut().ellipse(*centre, radius, radius).softened(radius * 0.43), colour, strength)

    def shade(self, cutout: Cutout, drop: Point, blur: float, opacity: float) -> None:
        """Lets the cutout cast a soft shadow on what lies beneath, as layered paper does."""
        shadow = self.cut()
        shadow.mask.paste(cutout.mask, (round(drop[0] * OVERSAMPLING), round(drop[1] * OVERSAMPLING)))
        self.lay(shadow.softened(blur), "#0a0c1e", opacity)

    def finished(self, rng: random.Random) -> Image.Image:
        """The picture in its own size, with a breath of grain that keeps the gradients from banding."""
        size = (self.width_px, self.height_px)
        grain = Image.frombytes("L", size, rng.randbytes(self.width_px * self.height_px))
        grain = grain.point([127 + value * 3 // 256 for value in range(256)])
        small = self.image.resize(size, Image.Resampling.LANCZOS)
        return ImageChops.add(small, Image.merge("RGB", [grain] * 3), offset=-128)

    def _painted(self, paint: Paint) -> Image.Image:
        if isinstance(paint, str):
            return Image.new("RGB", self.image.size, paint)
        height = self.image.height
        column = Image.new("RGB", (1, height))
        column.putdata([_colour_at(paint, y / height) for y in range(height)])
        return column.resize(self.image.size)


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]


def _thinned(cutout: Cutout, opacity: float) -> Image.Image:
    return cutout.mask.point([round(value * opacity) for value in range(256)])


def _channels(colour: str) -> tuple[int, ...]:
    return ImageColor.getrgb(colour)


def _colour_at(stops: Stops, place: float) -> tuple[int, ...]:
    """The gradient at this place, eased so that no stop shows as an edge."""
    before = max((stop for stop in stops if stop[0] <= place), default=stops[0])
    after = min((stop for stop in stops if stop[0] > place), default=stops[-1])
    share = (place - before[0]) / (after[0] - before[0]) if after[0] > before[0] else 0
    eased = share * share * (3 - 2 * share)
    ends = zip(_channels(before[1]), _channels(after[1]), strict=True)
    return tuple(round(start + (end - start) * eased) for start, end in ends)
