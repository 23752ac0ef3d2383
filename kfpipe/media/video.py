"""What a video file really holds, found by decoding it; its name and headers are not trusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kfpipe.domain import FrameEnd, PictureSize
from kfpipe.errors import BadRender, NotAVideo
from kfpipe.files.durable import sha256_of
from kfpipe.media import remarks
from kfpipe.media.containers import ClipFormat, container_of, is_cut_off
from kfpipe.media.display import displayed
from kfpipe.media.facts import ClipFacts, Expected

LONGEST_SIDE_PX: Final = 8192

SLACK_S: Final = Fraction(1, 2)
"""By so much may a clip end before the length that it states."""

LEAST_BYTES: Final = 16
"""Of fewer bytes nothing can be said."""

_BREAKS_OFF: Final = "the clip breaks off before its end"

_ANY_TITLE: Final[dict[str, Any]] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
"""Titles and comments need not be UTF-8. PyAV accepts any from release 19 on, earlier ones only with this option."""

_AS_STATED: Final = {"probesize": "32", "analyzeduration": "0"}
"""What an MP4 says of its streams is taken as it stands; else FFmpeg decodes pictures to find out for itself."""

_NO_SMOOTHING: Final = {"skip_loop_filter": "all"}
"""A picture that nobody looks at need not be smoothed at the edges of its blocks."""

_COVER: Final = 0x400
"""Marks a picture that only adorns the file, like an album's cover. Source: FFmpeg, AV_DISPOSITION_ATTACHED_PIC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Extent:
    """What there is of a clip, by its packets: so much video, the last picture, and anything at all up to `reach_s`."""

    pictures: int
    video_s: Fraction
    first_picture_s: Fraction
    last_picture_s: Fraction
    reach_s: Fraction

    @property
    def middle_s(self) -> Fraction:
        return (self.first_picture_s + self.last_picture_s) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """Three pictures of a clip, as players show them; where none in its middle can be decoded, the first stands in."""

    first: VideoFrame
    middle: VideoFrame
    last: VideoFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reel:
    """A file that was read to its end, and is open still."""

    file: InputContainer
    stream: VideoStream
    container: ClipFormat
    extent: _Extent
    length_s: Fraction
    first: VideoFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A clip that is whole: what it holds, and what it looks like."""

    facts: ClipFacts
    glimpse: Glimpse


class _NoVideo(Exception):
    """The file is no video at all; the reason is its text."""


def prove(path: Path, expected: Expected) -> ClipFacts:
    """What the file holds, when that is a video, whole by its parts, with every packet and its first picture.

    What was not expected is remarked. The rest of the pictures is not looked at: that takes many times as long, and is
    what `glimpse` does. Raises `BadRender` when it is damaged or cut off, `NotAVideo` when it is none, each with the
    reason; OSError when the file cannot be read.
    """
    with _surveyed(path, is_to_be_seen=False) as reel:
        return _facts(reel, expected)


def examine(path: Path, expected: Expected) -> Examined:
    """As `prove`, and all pictures can be decoded. Raises as `prove`."""
    with _surveyed(path) as reel:
        return Examined(facts=_facts(reel, expected), glimpse=_glimpse(reel, *_seen(reel)))


def glimpse(path: Path, *, with_all: bool = True) -> Glimpse:
    """The clip's pictures alone, decoded to the last. Raises as `prove`.

    Without `with_all` those are left out that no other one depends on, which half of the time goes into: the last
    picture stays the same to the pixel, and damage to one that was left out goes unnoticed.
    """
    with _surveyed(path) as reel:
        return (None if with_all else _swift_glimpse(reel)) or _glimpse(reel, *_seen(reel))


def picture(path: Path, end: FrameEnd) -> VideoFrame:
    """The clip's first or last picture, as players show it. Raises `BadRender`, OSError."""
    with _reading(path, _whole_container(path)) as file:
        stream = _video(file)
        return displayed(_first(file, stream) if end is FrameEnd.FIRST else _last(file, stream))


def opened(path: Path, demuxer: str, options: dict[str, str] | None = None) -> InputContainer:
    """The file, only as what it says it is, and from the disk: a playlist in disguise could name other files and
    addresses. `options` are the demuxer's. Raises av.FFmpegError.
    """
    container: InputContainer = av.open(f"file:{path}", mode="r", format=demuxer, options=options, **_ANY_TITLE)
    return container


def _whole_container(path: Path) -> ClipFormat:
    """Raises `BadRender`, `NotAVideo`, and OSError: a missing file is a different problem from a damaged one."""
    if path.stat().st_size < LEAST_BYTES:
        raise BadRender("the file is empty, or breaks off at once")
    container = container_of(path)
    if container is None:
        raise _refused(path, "the file is not an MP4, MOV or WebM")
    if is_cut_off(path, container):
        raise BadRender(_BREAKS_OFF)
    return container


