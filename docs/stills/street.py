"""The third pair: the street down to the harbour, cut from paper."""

import math
import random
from dataclasses import dataclass
from enum import Enum, auto

from .harbour import Place, boat, cloud, hump, lighthouse_tower, ridge, sea, sky
from .paper import Cutout, Light, Picture, Point

BLUE_HOUR = Light(
    sky=((0, "#5d78ae"), (0.3, "#94a0c8"), (0.55, "#e0b6bd"), (0.68, "#f6cdb4")),
    sea=((0.6, "#c3a6bb"), (0.75, "#7e87b0")),
    ambient="#d0c0d6",
    haze="#dcb8c4",
    cloud="#b9bcdc",
    glow="#ffc2a0",
    road=0.4,
)
EVENING = Light(
    sky=((0, "#0e1538"), (0.3, "#202a5e"), (0.55, "#453f7c"), (0.68, "#7b5687")),
    sea=((0.6, "#584a80"), (0.75, "#262c5c")),
    ambient="#7370a4",
    haze="#51497f",
    cloud="#3a4280",
    glow="#b5637c",
    road=0.3,
    stars=1.0,
    lamps=True,
)
HORIZON = 640.0
MIDDLE = 500.0


class Gable(Enum):
    STEEP = auto()
    STEPPED = auto()
    BELL = auto()

    def profile(self) -> list[Point]:
        """Its left half from the eaves to the top: (distance from the middle, height), both in shares."""
        match self:
            case Gable.STEEP:
                return [(1.0, 0.0), (0.0, 1.15)]
            case Gable.STEPPED:
                return [(1 - step / 5, (step + rise) / 5) for step in range(5) for rise in (0, 1)]
            case Gable.BELL:
                curve = [(1 - step / 20, 0.475 * (1 - math.cos(math.pi * (step / 20) ** 1.4))) for step in range(17)]
                return [*curve, (0.16, 1.0)]


@dataclass(frozen=True, slots=True)
class House:
    """A gabled front; edges and foot in pixels, `height` without the gable."""

    left: float
    foot: float
    width: float
    height: float
    gable: Gable
    columns: int
    rows: int
    wall: str
    trim: str

    @property
    def eaves(self) -> float:
        return self.foot - self.height

    @property
    def middle(self) -> float:
        return self.left + self.width / 2

    @property
    def outline(self) -> list[Point]:
        """The gable, from the left end of the eaves to the right one."""
        half, rise, profile = self.width / 2, self.width * 0.72, self.gable.profile()
        left = [(self.middle - half * side, self.eaves - rise * up) for side, up in profile]
        right = [(self.middle + half * side, self.eaves - rise * up) for side, up in reversed(profile)]
        return [*left, *right]


HOUSES = (  # back to front
    House(332, 800, 104, 250, Gable.STEEP, 2, 3, "#d9a98f", "#7d4a4e"),
    House(566, 800, 100, 226, Gable.STEPPED, 2, 3, "#c9c2a4", "#6b5a58"),
    House(222, 836, 150, 362, Gable.STEPPED, 2, 4, "#c5705a", "#6d3a40"),
    House(636, 836, 150, 330, Gable.BELL, 2, 4, "#7fa3a0", "#3f5866"),
    House(96, 876, 168, 400, Gable.BELL, 3, 4, "#e3c27e", "#8a5a48"),
    House(746, 876, 160, 440, Gable.STEEP, 2, 5, "#c98a9a", "#6a3d58"),
    House(-70, 930, 210, 540, Gable.STEEP, 3, 5, "#5f86a0", "#33475f"),
    House(866, 930, 210, 520, Gable.STEPPED, 3, 5, "#d98f5c", "#7a4038"),
)


def street(light: Light, rng: random.Random) -> Picture:
    picture = Picture(1000, 1000)
    sky(picture, light, rng, HORIZON, MIDDLE)
    _moon(picture, light)
    for x, y, length in ((230, 196, 300), (800, 116, 270), (540, 340, 230), (760, 262, 170)):
        cloud(picture, light, rng, x, y, length)
    _harbour_view(picture, light, rng)
    _cobbles(picture, light, rng)
    for house in HOUSES:
        _house(picture, light, rng, house)
    _bunting(picture, light, (262, 470), (748, 430), sag=70)
    _bunting(picture, light, (370, 575), (640, 560), sag=34)
    for x in (300, 700):
        _street_lamp(picture, light, x, foot=912, tall=250)
    _cat(picture, light, 598, 946)
    return picture


