"""The limits on the files of a request: what a frame, a clip or a sound may be."""

from collections.abc import Mapping

import av
from PIL import Image

from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.display import as_shown
from kfpipe.emulator.film.pictures import PLACEHOLDER_PX
from kfpipe.emulator.film.scene import MediaFile, RemoteFile, StoredFile
from kfpipe.emulator.models import MEGABYTE, Model

_FRAME_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
_CLIP_LIMIT_BYTES = 100 * MEGABYTE
_CLIP_SIDE_PX = (240, 4096)
_CLIP_LENGTH_S = (2, 10)
_AUDIO_LIMIT_BYTES = 15 * MEGABYTE
_AUDIO_LENGTH_S = (2, 30)


def check(model: Model, role: str, file: MediaFile) -> None:
    """Raises `TaskRefused` for a file the role cannot take. A remote file is not checked."""
    if isinstance(file, RemoteFile):
        return
    if role == "first_clip":
        _check_clip(model, file)
    elif role == "driving_audio":
        _check_audio(file)
    else:
        _check_frame(model, role, file)


def shape(media: Mapping[str, MediaFile]) -> tuple[int, int]:
    """Width and height the output takes its shape from: the first frame's, or the first clip's."""
    if "first_frame" in media:
        file = media["first_frame"]
        return PLACEHOLDER_PX if isinstance(file, RemoteFile) else _picture_size(file)
    clip = media["first_clip"]
    return PLACEHOLDER_PX if isinstance(clip, RemoteFile) else _clip_size(clip)


def clip_length_s(media: Mapping[str, MediaFile]) -> float:
    """Seconds of the clip that is continued; 0 without one, or with one that cannot be read."""
    clip = media.get("first_clip")
    return _length_s("first_clip", clip) if isinstance(clip, StoredFile) else 0.0


def _check_frame(model: Model, role: str, file: StoredFile) -> None:
    if file.size_bytes > model.frame_limit_bytes:
        raise TaskRefused("InvalidFile.Size", f"{role}: the file is larger than {model.frame_limit_bytes} bytes")
    try:
        with Image.open(file.path, formats=_FRAME_FORMATS) as picture:
            has_alpha = picture.has_transparency_data
            size = picture.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise TaskRefused("InvalidImage.FileFormat", f"{role}: not a JPEG, PNG, BMP or WEBP picture") from error
    if has_alpha:
        raise TaskRefused("InvalidImage.FileFormat", f"{role}: pictures with an alpha channel are not supported")
    _check_sides(role, size, model.frame_side_px, "InvalidImage.ImageSize")
    _check_aspect(model, role, size)


def _check_clip(model: Model, file: StoredFile) -> None:
    if file.size_bytes > _CLIP_LIMIT_BYTES:
        raise TaskRefused("InvalidFile.Size", f"first_clip: the file is larger than {_CLIP_LIMIT_BYTES} bytes")
    size = _clip_size(file)
    _check_sides("first_clip", size, _CLIP_SIDE_PX, "InvalidFile.Resolution")
    _check_aspect(model, "first_clip", size)
    _check_length("first_clip", file, _CLIP_LENGTH_S)


def _check_audio(file: StoredFile) -> None:
    if file.size_bytes > _AUDIO_LIMIT_BYTES:
        raise TaskRefused("InvalidURL", f"driving_audio: the file is larger than {_AUDIO_LIMIT_BYTES} bytes")
    _check_length("driving_audio", file, _AUDIO_LENGTH_S)


def _check_sides(role: str, size: tuple[int, int], allowed_px: tuple[int, int], code: str) -> None:
    least, most = allowed_px
    if not all(least <= side <= most for side in size):
        raise TaskRefused(code, f"{role}: {size[0]}x{size[1]} px; each side must be {least} to {most} px")


def _check_aspect(model: Model, role: str, size: tuple[int, int]) -> None:
    widest = model.widest_aspect
    if widest is not None and max(size) > widest * min(size):
        raise TaskRefused("InvalidFile.AspectRatio", f"{role}: the sides differ more than 1:{widest:.0f}")


def _check_length(role: str, file: StoredFile, allowed_s: tuple[int, int]) -> None:
    seconds = _length_s(role, file)
    least, most = allowed_s
    if not least <= seconds <= most:
        raise TaskRefused("InvalidFile.Duration", f"{role}: {seconds:.1f} s, not {least} to {most}")


def _picture_size(file: StoredFile) -> tuple[int, int]:
    with Image.open(file.path) as picture:
        return picture.size


def _clip_size(file: StoredFile) -> tuple[int, int]:
    try:
        with file.opened() as container:
            return as_shown(next(container.decode(video=0))).size
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise TaskRefused("InvalidFile.Openerror", "first_clip: not a video that can be opened") from error


def _length_s(role: str, file: StoredFile) -> float:
    try:
        with file.opened() as container:
            return (container.duration or 0) / av.time_base
    except av.FFmpegError as error:
        raise TaskRefused("InvalidFile.Openerror", f"{role}: not a file that can be opened") from error
