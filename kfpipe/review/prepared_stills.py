"""The stills that are not sent as they are, as files for people to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kfpipe.domain import LocalMedium, Original, Take
from kfpipe.errors import Refused
from kfpipe.files import durable, read
from kfpipe.files.durable import storage
from kfpipe.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStill:
    """A prepared still as it was written to `file`, and what it is made from."""

    file: Path
    original: Original
    width_px: int | None
    height_px: int | None


def write(project: Project, takes: Iterable[Take], folder: Path) -> tuple[ShownStill, ...]:
    """Copies each prepared still of the takes into the folder, under a name that tells its content and its recipe.

    Raises Refused for a folder that a link of the project leads to, StorageFailed.
    """
    if not folder.resolve().is_relative_to(project.root) and folder.absolute().is_relative_to(project.root):
        what = "leads out of the project through a symbolic link"
        raise Refused.because(str(folder), what, fix="delete that link, or name another folder")
    if folder.exists() and not folder.is_dir():
        raise Refused.because(str(folder), "is a file", expected="a folder", fix="name another one")
    media = (given.medium for take in takes for given in take.request.media)
    pictures = (medium for medium in media if isinstance(medium, LocalMedium) and medium.width_px is not None)
    prepared = {medium.digest: medium for medium in pictures}
    return tuple(
        _copied(project, medium, medium.original, folder) for medium in prepared.values() if medium.original is not None
    )


def _copied(project: Project, medium: LocalMedium, original: Original, folder: Path) -> ShownStill:
    source, name = PurePosixPath(medium.path), PurePosixPath(original.path).stem
    verbs = "-".join(word.split()[0] for word in original.recipe)
    target = folder / f"{name}.{verbs}.{medium.sha256[:8]}{source.suffix}"
    content = read.content(project.folder / source, original.path)
    with storage(target):
        durable.make_folder(folder)
        if target.is_symlink():
            target.unlink()
        durable.replace(target, [content])
    return ShownStill(file=target, original=original, width_px=medium.width_px, height_px=medium.height_px)
