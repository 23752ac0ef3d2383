"""The film's pictures, one after another; of each clip only what is needed at the moment is in memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from kfpipe.errors import BadRender, Problem, Refused
from kfpipe.media.containers import container_of
from kfpipe.media.video import fraction, opened, videos
from kfpipe.review.film import slate
from kfpipe.review.film.conform import BT709, FORMAT, Conformer
from kfpipe.review.film.edit import Edit, Piece
from kfpipe.review.footage import Clip
from kfpipe.wording import echoed

_HALF: Final = Fraction(1, 2)

SLACK_S: Final = Fraction(1, 2)
"""By so much may a clip end before the length that is on record; its last picture stands in for the rest."""


def frames(edit: Edit, folder: Path) -> Iterator[VideoFrame]:
    """Every picture of the film in turn, `edit.frames` in all; paths of clips begin at `folder`.

    Raises Refused, with the clip's name, for one that cannot be decoded.
    """
    is_bt709 = said_bt709(edit, folder)
    before: Iterator[VideoFrame] = iter(())
    for piece in edit.pieces:
        now = _piece(edit, piece, folder, is_bt709=is_bt709)
        for place in range(piece.overlap):
            yield _blended(next(before), next(now), Fraction(place + 1, piece.overlap + 1))
        for _ in range(piece.frames - piece.overlap - edit.overlap_after(piece)):
            yield next(now)
        before = now
        gc.collect()  # a container and its streams hold each other, and with them the decoder's pictures


def flaws(edit: Edit, folder: Path) -> Iterator[Problem]:
    """What keeps the pictures of clips from being part of the film."""
    for piece in edit.pieces:
        try:
            for _ in _piece(edit, piece, folder, is_bt709=False):
                pass
        except Refused as refusal:
            yield from refusal.problems


def said_bt709(edit: Edit, folder: Path) -> bool:
    """Whether the film's colours are coded as in HDTV: those of its first clip are, and say so."""
    clip = next((piece.clip for piece in edit.pieces if piece.clip is not None), None)
    if clip is None:
        return False
    with clip_file(clip, folder) as file:
        return int(_video(file).codec_context.colorspace) == BT709


@contextmanager
def clip_file(clip: Clip, folder: Path) -> Iterator[InputContainer]:
    """The clip's file; what is wrong with it becomes Refused, with its name."""
    path = folder / clip.path
    try:
        container = container_of(path)
        if container is None:
            raise BadRender("the file is not an MP4, MOV or WebM")
        with closing(opened(path, container.demuxer)) as file:
            yield file
    except (av.FFmpegError, OSError) as error:
        raise _refused(clip, f"cannot be decoded: {error.strerror}") from error
    except BadRender as error:
        raise _refused(clip, f"cannot be part of the film: {error}") from error


def _refused(clip: Clip, what: str) -> Refused:
    fix = "restore the file, pick another take, or render it again"
    return Refused.because(clip.path, f"the clip of {echoed(clip.take.id)} {what}", fix=fix)


def _piece(edit: Edit, piece: Piece, folder: Path, *, is_bt709: bool) -> Iterator[VideoFrame]:
    """The piece's pictures, as many as it has frames."""
    if piece.clip is None:
        yield from repeat(_from_image(slate.drawn(edit, piece), is_bt709=is_bt709), piece.frames)
        return
    with clip_file(piece.clip, folder) as file:
        stream = _video(file)
        conformer = Conformer(edit.size, _pixel_aspect(stream), is_bt709=is_bt709)
        shown: VideoFrame | None = None
        made: VideoFrame | None = None
        for frame in _in_time(_decoded(file, stream), piece, piece.clip, edit.rate):
            if made is None or frame is not shown:
                shown, made = frame, conformer.conformed(frame)
            yield made


def _video(file: InputContainer) -> VideoStream:
    stream = next(iter(videos(file)), None)
    if stream is None or getattr(stream.codec_context, "name", None) is None:
        raise BadRender("there is no video in it that can be decoded")
    return stream


def _pixel_aspect(stream: VideoStream) -> Fraction | None:
    stated: Any = stream.codec_context.sample_aspect_ratio
    return fraction(stated) if stated else None


def _decoded(file: InputContainer, stream: VideoStream) -> Iterator[tuple[VideoFrame, Fraction]]:
    """Each picture with its time after the first one. Raises `BadRender`, av.FFmpegError."""
    stream.codec_context.thread_count = 1  # each thread holds pictures of its own
    stream.codec_context.options = {"err_detect": "explode"}  # else damage is painted over
    begins: Fraction | None = None
    for frame in file.decode(stream):
        if frame.is_corrupt:
            raise BadRender("it is damaged")
        if frame.pts is None or not frame.time_base:
            raise BadRender("its pictures have no times")
        at_s = frame.pts * fraction(frame.time_base)
        begins = at_s if begins is None else begins
        yield frame, at_s - begins


def _in_time(
    decoded: Iterator[tuple[VideoFrame, Fraction]], piece: Piece, clip: Clip, rate: Fraction
) -> Iterator[VideoFrame]:
    """For each frame of the piece the picture that is shown then, by the clip's own times; so nothing drifts.

    A time counts as reached half a frame before: files round theirs. The last picture is always the last one used.
    """
    start_s, end_s = piece.used.start / clip.rate, (piece.used.stop - _HALF) / clip.rate
    reached: VideoFrame | None = None
    ahead = next(decoded, None)
    for place in range(piece.frames):
        until_s = end_s if place == piece.frames - 1 else start_s + (place + _HALF) / rate
        last_s = Fraction(0)
        while ahead is not None and (ahead[1] < until_s or reached is None):
            reached, last_s = ahead
            ahead = next(decoded, None)
        if reached is None:
            raise BadRender("there is no picture in it")
        if ahead is None and last_s and last_s < end_s - SLACK_S:
            raise BadRender("it breaks off before its end")
        yield reached


def _from_image(picture: Image.Image, *, is_bt709: bool) -> VideoFrame:
    """A drawing as a picture of the film."""
    matrix = "ITU709" if is_bt709 else "ITU601"
    frames: Any = VideoFrame  # which the stubs leave untyped here
    made: VideoFrame = frames.from_image(picture).reformat(format=FORMAT, dst_colorspace=matrix)
    return made


def _blended(one: VideoFrame, other: VideoFrame, weight: Fraction) -> VideoFrame:
    """`one` under `other`, which shows by `weight`."""
    made = VideoFrame(one.width, one.height, FORMAT)
    for target, below, above in zip(made.planes, one.planes, other.planes, strict=True):
        pictures = (
            Image.frombuffer("L", (plane.line_size, plane.height), bytes(plane), "raw", "L", 0, 1)
            for plane in (below, above)
        )
        lower, upper = pictures
        mixed = Image.blend(_cropped(lower, target.width), _cropped(upper, target.width), float(weight))
        canvas = Image.new("L", (target.line_size, target.height))
        canvas.paste(mixed)
        target.update(canvas.tobytes().ljust(target.buffer_size, b"\0"))
    return made


def _cropped(picture: Image.Image, width: int) -> Image.Image:
    return picture.crop((0, 0, width, picture.height))
