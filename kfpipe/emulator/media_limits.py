"""The limits on the files of a request: what a frame, a clip or a sound may be."""

import math
from collections.abc import Mapping

import av
from PIL import Image

from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.display import as_shown
from kfpipe.emulator.film.pictures import PLACEHOLDER_PX
from kfpipe.emulator.film.scene import MediaFile, RemoteFile, StoredFile
from kfpipe.emulator.models import MEGABYTE, Model

_CLIP_LIMIT_BYTES = 100 * MEGABYTE
_CLIP_SIDE_PX = (240, 4096)
_CLIP_LENGTH_S = (2, 10)
_AUDIO_LIMIT_BYTES = 15 * MEGABYTE
_LONGEST_AUDIO_S = 30


def check(model: Model, role: str, file: MediaFile) -> None:
    """Raises `TaskRefused` for a file the role cannot take. A remote file is not checked."""
    if isinstance(file, RemoteFile):
        return
    if role == "first_clip":
        _check_clip(model, file)
    elif role == "driving_audio":
        _check_audio(model, file)
    else:
        _check_frame(model, role, file)


def shape(media: Mapping[str, MediaFile]) -> tuple[int, int]:
    """Width and height the output takes its shape from: the first frame's, the first clip's, or the only frame's."""
    if "first_clip" in media:
        clip = media["first_clip"]
        return PLACEHOLDER_PX if isinstance(clip, RemoteFile) else _clip_size(clip)
    file = media.get("first_frame") or media["last_frame"]
    return PLACEHOLDER_PX if isinstance(file, RemoteFile) else _picture_size(file)


def check_quotient(model: Model, media: Mapping[str, MediaFile]) -> None:
    """Raises `TaskRefused` where one still has too many pixels beside the other."""
    stills = [media[role] for role in ("first_frame", "last_frame") if role in media]
    totals = [math.prod(_picture_size(still)) for still in stills if isinstance(still, StoredFile)]
    if len(totals) == 2 and max(totals) > model.frames.pixel_quotient * min(totals):
        least, most = 1 / model.frames.pixel_quotient, model.frames.pixel_quotient
        message = f"the quotient of the frames' pixels is {totals[0] / totals[1]:.2f}, not {least:.2f} to {most:.2f}"
        raise TaskRefused("InvalidParameter", f"input.media: {message}")


def clip_length_s(media: Mapping[str, MediaFile]) -> float:
    """Seconds of the clip that is continued; 0 without one, or with one that cannot be read."""
    clip = media.get("first_clip")
    return _length_s("first_clip", clip) if isinstance(clip, StoredFile) else 0.0


def _check_frame(model: Model, role: str, file: StoredFile) -> None:
    rules = model.frames
    if file.size_bytes > rules.limit_mb * MEGABYTE:
        raise TaskRefused("InvalidFile.Size", f"{role}: the file is larger than {rules.limit_mb} MB")
    try:
        with Image.open(file.path, formats=rules.formats) as picture:
            has_alpha = picture.has_transparency_data
            size = picture.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise TaskRefused("InvalidImage.FileFormat", f"{role}: not a picture in {_listed(rules.formats)}") from error
    if has_alpha and not rules.takes_alpha:
        raise TaskRefused("InvalidImage.FileFormat", f"{role}: pictures with an alpha channel are not supported")
    _check_sides(role, size, rules.sides_px, "InvalidImage.ImageSize")
    _check_aspect(model, role, size)


def _listed(formats: tuple[str, ...]) -> str:
    return f"{', '.join(formats[:-1])} or {formats[-1]}"


def _check_clip(model: Model, file: StoredFile) -> None:
    if file.size_bytes > _CLIP_LIMIT_BYTES:
        raise TaskRefused("InvalidFile.Size", f"first_clip: the file is larger than {_CLIP_LIMIT_BYTES} bytes")
    size = _clip_size(file)
    _check_sides("first_clip", size, _CLIP_SIDE_PX, "InvalidFile.Resolution")
    _check_aspect(model, "first_clip", size)
    _check_length("first_clip", file, _CLIP_LENGTH_S)


def _check_audio(model: Model, file: StoredFile) -> None:
    if file.size_bytes > _AUDIO_LIMIT_BYTES:
        raise TaskRefused("InvalidURL", f"driving_audio: the file is larger than {_AUDIO_LIMIT_BYTES} bytes")
    _check_length("driving_audio", file, (model.shortest_audio_s, _LONGEST_AUDIO_S))


def _check_sides(role: str, size: tuple[int, int], allowed_px: tuple[int, int], code: str) -> None:
    least, most = allowed_px
    if not all(least <= side <= most for side in size):
        raise TaskRefused(code, f"{role}: {size[0]}x{size[1]} px; each side must be {least} to {most} px")


def _check_aspect(model: Model, role: str, size: tuple[int, int]) -> None:
    widest = model.frames.widest_aspect
    if max(size) > widest * min(size):
        raise TaskRefused("InvalidFile.AspectRatio", f"{role}: the sides differ more than 1:{widest:g}")


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
