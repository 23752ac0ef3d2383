"""How the camera moves over the two pictures: the seed chooses the move, its direction, its reach and its pace.

Every move begins at rest on the whole of the first picture. It ends so on the last one, too, if there is one.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from kfpipe.emulator.film.yuv import Box

_REACH = (0.1, 0.18)  # how much larger the picture stands when the camera is closest
_DISSOLVE_AT = (0.42, 0.58)
_DISSOLVE_LENGTH = (0.5, 0.64)

Point = tuple[float, float]
Path = Callable[[float], Point]
"""Where the camera leans at a time from 0 to 1: a point from (0, 0), the upper left, to (1, 1), the lower right."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Progress is from 0 to 1, from the first frame to the last."""

    path: Path
    reach: float
    stays: bool  # whether it keeps its distance on its way, or turns back as soon as it is there
    settles: bool
    dissolve: tuple[float, float]  # the part of the clip in which one picture gives way to the other

    def view(self, progress: float) -> Box:
        """The part of the picture in view, in fractions of its sides."""
        side = 1 / (1 + self.reach * self._closeness(progress))
        x, y = self.path(progress)
        left, top = (1 - side) * x, (1 - side) * y
        return left, top, left + side, top + side

    def weight(self, progress: float) -> float:
        """How much of the last picture shows."""
        return eased(progress, *self.dissolve)

    def _closeness(self, progress: float) -> float:
        if not self.settles:
            return eased(progress, 0.0, 1.0)
        if self.stays:
            return eased(progress, 0.0, 0.4) * (1 - eased(progress, 0.6, 1.0))
        return math.sin(math.pi * progress) ** 2


def chosen(seed: int, seconds: int, *, settles: bool) -> Camera:
    """The camera of a seed: equal seeds move alike. A short clip is given a smaller move, lest it rushes."""
    rng = random.Random(seed)  # noqa: S311  not for secrets
    reach = rng.uniform(*_REACH) * min(1.0, 0.4 + 0.12 * seconds)
    middle, half = rng.uniform(*_DISSOLVE_AT), rng.uniform(*_DISSOLVE_LENGTH) / 2
    move = rng.choice((_push, _pan, _tilt, _drift, _arc, _cross))
    return Camera(
        path=move(rng), reach=reach, stays=move is not _push, settles=settles, dissolve=(middle - half, middle + half)
    )


def eased(progress: float, start: float, end: float) -> float:
    """0 up to `start`, 1 from `end` on, and a curve without a kink between them."""
    x = min(1.0, max(0.0, (progress - start) / (end - start)))
    return x * x * x * (x * (6 * x - 15) + 10)


def _push(rng: random.Random) -> Path:
    """In towards a point, and out again."""
    point = _around(rng.uniform(0, math.tau))
    return lambda progress: point


def _pan(rng: random.Random) -> Path:
    height = rng.uniform(0.3, 0.7)
    return _line(*_turned(rng, (0.04, height), (0.96, height)))


def _tilt(rng: random.Random) -> Path:
    across = rng.uniform(0.3, 0.7)
    return _line(*_turned(rng, (across, 0.02), (across, 0.98)))


def _drift(rng: random.Random) -> Path:
    """From one corner to the one across."""
    return _line(*_turned(rng, *rng.choice((((0.05, 0.05), (0.95, 0.95)), ((0.95, 0.05), (0.05, 0.95))))))


def _arc(rng: random.Random) -> Path:
    """Half around the middle."""
    start, turn = rng.uniform(0, math.tau), rng.choice((-math.pi, math.pi))
    return lambda progress: _around(start + turn * progress)


def _cross(rng: random.Random) -> Path:
    """In towards a point of the first picture, and over to another one of the last."""
    start = rng.uniform(0, math.tau)
    there, here = _around(start), _around(start + rng.uniform(0.6, 1.4) * math.pi)

    def path(progress: float) -> Point:
        way = eased(progress, 0.2, 0.8)
        return _between(there, here, way)

    return path


def _line(start: Point, end: Point) -> Path:
    return lambda progress: _between(start, end, progress)


def _between(start: Point, end: Point, way: float) -> Point:
    return start[0] + (end[0] - start[0]) * way, start[1] + (end[1] - start[1]) * way


def _around(angle: float) -> Point:
    """A point off the middle, further to the sides than up and down."""
    return 0.5 + 0.46 * math.cos(angle), 0.5 + 0.4 * math.sin(angle)


def _turned(rng: random.Random, start: Point, end: Point) -> tuple[Point, Point]:
    return (start, end) if rng.random() < 0.5 else (end, start)