def _moon(picture: Picture, light: Light) -> None:
    if light.lamps:
        picture.glow((600, 168), 110, "#aab4ff", 0.4)
    crescent = picture.cut().ellipse(600, 168, 40, 40).without(picture.cut().ellipse(584, 160, 36, 36))
    picture.lay(crescent, "#fff3d2", 1 if light.lamps else 0.6)


def _harbour_view(picture: Picture, light: Light, rng: random.Random) -> None:
    hill = picture.cut().polygon(*ridge(rng, 250, 640, HORIZON + 1, hump(0.25, 50, 0.5)))
    picture.lay(hill, light.on("#5a6a90", haze=0.5))
    sea(picture, light, rng, HORIZON, MIDDLE)
    boat(picture, light, Place(464, 690, 60))
    lamp = lighthouse_tower(picture, light, Place(540, 632, 104), haze=0.3)
    picture.lay(picture.cut().polygon(*ridge(rng, 490, 720, 652, hump(0.5, 26, 0.4))), light.on("#4d5a78", haze=0.3))
    if light.lamps:
        picture.glow(lamp, 26, "#ffdf9a")


def _cobbles(picture: Picture, light: Light, rng: random.Random) -> None:
    ground = picture.cut().polygon((408, 742), (592, 742), (1180, 1000), (-180, 1000))
    picture.shade(ground, (0, -5), 5, 0.4)
    picture.lay(ground, ((0.74, light.on("#b9a7a6")), (0.88, light.on("#8d8394")), (1, light.on("#5f5a74"))))
    pale, dark = picture.cut(), picture.cut()
    for row in range(17):
        near = (row / 16) ** 1.5
        half_width = 92 + 560 * near
        for step in range(-18, 19):
            x, y = MIDDLE + (step + 0.5 * (row % 2)) * half_width / 13, 747 + (250 + 0.9 * abs(step)) * near
            stones = rng.choice((pale, dark))
            stones.ellipse(x, y, half_width / 30, 1.5 + 5.3 * near, value=rng.uniform(0.1, 0.9))
    picture.lay(pale.softened(0.5).within(ground), light.on("#dccbc4"), 0.4)
    picture.lay(dark.softened(0.5).within(ground), light.on("#4b4660"), 0.4)
    if light.lamps:
        pools = picture.cut().ellipse(300, 920, 190, 44).ellipse(700, 920, 190, 44).ellipse(MIDDLE, 800, 90, 26)
        picture.shine(pools.softened(24).within(ground), "#ffb45e", 0.45)


def _house(picture: Picture, light: Light, rng: random.Random, house: House) -> None:
    right = house.left + house.width
    front = picture.cut().box(house.left, house.eaves, right, house.foot).polygon(*house.outline)
    picture.shade(front, (0, 3), 9, 0.55)
    top, bottom = house.eaves / picture.height_px, house.foot / picture.height_px
    picture.lay(front, ((top, light.on(house.wall)), (bottom, light.on(house.wall, haze=0.22))))
    trim = picture.cut().line(*house.outline, width=house.width * 0.045)
    trim.box(house.left, house.eaves, right, house.eaves + 3).box(house.left, house.foot - 12, right, house.foot)
    picture.lay(trim, light.on(house.trim))
    _openings(picture, light, rng, house)


