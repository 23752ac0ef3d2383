"""Draws the six keyframe stills of `manifests/quickstart.yaml`: `python -m docs.stills [FOLDER]`.

One day in a harbour town, told in three frame pairs. A scene is a function of its light: both frames of a pair
run through the same drawing with the same seed, so everything that stands still lines up to the pixel.
The same Pillow gives the same bytes.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from .bay import BEFORE_SUNRISE, SUNRISE, bay
from .lighthouse import DUSK, NIGHTFALL, lighthouse
from .street import BLUE_HOUR, EVENING, street

FRAMES = Path(__file__).resolve().parents[2] / "manifests" / "frames"
JPEG_QUALITY = 86
SCENES = (
    ("dawn", bay, BEFORE_SUNRISE, SUNRISE),
    ("lighthouse", lighthouse, DUSK, NIGHTFALL),
    ("street", street, BLUE_HOUR, EVENING),
)


def draw(folder: Path) -> Iterator[Path]:
    """Writes the three pairs into `folder`: first frames end in `_a`, last frames in `_b`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, scene, first, last in SCENES:
        for suffix, light in (("a", first), ("b", last)):
            rng = random.Random(name)  # noqa: S311  the same stars twice are the point
            path = folder / f"{name}_{suffix}.jpg"
            scene(light, rng).finished(rng).save(path, quality=JPEG_QUALITY, optimize=True, progressive=True)
            yield path


if __name__ == "__main__":
    for written in draw(Path(sys.argv[1]) if len(sys.argv) > 1 else FRAMES):
        sys.stdout.write(f"{written}\n")
