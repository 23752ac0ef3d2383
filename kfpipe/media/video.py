"""What a video file really holds, found by decoding it; its name and headers are not trusted."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kfpipe.domain import FrameEnd
from kfpipe.errors import BadRender
from kfpipe.media.facts import ClipFacts, Expected

RATIO_TOLERANCE: Final = 0.05
"""The service rounds both sides down to multiples of 16. Source: API reference, 10.3."""

SECONDS_TOLERANCE: Final = 0.5
"""Exact lengths are not documented: 6.000 or 5.97. Source: API reference, 10.1."""

LONGEST_SIDE_PX: Final = 8192

_ANY_TITLE: Final[dict[str, Any]] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
"""Titles and comments need not be UTF-8. PyAV accepts any from release 19 on, earlier ones only with this option."""


def check_clip(path: Path, expected: Expected) -> ClipFacts:
    """What the file holds, when it is the clip that was asked for: MP4, H.264, whole from first to last picture.

    Raises `BadRender` with the reason, OSError when the file cannot be read.
    """
    path.stat()  # a missing file is a different problem from a damaged one
    try:
        with closing(_opened(path)) as container:
            stream = _video(container)
            facts = _facts(container, stream)
            _compare(facts, expected)
            _decode_ends(container, stream, facts)
    except av.FFmpegError as error:
        raise BadRender(f"the file is damaged: {error.strerror}") from error
    return facts


def picture(path: Path, end: FrameEnd) -> VideoFrame:
    """The clip's first or last picture. Raises `BadRender`, OSError."""
    path.stat()
    try:
        with closing(_opened(path)) as container:
            stream = _video(container)
            return _first(container, stream) if end is FrameEnd.FIRST else _last(container, stream)
    except av.FFmpegError as error:
        raise BadRender(f"the file is damaged: {error.strerror}") from error


def opened(path: Path, demuxer: str) -> InputContainer:
    """The file, only as what it says it is, and from the disk: a playlist in disguise could name other files and
    addresses. Raises av.FFmpegError.
    """
    container: InputContainer = av.open(f"file:{path}", mode="r", format=demuxer, **_ANY_TITLE)
    return container


def _opened(path: Path) -> InputContainer:
    try:
        return opened(path, "mp4")
    except av.FFmpegError as error:
        raise BadRender("the file is not a complete MP4") from error


def _video(container: InputContainer) -> VideoStream:
    streams = container.streams.video
    if len(streams) != 1:
        raise BadRender(f"the file has {len(streams)} video streams instead of one")
    codec = getattr(streams[0].codec_context, "name", "something unknown")  # None, whatever the stubs say
    if codec != "h264":
        raise BadRender(f"the video is encoded as {codec} instead of h264")
    return streams[0]


def _facts(container: InputContainer, stream: VideoStream) -> ClipFacts:
    """What the container says of its video, as far as that can be believed. Raises `BadRender`."""
    rate = stream.average_rate
    if not stream.duration or not stream.time_base or not rate:
        raise BadRender("the file does not state the length of its video")
    if not (0 < stream.width <= LONGEST_SIDE_PX and 0 < stream.height <= LONGEST_SIDE_PX):
        raise BadRender(f"a picture of {stream.width}x{stream.height} px is not plausible")
    return ClipFacts(
        width_px=stream.width,
        height_px=stream.height,
        fps=_decimal(Fraction(rate.numerator, rate.denominator)),  # PyAV 19 has rationals of its own
        duration_s=_decimal(stream.duration * stream.time_base),
        audio=len(container.streams.audio) > 0,
    )


def _decimal(number: Fraction) -> Decimal:
    return Decimal(round(number * 1000)) / 1000


def _compare(facts: ClipFacts, expected: Expected) -> None:
    """Raises `BadRender` when length or shape are not what was asked for; sizes may differ, shapes may not."""
    if min(abs(float(facts.duration_s) - length_s) for length_s in expected.lengths_s) > SECONDS_TOLERANCE:
        raise BadRender(f"the clip lasts {facts.duration_s} s instead of {expected.seconds} s")
    if expected.size is None:
        return
    wanted = expected.size.width_px / expected.size.height_px
    if abs(facts.width_px / facts.height_px / wanted - 1) > RATIO_TOLERANCE:
        asked = f"{expected.size.width_px}x{expected.size.height_px}"
        raise BadRender(f"the picture has {facts.width_px}x{facts.height_px} px, which is not the shape of {asked}")


def _decode_ends(container: InputContainer, stream: VideoStream, facts: ClipFacts) -> None:
    _first(container, stream)
    end = _last(container, stream)
    end_s = float(end.pts * end.time_base) if end.pts and end.time_base else 0.0
    if end_s < float(facts.duration_s) - SECONDS_TOLERANCE:
        raise BadRender("the clip breaks off before its end")


def _first(container: InputContainer, stream: VideoStream) -> VideoFrame:
    return _sound(next(container.decode(stream), None), FrameEnd.FIRST)


def _last(container: InputContainer, stream: VideoStream) -> VideoFrame:
    container.seek(stream.duration or 0, stream=stream)
    last = None
    for frame in container.decode(stream):  # from the last keyframe on
        last = frame
    return _sound(last, FrameEnd.LAST)


def _sound(frame: VideoFrame | None, which: FrameEnd) -> VideoFrame:
    if frame is None or frame.is_corrupt:
        raise BadRender(f"the {which} picture cannot be decoded")
    return frame
