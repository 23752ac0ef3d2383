"""Posters: a picture from the middle of each clip, to know it by before it plays; files of kfpipe's own."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

from kfpipe.files import durable
from kfpipe.files.durable import make_state_dir, storage

FOLDER: Final = "posters"
WIDTH_PX: Final = 480


class Posters:
    """The posters in a project's state folder."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the state folder."""
        self._folder = folder

    def of(self, clip: Path, sha256: str) -> Path:
        """The poster of the clip with this digest, a JPEG; cut from `clip` where there is none yet.

        Raises `BadRender` for a clip that cannot be decoded, StorageFailed.
        """
        target = self._folder / FOLDER / f"{sha256[:32]}.jpg"
        with storage(target):
            if target.is_symlink() or not target.is_file():
                make_state_dir(self._folder)
                durable.make_folder(target.parent)
                target.unlink(missing_ok=True)
                durable.replace(target, [_middle(clip)])
        return target


def _middle(clip: Path) -> bytes:
    import av  # slow to load, and only a new poster needs it

    from kfpipe.errors import BadRender

    try:
        with av.open(str(clip)) as file:
            if file.duration:
                file.seek(file.duration // 2)
            picture = next(file.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
    except (av.FFmpegError, StopIteration, IndexError) as error:
        raise BadRender(str(error)) from error
    picture.thumbnail((WIDTH_PX, WIDTH_PX * 4))
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=82)
    return written.getvalue()
