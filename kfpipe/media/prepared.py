"""Stills that are not sent as they are, and slices of sounds: kfpipe's own files, made again when they are gone.

A file is named after the content it is made of and the recipe: what is there under that name is what would be made.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Final

from kfpipe.errors import Unusable
from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir
from kfpipe.lock.paths import STATE_DIR
from kfpipe.media.cache import DigestCache
from kfpipe.media.facts import PreparedSound, PreparedStill, Recipe, Recording, Still

FOLDER: Final = f"{STATE_DIR}/prepared"
_SUFFIXES: Final = (".jpg", ".png")


def prepared(original: Path, still: Still, recipe: Recipe, *, folder: Path, digests: DigestCache) -> PreparedStill:
    """What the recipe makes of the still at `original`, as a file under `folder`, the manifest's.

    Where it cannot be written, the picture is known all the same. Raises StillUnreadable, OSError for the original.
    """
    stem = _stem(still.sha256, recipe)
    for name in (stem + suffix for suffix in _SUFFIXES):
        known = _known(folder / name, digests)
        if known is not None:
            return PreparedStill(path=name, still=known)
    from kfpipe.media import darkroom  # Pillow is slow to load, and only a picture that is new here needs it

    picture = darkroom.developed(original, still.sha256, recipe)
    name = stem + picture.suffix
    with suppress(OSError):
        _keep(folder / name, picture.content)
    return PreparedStill(path=name, still=picture.still)


def sliced(original: Path, track: Recording, recipe: Recipe, *, folder: Path, digests: DigestCache) -> PreparedSound:
    """The slice of the sound at `original`, as a file under `folder`; where it cannot be written it is known too.

    Raises RecordingUnreadable, OSError for the original.
    """
    name = f"{_stem(track.sha256, recipe)}.wav"
    target = folder / name
    known = None if target.is_symlink() else digests.listen_whole(target)
    if known is not None:
        return PreparedSound(path=name, sound=known)
    from kfpipe.media import slices  # PyAV is slow to load, and only a slice that is new here needs it

    content = slices.cut(original, track.facts, recipe)
    if digests.listen(original) != track:
        raise Unusable("changed while it was read", fix="run the command again")
    with suppress(OSError):
        _keep(target, content)
    sound = Recording(facts=slices.facts_of(content), sha256=hashlib.sha256(content).hexdigest())
    return PreparedSound(path=name, sound=sound)


def _stem(sha256: str, recipe: Recipe) -> str:
    words = hashlib.sha256("+".join(recipe).encode()).hexdigest()
    return f"{FOLDER}/{sha256[:32]}.{words[:8]}"


def _known(target: Path, digests: DigestCache) -> Still | None:
    """What was made earlier, if it is whole. A link is none of kfpipe's files, wherever it leads."""
    return digests.look_whole(target) if target.is_file() and not target.is_symlink() else None


def _keep(target: Path, content: bytes) -> None:
    make_state_dir(target.parent.parent)
    durable.make_folder(target.parent)
    if target.is_symlink():
        target.unlink()
    durable.replace(target, [content])
