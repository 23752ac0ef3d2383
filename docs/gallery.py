"""The posters of the example manifests on the first page: pictures from clips that the emulator renders of them.

python -m docs.gallery [NAME ...]

Each picture says in its comment of which prompts and stills it is: a test compares that with the manifests.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import av
from PIL import Image, ImageOps

import kfpipe
from kfpipe.domain import LocalMedium, Take

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "docs" / "gallery"

GALLERY: Final = {
    "quickstart": ("quickstart.yaml",),
    "storyboard": ("storyboard.yaml",),
    "morphs": ("morphs.yaml",),
    "clients": ("clients/north.yaml", "clients/south.yaml", "clients/harbour.yaml"),
    "spreadsheet": ("spreadsheet/shots.yaml",),
}
"""The pictures, and the manifests that each is of."""

TILES: Final = 3
TILE_PX: Final = (320, 240)
REHEARSED: Final = kfpipe.Options(emulator=True)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        manifests = Path(folder) / "manifests"
        (Path(folder) / ".git").mkdir()  # what a project ends with: some manifests share stills beside their folder
        shutil.copytree(
            ROOT / "manifests", manifests, ignore=shutil.ignore_patterns("renders", ".kfpipe", "*.lock.json")
        )
        for name in sys.argv[1:] or GALLERY:
            picture(name, manifests).save(
                FOLDER / f"{name}.jpg", quality=80, optimize=True, comment=mark(name).encode("ascii")
            )


def picture(name: str, manifests: Path) -> Image.Image:
    """The tiles in a row, each from the middle of a clip, without its edge: the emulator writes there what it is."""
    strip = Image.new("RGB", (TILES * TILE_PX[0], TILE_PX[1]))
    for number, (project, take) in enumerate(shown(name, manifests)):
        kfpipe.run(project, select=take.id)
        with av.open(project.folder / take.output) as container:
            frames = [frame.to_image() for frame in container.decode(video=0)]
        strip.paste(ImageOps.fit(frames[len(frames) // 2], TILE_PX, bleed=0.09), (number * TILE_PX[0], 0))
    return strip


def shown(name: str, manifests: Path = ROOT / "manifests") -> list[tuple[kfpipe.Project, Take]]:
    """The takes of a picture: one a shot, spread over the film, without those that wait for another one's clip."""
    projects = [kfpipe.load(manifests / path, REHEARSED) for path in GALLERY[name]]
    each = TILES // len(projects)
    return [(project, take) for project in projects for take in _spread(_first_of_shots(project), each)]


def mark(name: str) -> str:
    """What the picture is of: the prompts and the stills of its takes."""
    words = [word for _, take in shown(name) for word in (take.request.prompt, *_digests(take))]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _digests(take: Take) -> list[str]:
    return [given.medium.sha256 for given in take.request.media if isinstance(given.medium, LocalMedium)]


def _first_of_shots(project: kfpipe.Project) -> list[Take]:
    takes = {take.shot_id: take for take in reversed(project.takes) if take.in_film and not take.sources}
    return [*reversed(takes.values())]


def _spread(takes: Sequence[Take], count: int) -> list[Take]:
    """So many of them, the first one first."""
    return [takes[number * len(takes) // count] for number in range(count)]


if __name__ == "__main__":
    main()
