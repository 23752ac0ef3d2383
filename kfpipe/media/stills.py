"""What a picture file is, by its content: format, sides, alpha, and whether it is whole."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from kfpipe.errors import Unusable
from kfpipe.files.read import first_bytes
from kfpipe.media.facts import StillFacts

READ_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""What is opened at all: what a model may take, and what people give by mistake. Pillow knows many more, and runs a
program of the system to read some of them."""

_SAME_FORMAT = {"MPO": "JPEG"}  # a JPEG followed by a second picture, as phones write them
_SAVE_AGAIN = "save or copy the picture again"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_ALPHA_MODES = frozenset(["RGBA", "RGBa", "LA", "La", "PA"])


class StillUnreadable(Unusable):
    """The file is not a picture that can be used."""

    expected = "a JPEG, PNG, BMP or WEBP picture"


def read(path: Path) -> StillFacts:
    """The facts of the still, which was decoded to its last pixel once. Raises StillUnreadable, OSError.

    Pillow's own limit on pixels applies (about 89 million; the largest frame a model takes has 64 million), so that a
    small file cannot fill the memory.
    """
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise StillUnreadable("is empty", fix=_SAVE_AGAIN)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=READ_FORMATS) as picture:
                facts = _facts(picture, size_bytes)
                picture.load()
    except UnidentifiedImageError as error:
        raise _no_picture(path) from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise StillUnreadable("has too many pixels to be opened safely", fix="scale it down") from error
    except PermissionError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise StillUnreadable("is damaged or cut off", fix=_SAVE_AGAIN) from error
    return facts


def _no_picture(path: Path) -> StillUnreadable:
    if first_bytes(path, len(_LFS_POINTER)) == _LFS_POINTER:
        return StillUnreadable("is only a Git LFS pointer to the picture", fix="fetch it with `git lfs pull`")
    return StillUnreadable("is not a picture", fix="check the path")


def _facts(picture: Image.Image, size_bytes: int) -> StillFacts:
    kind = _SAME_FORMAT.get(picture.format or "", picture.format or "unknown")
    return StillFacts(
        format=kind,
        mime_type=Image.MIME.get(kind, "application/octet-stream"),
        width_px=picture.width,
        height_px=picture.height,
        size_bytes=size_bytes,
        alpha=picture.mode in _ALPHA_MODES or "transparency" in picture.info,
        animated=picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1,
    )
