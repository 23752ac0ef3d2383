"""Draws the keyframe stills of the manifests: `python -m docs.stills [FOLDER]`.

One day in a harbour town, told in three frame pairs for `quickstart.yaml`, a day at sea in twelve keyframes for
`storyboard.yaml`, and twelve forms for `morphs.yaml`. A scene is a function of its moment: all its frames run through
the same drawing with the same seed, so everything that stands still lines up to the pixel. The same Pillow gives the
same bytes.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from .bay import BEFORE_SUNRISE, SUNRISE, bay
from .lighthouse import DUSK, NIGHTFALL, lighthouse
from .morphs import FORMS, SMALL, morph
from .street import BLUE_HOUR, EVENING, street
from .voyage import VOYAGE, voyage

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
PAIR_QUALITY, KEYFRAME_QUALITY = 86, 80
PAIRS = (
    ("dawn", bay, BEFORE_SUNRISE, SUNRISE),
    ("lighthouse", lighthouse, DUSK, NIGHTFALL),
    ("street", street, BLUE_HOUR, EVENING),
)


def draw(folder: Path) -> Iterator[Path]:
    """Writes all stills below `folder`: `dawn_a.jpg` begins a pair and `dawn_b.jpg` ends it, keyframes are numbered."""
    frames, morphs = folder / "frames", folder / "morphs"
    for place in (frames, morphs):
        place.mkdir(parents=True, exist_ok=True)
    for name, scene, first, last in PAIRS:
        for suffix, light in (("a", first), ("b", last)):
            rng = _seeded(name)
            yield _saved(scene(light, rng).finished(rng), frames / f"{name}_{suffix}.jpg", PAIR_QUALITY)
    for number, moment in enumerate(VOYAGE, start=1):
        rng = _seeded("voyage")
        yield _saved(voyage(moment, rng).finished(rng), frames / f"voyage_{number:02}.jpg", KEYFRAME_QUALITY)
    for number in range(len(FORMS)):
        rng = _seeded("morphs")
        still = morph(number, rng).finished(rng).resize(SMALL, Image.Resampling.LANCZOS)
        yield _saved(still, morphs / f"{number + 1:02}.jpg", KEYFRAME_QUALITY)


def _saved(still: Image.Image, path: Path, quality: int) -> Path:
    still.save(path, quality=quality, optimize=True, progressive=True)
    return path


def _seeded(name: str) -> random.Random:
    return random.Random(name)  # noqa: S311  the same stars twice are the point


if __name__ == "__main__":
    for written in draw(Path(sys.argv[1]) if len(sys.argv) > 1 else MANIFESTS):
        sys.stdout.write(f"{written}\n")
