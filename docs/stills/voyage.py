"""The storyboard: one day of a small sailing boat, out to the island and home again."""

import random
from dataclasses import dataclass

from .bay import BEFORE_SUNRISE, SUNRISE
from .harbour import Place, boat, cloud, gulls, hump, lighthouse_tower, pine, ridge, sea, sky, sun
from .paper import Light, Picture, Point

NIGHT = Light(
    sky=((0, "#0b1233"), (0.3, "#1c2558"), (0.5, "#3a3b74"), (0.62, "#5c5588")),
    sea=((0.6, "#4c4c80"), (0.7, "#2d3468"), (0.84, "#1a2150"), (1, "#0f153a")),
    ambient="#6f74a8",
    haze="#474878",
    cloud="#343b72",
    glow="#8d8fd0",
    road=0.55,
    stars=1.0,
    lamps=True,
)
MORNING = Light(
    sky=((0, "#3f8fc9"), (0.3, "#86c3de"), (0.5, "#cfe6e0"), (0.62, "#f6ecd0")),
    sea=((0.6, "#cfe3dc"), (0.68, "#86bfcb"), (0.82, "#3d8fb0"), (1, "#1d6488")),
    ambient="#fff4e2",
    haze="#dcebe4",
    cloud="#ffffff",
    glow="#fff1c4",
    road=0.7,
    sun=True,
)
NOON = Light(
    sky=((0, "#2a7fc4"), (0.3, "#5fb0df"), (0.5, "#a9d9ea"), (0.62, "#dff1ee")),
    sea=((0.6, "#9fd6dc"), (0.68, "#4fb1c4"), (0.82, "#1f86ab"), (1, "#115f8a")),
    ambient="#ffffff",
    haze="#cfe8ee",
    cloud="#ffffff",
    glow="#ffffff",
    road=0.45,
    sun=True,
)
OVERCAST = Light(
    sky=((0, "#5c7390"), (0.3, "#8799ab"), (0.5, "#b3bcc0"), (0.62, "#d3d3cb")),
    sea=((0.6, "#b0bcbd"), (0.68, "#7f97a1"), (0.82, "#4c6d80"), (1, "#2e4c62")),
    ambient="#cfd3d6",
    haze="#b9c1c4",
    cloud="#7d8a9a",
    glow="#e9e6d8",
    road=0.25,
)
DOWNPOUR = Light(
    sky=((0, "#33445c"), (0.3, "#516276"), (0.5, "#73828f"), (0.62, "#929b9f")),
    sea=((0.6, "#7d8a90"), (0.68, "#566b79"), (0.82, "#344c60"), (1, "#1f3448")),
    ambient="#9aa5b0",
    haze="#87929a",
    cloud="#45546a",
    glow="#a9b3b8",
    road=0.1,
)
AFTERNOON = Light(
    sky=((0, "#4a86b8"), (0.3, "#8db5cb"), (0.5, "#d9d6bd"), (0.62, "#fbe3b0")),
    sea=((0.6, "#e6d5ae"), (0.68, "#96b3b0"), (0.82, "#447f97"), (1, "#235b78")),
    ambient="#ffefd2",
    haze="#ecdcb8",
    cloud="#c3c6cc",
    glow="#ffe09a",
    road=0.7,
    sun=True,
)
SUNSET = Light(
    sky=((0, "#3b4f86"), (0.25, "#7d6c97"), (0.45, "#d98a7f"), (0.56, "#fb9f62"), (0.62, "#ffc97a")),
    sea=((0.6, "#f9ac70"), (0.68, "#b8787c"), (0.82, "#5b5481"), (1, "#2e3562")),
    ambient="#e9b8a4",
    haze="#e39a7f",
    cloud="#8a6c90",
    glow="#ffb060",
    road=0.95,
    sun=True,
)
WIDTH_PX, HEIGHT_PX = 960, 540
HORIZON = 330.0
ISLAND_X = 2500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A keyframe. `pan` is how far the camera has moved to the right from the harbour, in pixels of what is near."""

    light: Light
    pan: float
    boat: Place
    sun: Point = (600, 330)
    clouds: int = 4
    gulls: Point | None = None
    has_moon: bool = False
    has_rain: bool = False
    has_rainbow: bool = False


VOYAGE = (
    Moment(light=NIGHT, pan=0, boat=Place(585, 420, 74), clouds=3, sun=(620, 330), has_moon=True),
    Moment(light=BEFORE_SUNRISE, pan=60, boat=Place(600, 416, 76), sun=(660, 330)),
    Moment(light=SUNRISE, pan=180, boat=Place(560, 420, 88), sun=(690, 282), gulls=(330, 190)),
    Moment(light=MORNING, pan=380, boat=Place(520, 436, 112), sun=(720, 170), gulls=(640, 120)),
    Moment(light=NOON, pan=1000, boat=Place(470, 452, 142), sun=(560, 82), clouds=6),
    Moment(light=NOON, pan=1700, boat=Place(380, 440, 120), sun=(420, 76), clouds=5, gulls=(560, 200)),
    Moment(light=MORNING, pan=2080, boat=Place(300, 416, 96), sun=(260, 130), gulls=(430, 170)),
    Moment(light=OVERCAST, pan=1980, boat=Place(330, 430, 104), sun=(300, 330), clouds=12),
    Moment(light=DOWNPOUR, pan=1300, boat=Place(470, 446, 130), sun=(420, 330), clouds=14, has_rain=True),
    Moment(light=AFTERNOON, pan=760, boat=Place(500, 444, 128), sun=(130, 196), clouds=7, has_rainbow=True),
    Moment(light=SUNSET, pan=150, boat=Place(560, 428, 100), sun=(760, 300), gulls=(420, 150)),
    Moment(light=NIGHT, pan=20, boat=Place(580, 420, 76), clouds=3, sun=(600, 330), has_moon=True),
)
"""The keyframes in order; of the same world, so that what stands still lines up from one to the next."""


def voyage(moment: Moment, rng: random.Random) -> Picture:
    picture, light = Picture(WIDTH_PX, HEIGHT_PX), moment.light
    sky(picture, light, rng, HORIZON, moment.sun[0])
    if light.sun:
        sun(picture, moment.sun, 30)
    if moment.has_moon:
        _moon(picture)
    _clouds(picture, moment)
    if moment.has_rainbow:
        _rainbow(picture)
    _far_hills(picture, moment)
    sea(picture, light, random.Random("sea"), HORIZON, moment.sun[0])  # noqa: S311  the same waves twice
    _island(picture, light, ISLAND_X - moment.pan)
    _harbour(picture, light, -moment.pan)
    boat(picture, light, moment.boat)
    if moment.has_rain:
        _rain(picture, rng)
    if moment.gulls is not None:
        x, y = moment.gulls
        gulls(picture, light, Place(x, y, 13), Place(x + 34, y - 16, 10), Place(x + 58, y + 6, 8))
    return picture


def _moon(picture: Picture) -> None:
    picture.glow((760, 96), 80, "#aab4ff", 0.4)
    crescent = picture.cut().ellipse(760, 96, 27, 27).without(picture.cut().ellipse(749, 90, 24, 24))
    picture.lay(crescent, "#fff3d2")


def _clouds(picture: Picture, moment: Moment) -> None:
    """They drift slower than the land, being far away; more of them when the weather turns."""
    for number in range(moment.clouds):
        own = random.Random(f"cloud {number}")  # noqa: S311  each keeps its shape
        x, y, length = own.uniform(0, 1240), own.uniform(60, 285), own.uniform(200, 380)
        cloud(picture, moment.light, own, (x - 0.12 * moment.pan) % 1240 - 140, y, length)


def _rainbow(picture: Picture) -> None:
    """Opposite the sun."""
    above = picture.cut().box(0, 0, WIDTH_PX, HORIZON)
    for number, colour in enumerate(("#f0604f", "#f7a34b", "#f6dc62", "#7cc77c", "#5aa2dc", "#8577c8")):
        radius = 286 - 8 * number
        arc = picture.cut().ellipse(680, 366, radius, radius)
        arc.without(picture.cut().ellipse(680, 366, radius - 8, radius - 8)).softened(2).within(above)
        picture.lay(arc, colour, 0.42)


def _far_hills(picture: Picture, moment: Moment) -> None:
    for number, (left, right, peak, tall) in enumerate(
        ((-80, 520, 0.3, 62), (360, 900, 0.6, 40), (760, 1320, 0.4, 70), (1180, 1700, 0.5, 46))
    ):
        own = random.Random(f"hill {number}")  # noqa: S311
        drift = 0.3 * moment.pan
        outline = ridge(own, left - drift, right - drift, HORIZON + 1, hump(peak, tall, 0.3))
        picture.lay(picture.cut().polygon(*outline), moment.light.on("#4a6f7a", haze=0.66 + 0.05 * (number % 2)))


def _harbour(picture: Picture, light: Light, left: float) -> None:
    """The headland with the lighthouse, a few houses, and the jetty where the boat lies at night."""
    if left < -620:
        return
    shore = 402
    outline = ridge(
        random.Random("headland"),  # noqa: S311
        left - 320,
        left + 440,
        shore,
        lambda share: 92 * min(1, (1 - share) * 3.2) ** 0.7,
        rough=0.1,
    )
    mirrored = [(x, shore + (shore - y) * 0.6) for x, y in outline]
    picture.lay(picture.cut().polygon(*mirrored).softened(4), light.sea[-1][1], 0.5)
    lamp = lighthouse_tower(picture, light, Place(left + 250, 322, 176))
    _houses(picture, light, left)
    cliff = picture.cut().polygon(*outline)
    picture.lay(cliff, ((0.56, light.on("#7d9c70")), (0.63, light.on("#63706f")), (0.75, light.on("#39435a"))))
    _jetty(picture, light, left)
    if light.lamps:
        picture.glow(lamp, 60, "#ffd083", 0.6)
        picture.glow(lamp, 17, "#fff4d4")


def _houses(picture: Picture, light: Light, left: float) -> None:
    walls, roofs, panes = picture.cut(), picture.cut(), picture.cut()
    for x, foot, wide in ((60, 316, 38), (112, 318, 30), (155, 320, 34), (8, 316, 32)):
        x += left
        walls.box(x, foot - 20, x + wide, foot + 6)
        roofs.polygon((x - 4, foot - 18), (x + wide / 2, foot - 38), (x + wide + 4, foot - 18))
        panes.box(x + wide * 0.2, foot - 14, x + wide * 0.4, foot - 4)
        panes.box(x + wide * 0.6, foot - 14, x + wide * 0.8, foot - 4)
    picture.lay(walls, light.on("#f3e4d0"))
    picture.lay(roofs, light.on("#a4584c"))
    picture.lay(panes, light.lit("#ffd27a", "#5a5f78"))
    if light.lamps:
        picture.shine(panes.softened(6), "#ffb65c", 0.7)


def _jetty(picture: Picture, light: Light, left: float) -> None:
    planks = picture.cut().box(left + 380, 404, left + 560, 409)
    for x in range(400, 561, 32):
        planks.box(left + x, 396, left + x + 4, 428)
    picture.lay(planks.softened(0.4), light.on("#6a5145"))


def _island(picture: Picture, light: Light, middle: float) -> None:
    """Low, sandy, with pines on its back."""
    if middle > WIDTH_PX + 400:
        return
    own, shore = random.Random("island"), 400  # noqa: S311
    outline = ridge(own, middle - 360, middle + 360, shore, hump(0.5, 66, 0.32), rough=0.12)
    mirrored = [(x, shore + (shore - y) * 0.6) for x, y in outline]
    picture.lay(picture.cut().polygon(*mirrored).softened(4), light.sea[-1][1], 0.45)
    pines = ((-120, 372, 70), (-70, 358, 96), (-20, 350, 120), (30, 350, 104), (84, 360, 84), (126, 374, 62))
    for dx, foot, tall in pines:
        pine(picture, light, own, Place(middle + dx, foot, tall))
    picture.lay(picture.cut().polygon(*outline), ((0.6, light.on("#8aa86a")), (0.72, light.on("#4f7a5c"))))
    sand = picture.cut().ellipse(middle, shore, 380, 9)
    picture.lay(sand.softened(1), light.on("#f0dcae"))


def _rain(picture: Picture, rng: random.Random) -> None:
    drops = picture.cut()
    for _ in range(420):
        x, y, length = rng.uniform(-40, WIDTH_PX), rng.uniform(-40, HEIGHT_PX), rng.uniform(14, 34)
        drops.line((x, y), (x + length * 0.28, y + length), width=0.9)
    picture.shine(drops.softened(0.5), "#dfe8ee", 0.34)