@contextmanager
def _reading(path: Path, container: ClipFormat, options: dict[str, str] | None = None) -> Iterator[InputContainer]:
    try:
        file = opened(path, container.demuxer, options)
    except av.FFmpegError as error:
        raise BadRender(f"the file is not a complete {container}") from error
    try:
        with closing(file):
            yield file
    except av.FFmpegError as error:
        raise BadRender(f"the file is damaged: {error.strerror}") from error
    except _NoVideo as reason:
        raise _refused(path, str(reason)) from reason


def _refused(path: Path, reason: str) -> NotAVideo:
    return NotAVideo(reason, path=path, sha256=sha256_of(path))


def videos(file: InputContainer) -> list[VideoStream]:
    """The video streams; a cover is none, as far as this release of PyAV can tell."""
    return [stream for stream in file.streams.video if not getattr(stream, "disposition", 0) & _COVER]


def _video(file: InputContainer) -> VideoStream:
    """The first video stream. Raises `BadRender`, `_NoVideo`."""
    if not len(file.streams):
        raise BadRender("the file holds nothing")
    stream = next(iter(videos(file)), None)
    if stream is None:
        raise _NoVideo("there is no video in the file")
    if getattr(stream.codec_context, "name", None) is None:  # None, whatever the stubs say
        raise _NoVideo("the video is encoded in a way that cannot be decoded here")
    stream.codec_context.thread_count = 1  # several cost a quarter more in all, and there is other work for processors
    return stream


@contextmanager
def _surveyed(path: Path, *, is_to_be_seen: bool = True) -> Iterator[_Reel]:
    """The file, opened once: every packet is read, and the first picture decoded, which may not be as it is to be seen.

    Raises as `prove`.
    """
    container = _whole_container(path)
    is_brief = not is_to_be_seen and container.demuxer == "mp4"
    with _reading(path, container, _AS_STATED if is_brief else None) as file:
        stream = _video(file)
        if not is_to_be_seen:
            stream.codec_context.options = _NO_SMOOTHING
        _check_sides(stream)
        extent, first = _survey(file, stream)
        yield _Reel(
            file=file,
            stream=stream,
            container=container,
            extent=extent,
            length_s=_length_s(file, stream, extent),
            first=displayed(_sound(first, FrameEnd.FIRST)),
        )


def _survey(file: InputContainer, video: VideoStream) -> tuple[_Extent, VideoFrame | None]:
    """How much there is, and the first picture, where it can be decoded. Raises av.FFmpegError."""
    starts: list[int] = []
    ends: defaultdict[int, int] = defaultdict(int)  # by stream, in its own unit: fractions take their time
    first: VideoFrame | None = None
    for packet in file.demux(*file.streams.video, *file.streams.audio):
        is_video = packet.stream.index == video.index
        if is_video and first is None:
            first = next((frame for frame in packet.decode() if isinstance(frame, VideoFrame)), None)
        if packet.pts is None:
            continue  # the end of a stream
        index = packet.stream.index
        ends[index] = max(ends[index], packet.pts + (packet.duration or 0))
        if is_video:
            starts.append(packet.pts)
    units_s = {stream.index: fraction(stream.time_base) if stream.time_base else Fraction(0) for stream in file.streams}
    unit_s, video_end = units_s[video.index], ends[video.index]
    extent = _Extent(
        pictures=len(starts),
        video_s=(video_end - min(starts, default=video_end)) * unit_s,
        first_picture_s=min(starts, default=video_end) * unit_s,
        last_picture_s=max(starts, default=video_end) * unit_s,
        reach_s=max(end * units_s[index] for index, end in ends.items()),
    )
    return extent, first


def _check_sides(stream: VideoStream) -> None:
    """Raises `BadRender`."""
    if not (0 < stream.width <= LONGEST_SIDE_PX and 0 < stream.height <= LONGEST_SIDE_PX):
        raise BadRender(f"a picture of {stream.width}x{stream.height} px is not plausible")


