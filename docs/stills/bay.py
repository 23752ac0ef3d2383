"""The first pair: the bay before and after sunrise."""

import random

from .harbour import Place, boat, cloud, gulls, hump, lighthouse_tower, pine, ridge, sea, sky, sun
from .paper import Light, Picture

BEFORE_SUNRISE = Light(
    sky=((0, "#1d2450"), (0.28, "#46437e"), (0.46, "#a4698f"), (0.58, "#f0a383"), (0.62, "#fbc795")),
    sea=((0.6, "#e29a8b"), (0.68, "#8f6791"), (0.82, "#4a467d"), (1, "#262b58")),
    ambient="#7c76a8",
    haze="#c98a94",
    cloud="#6a5a90",
    glow="#ff9d6c",
    road=0.6,
    stars=0.9,
    lamps=True,
)
SUNRISE = Light(
    sky=((0, "#4f97c4"), (0.26, "#8fc3d6"), (0.44, "#f3dcb5"), (0.56, "#ffcb86"), (0.62, "#ffe3a6")),
    sea=((0.6, "#f7cf96"), (0.68, "#9dbcb8"), (0.82, "#4d93a8"), (1, "#256a86")),
    ambient="#ffefd6",
    haze="#f5d0a4",
    cloud="#fffaf0",
    glow="#ffd27d",
    road=0.9,
    sun=True,
)
HORIZON = 440.0
SUN_X = 720.0


def bay(light: Light, rng: random.Random) -> Picture:
    picture = Picture(1280, 720)
    sky(picture, light, rng, HORIZON, SUN_X)
    if light.sun:
        sun(picture, (SUN_X, 372), 43)
    for x, y, length in ((330, 200, 420), (960, 156, 360), (610, 272, 260), (1150, 290, 260), (110, 296, 240)):
        cloud(picture, light, rng, x, y, length)
    for left, right, rise, haze in (
        (-60, 700, hump(0.28, 150, 0.3), 0.72),
        (800, 1400, hump(0.7, 120, 0.34), 0.66),
        (-120, 480, hump(0.25, 112, 0.36), 0.42),
    ):
        hill = picture.cut().polygon(*ridge(rng, left, right, HORIZON + 1, rise))
        picture.lay(hill, light.on("#4a6f7a", haze=haze))
    sea(picture, light, rng, HORIZON, SUN_X)
    _hamlet(picture, light, rng)
    boat(picture, light, Place(560, 505, 46) if light.sun else Place(596, 486, 40))
    _headland(picture, light, rng)
    _meadow(picture, light, rng)
    if light.sun:
        gulls(picture, light, Place(500, 232, 15), Place(540, 212, 12), Place(568, 238, 10), Place(464, 254, 9))
    return picture


def _hamlet(picture: Picture, light: Light, rng: random.Random) -> None:
    """A few houses on the far shore, in the morning mist."""
    walls, roofs, panes = picture.cut(), picture.cut(), picture.cut()
    for number in range(9):
        x, foot, wide = 262 + 21 * number + rng.uniform(-6, 6), HORIZON + rng.uniform(0, 3), rng.uniform(11, 17)
        walls.box(x, foot - 9, x + wide, foot)
        roofs.polygon((x - 2, foot - 8), (x + wide / 2, foot - 17), (x + wide + 2, foot - 8))
        panes.box(x + wide * 0.3, foot - 7, x + wide * 0.55, foot - 3)
    picture.lay(walls, light.on("#f3e4d0", haze=0.3))
    picture.lay(roofs, light.on("#a4584c", haze=0.3))
    picture.lay(panes, light.lit("#ffd27a", "#5a5f78"))
    mist = picture.cut().ellipse(240, HORIZON + 2, 520, 7).ellipse(1120, HORIZON, 380, 8)
    picture.lay(mist.softened(6), light.haze, 0.5)
    if light.lamps:
        picture.shine(panes.softened(3), "#ffb65c")


def _headland(picture: Picture, light: Light, rng: random.Random) -> None:
    shore = 520
    outline = ridge(rng, 905, 1420, shore, lambda share: 92 * min(1, share * 4.2) ** 0.7)
    mirrored = [(x, shore + (shore - y) * 0.7) for x, y in outline]
    picture.lay(picture.cut().polygon(*mirrored).softened(5), light.sea[-1][1], 0.5)
    lamp = lighthouse_tower(picture, light, Place(1040, 440, 190))
    cliff = picture.cut().polygon(*outline)
    picture.lay(cliff, ((0.55, light.on("#7d9c70")), (0.62, light.on("#63706f")), (0.73, light.on("#39435a"))))
    facets = picture.cut()
    for _ in range(46):
        x, y, length = rng.uniform(900, 1290), rng.uniform(455, 520), rng.uniform(14, 54)
        tip = (x + length * 0.6, y + rng.uniform(4, 11))
        facets.polygon((x, y), (x + length, y + rng.uniform(-5, 2)), tip, value=rng.uniform(0.3, 1))
    picture.lay(facets.softened(0.6).within(cliff), light.on("#262c44"), 0.35)
    surf = picture.cut()
    for _ in range(40):
        surf.ellipse(rng.uniform(900, 1290), shore + rng.uniform(-1, 3), rng.uniform(8, 26), 1, rng.uniform(0.2, 0.9))
    picture.lay(surf.softened(0.6), light.on("#fff3e4"), 0.6)
    if light.lamps:
        picture.glow(lamp, 36, "#ffd58a")


def _meadow(picture: Picture, light: Light, rng: random.Random) -> None:
    far = ridge(rng, -160, 900, 735, lambda share: 150 * (1 - share) ** 1.3 + 14)
    near = ridge(rng, -220, 1340, 735, lambda share: 105 * (1 - share) ** 1.3 + 14)
    picture.lay(picture.cut().polygon(*far), light.on("#4f7a5c"))
    for place in (Place(66, 655, 300), Place(150, 668, 220), Place(232, 676, 150), Place(-6, 660, 240)):
        pine(picture, light, rng, place)
    picture.lay(picture.cut().polygon(*near), ((0.86, light.on("#3b6650")), (1, light.on("#234339"))))
