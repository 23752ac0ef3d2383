"""Pictures and sound -> one MP4, whole or not at all; the same film gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import av
from av.container import OutputContainer
from av.video.frame import PictureType

from kfpipe.errors import Problem, Refused, StorageFailed
from kfpipe.media.video import opened
from kfpipe.review.film import pictures, sound
from kfpipe.review.film.conform import BT709, FORMAT
from kfpipe.review.film.edit import Edit

MARK: Final = "made by kfpipe export"
"""By this comment in it a film is known as one that may be replaced."""

_CONTAINER: Final = {"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact"}
_VIDEO: Final = {"preset": "veryfast", "crf": "17", "x264-params": "threads=4:lookahead-threads=1:rc-lookahead=10"}
"""As many threads on every machine: on them depends what is written."""

_SOUND_BITS: Final = 192_000
_KEY_PICTURE_S: Final = 2
_TIMESCALE: Final = 90_000


def write(edit: Edit, target: Path, folder: Path, music: Path | None, shown: Callable[[int], object]) -> None:
    """Encodes the film to `target`; `shown` hears how many pictures there are so far.

    Raises Refused for music that cannot be decoded, before anything else; for all the clips that cannot be decoded;
    StorageFailed.
    """
    if music is not None:
        sound.check_music(music, edit)
    try:
        with av.open(f"file:{target}", "w", format="mp4", options=_CONTAINER) as container:
            container.metadata.update({"title": edit.title, "comment": MARK})
            _encode(container, edit, folder, music, shown)
    except Refused as refusal:  # by the first clip; none is encoded twice to find the others
        raise Refused(_flaws(edit, folder) or refusal.problems) from refusal
    except (av.FFmpegError, OSError) as error:
        raise StorageFailed(str(target), error.strerror or str(error)) from error


def _flaws(edit: Edit, folder: Path) -> list[Problem]:
    """What is wrong with clips, one thing of each."""
    found = (*sound.flaws(edit, folder), *pictures.flaws(edit, folder))
    return [*{problem.file: problem for problem in found}.values()]


def is_film(path: Path) -> bool:
    """Whether the file is a film that `write` made. Raises OSError."""
    try:
        with closing(opened(path, "mov")) as file:
            return file.metadata.get("comment") == MARK
    except av.FFmpegError:
        return False


def _encode(
    container: OutputContainer, edit: Edit, folder: Path, music: Path | None, shown: Callable[[int], object]
) -> None:
    video = _video_stream(container, edit, is_bt709=pictures.said_bt709(edit, folder))
    audio: Any = container.add_stream("aac", rate=sound.SAMPLE_RATE, layout="stereo", options={"aac_coder": "fast"})
    audio.bit_rate, audio.codec_context.thread_count = _SOUND_BITS, 1
    audio.codec_context.flags |= av.codec.context.Flags.bitexact
    heard = sound.blocks(edit, folder, music)
    at = 0
    for number, frame in enumerate(pictures.frames(edit, folder)):
        frame.pict_type = PictureType.NONE  # else the encoder repeats what the clip's encoder chose
        frame.pts, frame.time_base = number, 1 / edit.rate
        container.mux(video.encode(frame))
        shown(number + 1)
        until = sound.samples_at(number + 1, edit)
        while at < until and (block := next(heard, None)) is not None:
            at += block.samples
            container.mux(audio.encode(block))
    for block in heard:
        container.mux(audio.encode(block))
    container.mux(video.encode(None))
    container.mux(audio.encode(None))


def _video_stream(container: OutputContainer, edit: Edit, *, is_bt709: bool) -> Any:
    video: Any = container.add_stream("libx264", rate=edit.rate, options=_VIDEO)
    video.width, video.height, video.pix_fmt = edit.size.width_px, edit.size.height_px, FORMAT
    context = video.codec_context
    context.time_base, context.gop_size = 1 / edit.rate, round(edit.rate * _KEY_PICTURE_S)
    context.thread_count = 4
    context.flags |= av.codec.context.Flags.bitexact
    if is_bt709:
        context.colorspace = context.color_primaries = context.color_trc = BT709
    return video