def _facts(reel: _Reel, expected: Expected) -> ClipFacts:
    """What the file says of its video, as far as that can be believed; the sides are those that players show.

    Raises `_NoVideo`.
    """
    file, stream, extent, first, container = reel.file, reel.stream, reel.extent, reel.first, reel.container
    duration_s = _decimal(reel.length_s)
    if extent.pictures < 2 or not duration_s:
        raise _NoVideo("the file holds no more than a single picture")
    rate = stream.average_rate
    codec = stream.codec_context.codec
    name = getattr(codec, "canonical_name", codec.name)  # which the first releases of PyAV lack
    size = PictureSize(width_px=first.width, height_px=first.height)
    return ClipFacts(
        width_px=size.width_px,
        height_px=size.height_px,
        fps=_decimal(fraction(rate) if rate else extent.pictures / reel.length_s),
        duration_s=duration_s,
        audio=len(file.streams.audio) > 0,
        codec=name,
        remarks=(
            *remarks.on_size(size, expected),
            *remarks.on_length(duration_s, expected),
            *remarks.on_make(name, container, len(videos(file))),
        ),
    )


def _length_s(file: InputContainer, stream: VideoStream, extent: _Extent) -> Fraction:
    """The length that the file states, or what is there where it states none, or too little.

    Raises `BadRender` when there is less than that.
    """
    if not stream.duration or not stream.time_base:  # WebM has a length for the whole file only
        if extent.reach_s < Fraction(file.duration or 0, av.time_base) - SLACK_S:
            raise BadRender(_BREAKS_OFF)
        return extent.video_s
    stated_s = stream.duration * fraction(stream.time_base)
    if extent.video_s < stated_s - SLACK_S:
        raise BadRender(_BREAKS_OFF)
    return stated_s if extent.video_s <= stated_s + SLACK_S else extent.video_s


def fraction(number: Any) -> Fraction:
    """PyAV 19 has rationals of its own."""
    return Fraction(number.numerator, number.denominator)


def _decimal(number: Fraction) -> Decimal:
    return Decimal(round(number * 1000)) / 1000


def _swift_glimpse(reel: _Reel) -> Glimpse | None:
    """The pictures that others depend on; None where the last one is none of them. Raises as `_glimpse`."""
    reel.stream.codec_context.skip_frame = "NONREF"
    middle, last = _seen(reel)
    reel.stream.codec_context.skip_frame = "DEFAULT"
    is_last = last is not None and _at_s(last) >= reel.extent.last_picture_s
    return _glimpse(reel, middle, last) if is_last else None


def _seen(reel: _Reel) -> tuple[VideoFrame | None, VideoFrame | None]:
    """The pictures in the middle and at the end. Raises av.FFmpegError.

    Most clips have a single keyframe, so that the way to the last picture passes the middle.
    """
    middle = end = None
    for frame in _closing(reel.file, reel.stream):
        end = frame
        if _at_s(frame) <= reel.extent.middle_s and not frame.is_corrupt:
            middle = frame
    return middle, end


def _glimpse(reel: _Reel, middle: VideoFrame | None, end: VideoFrame | None) -> Glimpse:
    """Raises `BadRender` when the last picture cannot be decoded, or the last one that can comes too early."""
    last = _sound(end, FrameEnd.LAST)
    if _at_s(last) < reel.extent.last_picture_s - SLACK_S:
        raise BadRender(_BREAKS_OFF)
    middle = middle or _at(reel.file, reel.stream, reel.extent.middle_s)
    return Glimpse(first=reel.first, middle=reel.first if middle is None else displayed(middle), last=displayed(last))


def _at(file: InputContainer, stream: VideoStream, time_s: Fraction) -> VideoFrame | None:
    """The picture that players show at this time; None where it cannot be decoded."""
    found = None
    with suppress(av.FFmpegError):
        file.seek(int(time_s / fraction(stream.time_base)) if stream.time_base else 0, stream=stream)
        for frame in file.decode(stream):
            if found is not None and _at_s(frame) > time_s:
                break
            found = frame
    return None if found is None or found.is_corrupt else found


def _at_s(frame: VideoFrame) -> Fraction:
    return frame.pts * fraction(frame.time_base) if frame.pts and frame.time_base else Fraction(0)


def _first(file: InputContainer, stream: VideoStream) -> VideoFrame:
    return _sound(next(file.decode(stream), None), FrameEnd.FIRST)


def _last(file: InputContainer, stream: VideoStream) -> VideoFrame:
    last = None
    for frame in _closing(file, stream):
        last = frame
    return _sound(last, FrameEnd.LAST)


def _closing(file: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """The pictures from the last keyframe on."""
    file.seek(stream.duration or _whole_length(file, stream), stream=stream)
    return file.decode(stream)


def _whole_length(file: InputContainer, stream: VideoStream) -> int:
    """The file's length in the stream's own unit; 0 when it states none."""
    if not file.duration or not stream.time_base:
        return 0
    return int(Fraction(file.duration, av.time_base) / fraction(stream.time_base))


def _sound(frame: VideoFrame | None, which: FrameEnd) -> VideoFrame:
    if frame is None or frame.is_corrupt:
        raise BadRender(f"the {which} picture cannot be decoded")
    return frame
