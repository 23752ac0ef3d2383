"""The morphs: twelve paper tunnels, whose openings turn from one flower into the next while the hue goes round."""

import colorsys
import math
import random
from dataclasses import dataclass

from .paper import Cutout, Picture, Point

SIZE = (1280, 720)
SMALL = (960, 540)
"""As they are kept: they are soft, and lose nothing."""

CENTRE = (SIZE[0] / 2, SIZE[1] / 2)
SHEETS = 8
POINTS = 720


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An opening: a circle whose rim swings in and out."""

    petals: int
    depth: float  # how far the rim swings, as a share of the radius
    point: float = 0.0  # how sharp the petals are: round at 0, stars from about 0.5 on
    twist: float = 0.0  # turns of the whole, from the innermost sheet to the outermost
    stretch: float = 1.25  # width to height

    def rim(self, radius: float, turned: float) -> tuple[Point, ...]:
        """The opening of this radius, turned by so much of a full turn."""
        return tuple(self._at(2 * math.pi * step / POINTS, radius, turned) for step in range(POINTS))

    def _at(self, angle: float, radius: float, turned: float) -> Point:
        swing = math.cos(self.petals * (angle - 2 * math.pi * turned))
        sharp = 2 / math.pi * math.asin(swing)  # the same swing with corners
        here = radius * (1 + self.depth * (swing + (sharp - swing) * self.point))
        return CENTRE[0] + here * math.cos(angle) * self.stretch, CENTRE[1] + here * math.sin(angle)


FORMS = (
    Form(petals=1, depth=0.0),
    Form(petals=3, depth=0.12, twist=0.05),
    Form(petals=3, depth=0.3, twist=0.14),
    Form(petals=4, depth=0.2, point=1, twist=0.06, stretch=1.4),
    Form(petals=5, depth=0.26, twist=0.08),
    Form(petals=5, depth=0.3, point=1, twist=-0.05),
    Form(petals=6, depth=0.16, twist=-0.12),
    Form(petals=8, depth=0.22, twist=0.03),
    Form(petals=12, depth=0.14, point=0.8, twist=0.06),
    Form(petals=8, depth=0.24, point=1, twist=0.12),
    Form(petals=4, depth=0.16, twist=-0.14),
    Form(petals=2, depth=0.16, twist=-0.22, stretch=1.1),
)


def morph(number: int, rng: random.Random) -> Picture:
    """The still of this number, from 0; the one after the last is the first again."""
    form, hue = FORMS[number], 0.58 + number / len(FORMS)
    picture = Picture(*SIZE)
    picture.lay(_whole(picture), _colour(hue + 0.14, 0.2, 1.0))
    picture.glow(CENTRE, 170, "#fff6dc", 0.8)
    for sheet in range(SHEETS):
        share = sheet / (SHEETS - 1)
        turned = form.twist * share - 1 / (4 * form.petals)
        opening = picture.cut().polygon(*form.rim(62 + 330 * share**1.15, turned))
        paper = _whole(picture).without(opening)
        picture.shade(paper, (0, 7 + 6 * share), 9 + 6 * share, 0.34)
        lit = _colour(hue + 0.14 * (1 - share), 0.3 + 0.42 * share, 0.97 - 0.62 * share)
        shaded = _colour(hue + 0.14 * (1 - share) - 0.03, 0.4 + 0.4 * share, 0.86 - 0.62 * share)
        picture.lay(paper, ((0, lit), (1, shaded)))
        edge = picture.cut().line(*form.rim(62 + 330 * share**1.15, turned), width=1.4)
        picture.shine(edge.within(paper), _colour(hue + 0.1, 0.3, 1.0), 0.35)
    _dust(picture, rng)
    return picture


def _dust(picture: Picture, rng: random.Random) -> None:
    """A few bright motes, the same in all stills, that hold the picture still while it changes."""
    motes = picture.cut()
    for _ in range(26):
        x, y, size = rng.uniform(40, 1240), rng.uniform(30, 690), rng.uniform(0.8, 2.2)
        motes.ellipse(x, y, size, size, rng.uniform(0.3, 0.9))
    picture.shine(motes.softened(0.7), "#fff4d8", 0.7)


def _whole(picture: Picture) -> Cutout:
    return picture.cut().box(0, 0, *SIZE)


def _colour(hue: float, saturation: float, value: float) -> str:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in (red, green, blue))
