"""Clips that outlive their emulator, so that a scene that was filmed once is not filmed again."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

_EDITION = 2
"""Rises when the same scene is drawn in another way."""


class Archive:
    """A folder that any number of emulators share, at the same time too; None keeps nothing.

    What it holds is only a saving of time: a folder that cannot be used is one in which nothing is found.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def lend(self, digest: str, target: Path) -> bool:
        """Copy the clip of this scene to `target`; false when there is none."""
        if self._folder is None:
            return False
        try:
            shutil.copyfile(self._place(self._folder, digest), target)
        except OSError:
            return False
        return True

    def keep(self, digest: str, clip: Path) -> None:
        """Take in a copy of the clip, whole or not at all."""
        if self._folder is None:
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as copy, clip.open("rb") as source:
                shutil.copyfileobj(source, copy)
            os.replace(copy.name, self._place(self._folder, digest))  # noqa: PTH105

    def _place(self, folder: Path, digest: str) -> Path:
        return folder / f"{_EDITION}-{digest}.mp4"