def _openings(picture: Picture, light: Light, rng: random.Random, house: House) -> None:
    """Windows, and a door on the side of the street's middle; not everybody is awake."""
    wide, tall = house.width / (house.columns * 2 + 1), house.height / (house.rows * 1.72 + 0.45)
    door = (house.columns - 1 if house.middle < MIDDLE else 0, house.rows - 1)
    frames, bars, leaf = picture.cut(), picture.cut(), picture.cut()
    yellow, amber, asleep = picture.cut(), picture.cut(), picture.cut()
    cells = [(column, row) for row in range(house.rows) for column in range(house.columns)]
    for column, row in cells:
        x, y = house.left + wide * (1 + 2 * column), house.eaves + tall * (0.45 + 1.72 * row)
        panes = rng.choices((yellow, amber, asleep), (5, 2, 2))[0]
        if (column, row) == door:
            frames.box(x - 4, y - 4, x + wide + 4, house.foot)
            yellow.box(x, y, x + wide, y + tall * 0.3)
            leaf.box(x, y + tall * 0.36, x + wide, house.foot)
        else:
            _window(x, y, wide, tall, frames, panes, bars)
    _window(house.middle - wide * 0.36, house.eaves - house.width * 0.34, wide * 0.72, tall * 0.8, frames, yellow, bars)
    glass = "#5d648c"
    for cutout, colour in (
        (frames, light.on(house.trim)),
        (leaf, light.on(house.trim, haze=0.25)),
        (asleep, light.on(glass)),
        (yellow, light.lit("#ffd384", glass)),
        (amber, light.lit("#f7b25c", glass)),
        (bars, light.on(house.trim)),
    ):
        picture.lay(cutout, colour)
    if light.lamps:
        picture.shine(yellow.softened(9), "#ff9d3c", 0.55)
        picture.shine(amber.softened(9), "#ff8a32", 0.45)


def _window(x: float, y: float, wide: float, tall: float, frames: Cutout, panes: Cutout, bars: Cutout) -> None:
    frames.box(x - 3, y - 3, x + wide + 3, y + tall + 3).box(x - 5, y + tall + 2, x + wide + 5, y + tall + 6)
    panes.box(x, y, x + wide, y + tall)
    bars.box(x + wide / 2 - 1, y, x + wide / 2 + 1, y + tall).box(x, y + tall * 0.36, x + wide, y + tall * 0.36 + 2)


def _bunting(picture: Picture, light: Light, start: Point, end: Point, *, sag: float) -> None:
    """Flags on a string across the street."""
    colours = ("#d9614f", "#f0d7a4", "#5f93a3", "#e2a24f")
    (x0, y0), (x1, y1) = start, end
    shares = [step / 24 for step in range(25)]
    string = [(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share + 4 * sag * share * (1 - share)) for share in shares]
    picture.lay(picture.cut().line(*string, width=1.4), light.on("#3a3550"))
    size = (x1 - x0) / 62
    for number, (x, y) in enumerate(string[1:-1:2]):
        flag = picture.cut().polygon((x - size, y), (x + size, y), (x, y + size * 2.3))
        picture.lay(flag, light.on(colours[number % len(colours)]))


def _street_lamp(picture: Picture, light: Light, x: float, *, foot: float, tall: float) -> None:
    top = foot - tall
    post = picture.cut().box(x - 3, top + 34, x + 3, foot).box(x - 8, foot - 26, x + 8, foot)
    post.box(x - 13, foot - 6, x + 13, foot).polygon((x - 9, top + 34), (x + 9, top + 34), (x, top + 44))
    post.polygon((x - 17, top), (x, top - 17), (x + 17, top)).ellipse(x, top - 18, 3, 3)
    picture.shade(post, (5, 3), 4, 0.35)
    glass = picture.cut().polygon((x - 14, top), (x + 14, top), (x + 9, top + 34), (x - 9, top + 34))
    picture.lay(glass, light.lit("#fff0c0", "#9fb0c0"))
    picture.lay(post.line((x, top), (x, top + 34), width=1.6), light.on("#2c2c42"))
    if light.lamps:
        picture.glow((x, top + 16), 84, "#ffb455", 0.75)
        picture.glow((x, top + 18), 17, "#fff0c4")


def _cat(picture: Picture, light: Light, x: float, foot: float) -> None:
    """Seen from behind, watching the harbour."""
    cat = picture.cut().ellipse(x, foot - 15, 13, 16).ellipse(x, foot - 36, 9.5, 8.5)
    for side in (-1, 1):
        cat.polygon((x + side * 9, foot - 38), (x + side * 7, foot - 50), (x + side, foot - 42))
    for bend in range(12):  # the tail, as a string of beads
        turn = math.pi * 0.75 * bend / 11
        cat.ellipse(x + 10 + 14 * math.sin(turn), foot - 14 + 10 * math.cos(turn), 2.4, 2.4)
    picture.lay(picture.cut().ellipse(x + 4, foot, 24, 5).softened(3), "#0a0c1e", 0.5)
    picture.lay(cat, light.on("#2b2838"))
