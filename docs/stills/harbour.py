"""What the scenes share: sky and clouds, hills and pines, the sea, the boat, gulls, the lighthouse."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from .paper import Cutout, Light, Picture, Point


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing stands, and how tall it is in pixels; its own corners are (right, up) in shares of that."""

    x: float
    foot: float
    tall: float

    def at(self, *corners: Point) -> list[Point]:
        return [(self.x + self.tall * right, self.foot - self.tall * up) for right, up in corners]


def ridge(
    rng: random.Random, left: float, right: float, base: float, rise: Callable[[float], float], rough: float = 0.16
) -> list[Point]:
    """The outline of a hill from `left` to `right`: as high as `rise` says at each share of the way, and roughened."""
    waves = [(2**octave * rng.uniform(1.5, 2.5), rng.uniform(0, math.tau), 0.5**octave) for octave in range(5)]

    def height(share: float) -> float:
        return rise(share) * (1 + rough * sum(by * math.sin(math.tau * pace * share + at) for pace, at, by in waves))

    shares = [step / 240 for step in range(241)]
    return [(left, base), *((left + (right - left) * share, base - height(share)) for share in shares), (right, base)]


def hump(peak: float, tall: float, spread: float) -> Callable[[float], float]:
    """A lone hill for `ridge`; `peak` and `spread` are shares of its way, `tall` is pixels."""
    return lambda share: tall * math.exp(-(((share - peak) / spread) ** 2))


def sky(picture: Picture, light: Light, rng: random.Random, horizon: float, glow_x: float) -> None:
    picture.lay(picture.cut().box(0, 0, picture.width_px, picture.height_px), light.sky)
    stars = picture.cut()
    for _ in range(130):
        x, y = rng.uniform(0, picture.width_px), horizon * rng.random() ** 1.4 * 0.85
        size = rng.uniform(0.5, 1.0) if rng.random() < 0.85 else rng.uniform(1.2, 1.7)
        stars.ellipse(x, y, size, size, value=rng.uniform(0.3, 1) * (1 - 0.9 * y / horizon))
    picture.shine(stars, "#fff6e0", light.stars)
    for radius in (330, 150):
        glow = picture.cut().ellipse(glow_x, horizon, radius * 1.5, radius * 0.62).softened(radius * 0.42)
        picture.shine(glow, light.glow, 0.35)


def sun(picture: Picture, centre: Point, radius: float) -> None:
    picture.glow(centre, radius * 2.8, "#ffdf9a", 0.75)
    picture.lay(picture.cut().ellipse(*centre, radius, radius), "#fff8df")


def cloud(picture: Picture, light: Light, rng: random.Random, x: float, y: float, length: float) -> None:
    """A flat-bottomed cloud resting on `y`, lit from below, with a streak drifting off it."""
    tall = length * 0.09
    puffs = picture.cut()
    for _ in range(26):
        along = rng.uniform(-0.5, 0.5)
        swell = tall * (1 - (2 * along) ** 2) * rng.uniform(0.5, 1) + 2
        puffs.ellipse(x + along * length * 0.8, y, length * rng.uniform(0.05, 0.13), swell)
    puffs.within(picture.cut().box(0, 0, picture.width_px, y))
    puffs.ellipse(x - length * 0.08, y, length * 0.6, 2.6).ellipse(x + length * 0.24, y + 8, length * 0.34, 1.8)
    top, bottom = (y - tall) / picture.height_px, y / picture.height_px
    picture.lay(puffs.softened(1.4), ((top, light.cloud), (bottom, light.haze)), 0.62)


def sea(picture: Picture, light: Light, rng: random.Random, horizon: float, road_x: float) -> None:
    """Water from the horizon down, rippled, with the road of light below `road_x`."""
    depth = picture.height_px - horizon
    water = picture.cut().box(0, horizon, picture.width_px, picture.height_px)
    picture.lay(water, light.sea)
    picture.shine(picture.cut().ellipse(road_x, horizon, 420, depth * 0.4).softened(50).within(water), light.glow, 0.28)
    troughs, crests, glitter = picture.cut(), picture.cut(), picture.cut()
    for _ in range(560):
        near = rng.random() ** 1.7
        x, y = rng.uniform(-60, picture.width_px + 60), horizon + 3 + near * depth
        ripple = rng.choice((troughs, crests))
        ripple.ellipse(x, y, 6 + 95 * near * rng.random(), 0.5 + 1.4 * near, value=rng.uniform(0.2, 1))
    for _ in range(480):
        near = rng.random() ** 1.5
        x, y = road_x + rng.gauss(0, 15 + 60 * near), horizon + 2 + near * depth
        glitter.ellipse(x, y, 4 + 34 * near * rng.random(), 0.6 + 1.1 * near, value=rng.uniform(0.4, 1))
    picture.lay(troughs.softened(0.6), light.sea[-1][1], 0.42)
    picture.lay(crests.softened(0.6), light.haze, 0.22)
    picture.shine(glitter.softened(0.5), light.glow, light.road)


