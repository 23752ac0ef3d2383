"""The second pair: the lighthouse at dusk, its lamp dark and lit."""

import random

from .harbour import Place, boat, cloud, hump, lighthouse_tower, ridge, sea, sky, sun
from .paper import Cutout, Light, Picture, Point

DUSK = Light(
    sky=((0, "#3f6f97"), (0.25, "#7f9db0"), (0.45, "#e6b79a"), (0.6, "#f79a6b"), (0.68, "#ffc07f")),
    sea=((0.66, "#f0a57c"), (0.74, "#a67d8b"), (0.86, "#54648b"), (1, "#31466f")),
    ambient="#f0c9b8",
    haze="#eca888",
    cloud="#b99aa6",
    glow="#ffae6a",
    road=0.7,
    sun=True,
)
NIGHTFALL = Light(
    sky=((0, "#0c1436"), (0.3, "#232a60"), (0.5, "#54427d"), (0.62, "#96587f"), (0.68, "#c87a7c")),
    sea=((0.66, "#9a6385"), (0.74, "#50447c"), (0.86, "#262d60"), (1, "#121a40")),
    ambient="#7a78ad",
    haze="#7d5684",
    cloud="#453d75",
    glow="#d9706c",
    road=0.5,
    stars=1.0,
    lamps=True,
)
HORIZON = 690.0
SUN_X = 190.0
BRINK_X = 318.0  # where the cliff breaks off and its grass begins


def lighthouse(light: Light, rng: random.Random) -> Picture:
    picture = Picture(750, 1000)
    sky(picture, light, rng, HORIZON, SUN_X)
    if light.sun:
        sun(picture, (SUN_X, 664), 44)
    for x, y, length in ((170, 440, 320), (610, 370, 280), (70, 566, 260), (640, 552, 240), (300, 500, 180)):
        cloud(picture, light, rng, x, y, length)
    for left, right, rise, haze in ((-200, 420, hump(0.12, 60, 0.3), 0.7), (380, 950, hump(0.8, 74, 0.5), 0.6)):
        hill = picture.cut().polygon(*ridge(rng, left, right, HORIZON + 1, rise))
        picture.lay(hill, light.on("#4a5f7c", haze=haze))
    sea(picture, light, rng, HORIZON, SUN_X)
    boat(picture, light, Place(150, 770, 60) if light.lamps else Place(96, 752, 54))
    _cottage(picture, light)
    lamp = lighthouse_tower(picture, light, Place(430, 732, 505))
    _rock(picture, light, rng)
    if light.lamps:
        _beams(picture, lamp)
    return picture


def _rock(picture: Picture, light: Light, rng: random.Random) -> None:
    outline = ridge(rng, 205, 900, 1010, lambda share: 300 * min(1, share * 4.2) ** 0.6, rough=0.03)
    surf = picture.cut()
    for _ in range(70):
        x, y = 222 + rng.gauss(0, 24), rng.uniform(900, 1000)
        surf.ellipse(x, y, rng.uniform(8, 30), rng.uniform(0.8, 2), value=rng.uniform(0.3, 1))
    picture.lay(surf.softened(1), light.on("#fff3e4"), 0.6)
    rock = picture.cut().polygon(*outline)
    picture.lay(rock, ((0.72, light.on("#8c7d7c")), (0.86, light.on("#645c6c")), (1, light.on("#34364f"))))
    _facets(picture, light, rng, rock)
    _turf(picture, light, rng, [point for point in outline[1:-1] if point[0] > BRINK_X])


def _facets(picture: Picture, light: Light, rng: random.Random, rock: Cutout) -> None:
    """The broken face of the cliff: planes turned to the sunset, and away from it."""
    towards, away = picture.cut(), picture.cut()
    for _ in range(150):
        x, y, size = rng.uniform(200, 760), rng.uniform(770, 1010), rng.uniform(14, 52)
        ridge_top, ridge_foot = (x, y - size * 0.6), (x + rng.uniform(-6, 6), y + size * 0.5)
        towards.polygon(ridge_top, ridge_foot, (x - size * 0.8, y + rng.uniform(-4, 8)), value=rng.uniform(0.2, 1))
        away.polygon(ridge_top, ridge_foot, (x + size, y + rng.uniform(-4, 12)), value=rng.uniform(0.2, 1))
    picture.lay(away.softened(1).within(rock), light.on("#2b2c46"), 0.22)
    picture.lay(towards.softened(1).within(rock), light.haze, 0.13)


def _turf(picture: Picture, light: Light, rng: random.Random, edge: list[Point]) -> None:
    """Grass over the top of the cliff, hanging ragged over its brink."""
    hem = [(x, y + 56 * min(1, (x - BRINK_X) / 70) + rng.uniform(-7, 7)) for x, y in edge]
    turf = picture.cut().polygon(*edge, *reversed(hem))
    for x, y in edge * 3:
        root, lean, tall = x + rng.uniform(-2, 2), rng.uniform(-4, 4), rng.uniform(3, 9)
        turf.polygon((root - 1.4, y + 3), (root + lean, y - tall), (root + 1.4, y + 3))
    for x, y in hem[::2]:
        turf.polygon((x - 4, y - 3), (x + rng.uniform(-3, 3), y + rng.uniform(8, 22)), (x + 4, y - 3))
    picture.shade(turf, (0, 5), 4, 0.35)
    picture.lay(turf, ((0.69, light.on("#98ad6a")), (0.79, light.on("#4f6a50"))))


def _cottage(picture: Picture, light: Light) -> None:
    cream, panes = light.on("#f4e6d2"), picture.cut().box(574, 668, 596, 692).box(648, 668, 670, 692)
    picture.lay(picture.cut().box(640, 596, 658, 640), light.on("#b98a78"))
    picture.lay(picture.cut().box(556, 650, 690, 740), cream)
    picture.lay(picture.cut().polygon((542, 654), (566, 608), (680, 608), (704, 654)), light.on("#8c4a44"))
    picture.lay(picture.cut().box(611, 668, 633, 740), light.on("#3f6072"))
    picture.lay(panes, light.lit("#ffd27a", "#56627a"))
    bars = picture.cut().box(584, 668, 586, 692).box(658, 668, 660, 692)
    picture.lay(bars.box(574, 679, 596, 681).box(648, 679, 670, 681), cream)
    if light.lamps:
        picture.shine(panes.softened(11), "#ffb65c", 0.7)


def _beams(picture: Picture, lamp: Point) -> None:
    x, y = lamp
    slices = 48
    for spread, strength in ((0.13, 0.32), (0.07, 0.34)):
        beams = picture.cut()
        for step in range(slices):  # each a little fainter than the one before
            near, far = 620 * step / slices, 620 * (step + 1) / slices
            for side in (-1, 1):
                corners = ((near, -1), (far, -1), (far, 1), (near, 1))
                fan = [(x + side * away, y - 0.1 * away + edge * (5 + spread * away)) for away, edge in corners]
                beams.polygon(*fan, value=(1 - step / slices) ** 1.3)
        picture.shine(beams.softened(4), "#ffe9b4", strength)
    picture.glow(lamp, 95, "#ffd083", 0.6)
    picture.glow(lamp, 23, "#fff4d4")
