"""Posters: a picture from the middle of each clip, to know it by before it plays; files of kfpipe's own.

A poster is named after the clip's content, cut when the clip is downloaded, and cut again where it is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, storage

FOLDER: Final = "posters"


class Posters:
    """The posters in a project's state folder."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the state folder."""
        self.folder = folder

    def of(self, clip: Path, sha256: str) -> Path:
        """The poster of the clip with this digest, a JPEG; cut from `clip` where there is none yet.

        Raises `BadRender` for a clip that cannot be decoded, StorageFailed.
        """
        target = self.place(sha256)
        if not is_there(target):
            from kfpipe.media import pictures, video  # PyAV is slow to load, and only a new poster needs it

            with storage(clip):
                picture = video.glimpse(clip).middle
            self.keep(sha256, pictures.poster(picture))
        return target

    def keep(self, sha256: str, jpeg: bytes) -> None:
        """Put the poster of the clip with this digest in its place. Raises StorageFailed."""
        target = self.place(sha256)
        with storage(target):
            make_state_dir(self.folder)
            durable.make_folder(target.parent)
            if target.is_symlink():
                target.unlink()
            durable.replace(target, [jpeg])

    def place(self, sha256: str) -> Path:
        """Where the poster of the clip with this digest is, or would be."""
        return self.folder / FOLDER / f"{sha256[:32]}.jpg"


def is_there(target: Path) -> bool:
    """Whether kfpipe has put a file there. A link is none of its own, wherever it leads."""
    return target.is_file() and not target.is_symlink()