def boat(picture: Picture, light: Light, place: Place) -> None:
    """A small sailing boat, as tall as its mast."""
    mirror = picture.cut().polygon(*place.at((-0.3, 0), (0.36, 0), (0.1, -0.8)))
    picture.lay(mirror.softened(place.tall * 0.05), light.sea[-1][1], 0.45)
    hull = ((-0.42, 0.12), (0.46, 0.14), (0.3, -0.04), (-0.3, -0.04))
    for corners, colour in (
        (((-0.02, 0.16), (-0.02, 1), (-0.34, 0.2)), "#f6dcc0"),
        (((0.02, 0.14), (0.02, 0.96), (0.4, 0.18)), "#fff6ea"),
        (hull, "#b0473c"),
    ):
        picture.lay(picture.cut().polygon(*place.at(*corners)), light.on(colour))
    if light.lamps:
        (lantern,) = place.at((0, 0.22))
        picture.glow(lantern, place.tall * 0.22, "#ffcf7a")
        picture.glow(lantern, place.tall * 0.05, "#ffe2a0")


def lighthouse_tower(picture: Picture, light: Light, place: Place, haze: float = 0.0) -> Point:
    """The lighthouse; returns where its lamp is."""
    shaft = _shaft(picture, place, 0, 0.76)
    picture.lay(shaft, light.on("#fbf3e6", haze=haze))
    for low, high in ((0.1, 0.26), (0.42, 0.58)):
        picture.lay(_shaft(picture, place, low, high), light.on("#d2553f", haze=haze))
    slits = picture.cut()
    for up in (0.2, 0.36, 0.52, 0.67):
        arch = ((-0.009, up), (0.009, up), (0.009, up + 0.04), (0, up + 0.048), (-0.009, up + 0.04))
        slits.polygon(*place.at(*arch))
    picture.lay(slits, light.lit("#ffd27a", "#39364d"))
    lee = picture.cut().polygon(*place.at((0.02, 0), (0.3, 0), (0.3, 0.8), (0.01, 0.8)))
    picture.lay(lee.softened(place.tall * 0.022).within(shaft), light.on("#3a3560"), 0.5)
    _lantern_room(picture, light, place, haze)
    (lamp,) = place.at((0, 0.84))
    return lamp


def _shaft(picture: Picture, place: Place, low: float, high: float) -> Cutout:
    """A length of the tower between two heights; it flares towards its foot."""
    ups = [low + (high - low) * step / 12 for step in range(13)]
    edge = [(0.066 + 0.055 * max(0, 1 - up / 0.76) ** 1.6, up) for up in ups]
    return picture.cut().polygon(*place.at(*edge, *((-side, up) for side, up in reversed(edge))))


def _lantern_room(picture: Picture, light: Light, place: Place, haze: float) -> None:
    gallery = ((-0.07, 0.745), (0.07, 0.745), (0.098, 0.785), (-0.098, 0.785))
    glass = ((-0.05, 0.785), (0.05, 0.785), (0.05, 0.89), (-0.05, 0.89))
    picture.lay(picture.cut().polygon(*place.at(*glass)), light.lit("#ffe7a6", "#a9c6cf"))
    iron = picture.cut().polygon(*place.at(*gallery))
    iron.line(*place.at((-0.095, 0.825), (0.095, 0.825)), width=place.tall * 0.005)
    for step in range(9):
        side = -0.095 + 0.19 * step / 8
        iron.line(*place.at((side, 0.785), (side, 0.825)), width=place.tall * 0.005)
    for side in (-0.05, -0.017, 0.017, 0.05):
        iron.line(*place.at((side, 0.785), (side, 0.89)), width=place.tall * 0.006)
    picture.lay(iron, light.on("#3b3850", haze=haze))
    eaves = ((0.066, 0.888), (0.05, 0.925), (0.018, 0.955))
    dome = place.at(*eaves, (0, 0.963), *((-side, up) for side, up in reversed(eaves)))
    roof = picture.cut().polygon(*dome).line(*place.at((0, 0.95), (0, 1)), width=place.tall * 0.008)
    picture.lay(roof, light.on("#9c3a33", haze=haze))


def pine(picture: Picture, light: Light, rng: random.Random, place: Place) -> None:
    pine = picture.cut().polygon(*place.at((-0.018, 0.3), (0.018, 0.3), (0.018, -0.1), (-0.018, -0.1)))
    for tier in range(11):
        up = 0.12 + 0.8 * tier / 11
        reach = 0.23 * (1 - up) ** 0.8 + 0.012
        left, right = -reach * rng.uniform(0.8, 1.1), reach * rng.uniform(0.8, 1.1)
        tips = ((left, up - 0.03), (left * 0.4, up), (0, up - 0.015), (right * 0.4, up), (right, up - 0.03))
        pine.polygon(*place.at(*tips, (0, up + 0.17)))
    picture.lay(pine, light.on("#21433f"))


def gulls(picture: Picture, light: Light, *places: Place) -> None:
    birds = picture.cut()
    for place in places:
        birds.line(*place.at((-1, 0.3), (-0.6, 0.5), (-0.25, 0.36), (0, 0)), width=1.6)
        birds.line(*place.at((1, 0.3), (0.6, 0.5), (0.25, 0.36), (0, 0)), width=1.6)
    picture.lay(birds, light.on("#4c4a5e"))
