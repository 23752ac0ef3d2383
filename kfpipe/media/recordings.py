"""What a sound or a clip to start from is, by its content: format, length, sides, and whether it can be decoded."""

from __future__ import annotations

import re
from contextlib import closing
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kfpipe.errors import Unusable
from kfpipe.files.read import first_bytes
from kfpipe.media.display import displayed
from kfpipe.media.facts import RecordingFacts
from kfpipe.media.video import opened

_MIME_TYPES: Final = {"WAV": "audio/wav", "MP3": "audio/mpeg", "MP4": "video/mp4", "MOV": "video/quicktime"}
_DEMUXERS: Final = {"WAV": "wav", "MP3": "mp3", "MP4": "mp4", "MOV": "mp4"}
_SIGNATURES: Final = (
    ("WAV", re.compile(rb"RIFF....WAVE", re.DOTALL)),
    ("MP3", re.compile(rb"ID3|\xff[\xe2-\xff]")),
    ("MOV", re.compile(rb"....(?:ftypqt  |moov|mdat|wide)", re.DOTALL)),
    ("MP4", re.compile(rb"....ftyp", re.DOTALL)),
)


class RecordingUnreadable(Unusable):
    """The file is not a sound or clip that can be used."""

    expected = "a WAV or MP3 sound, or an MP4 or MOV clip"


def read(path: Path) -> RecordingFacts:
    """The facts of the sound or clip, whose first piece was decoded. Raises RecordingUnreadable, OSError."""
    size_bytes = path.stat().st_size
    kind = _kind(path)
    try:
        with closing(opened(path, _DEMUXERS[kind])) as container:
            stream = _only_stream(container, kind)
            seconds = _seconds(container, stream)
            frame = next(iter(container.decode(stream)), None)
            if frame is None:
                raise _damaged()
            shown = displayed(frame) if isinstance(frame, VideoFrame) else None
    except av.FFmpegError as error:
        raise _damaged() from error
    return RecordingFacts(
        format=kind,
        mime_type=_MIME_TYPES[kind],
        size_bytes=size_bytes,
        seconds=seconds,
        width_px=None if shown is None else shown.width,
        height_px=None if shown is None else shown.height,
    )


def _kind(path: Path) -> str:
    head = first_bytes(path, 16)
    kind = next((name for name, signature in _SIGNATURES if signature.match(head)), None)
    if kind is None:
        raise RecordingUnreadable("is not a sound or clip" if head else "is empty", fix="check the path")
    return kind


def _only_stream(container: InputContainer, kind: str) -> AudioStream | VideoStream:
    wanted: tuple[AudioStream | VideoStream, ...] = container.streams.audio
    if _MIME_TYPES[kind].startswith("video"):
        wanted = container.streams.video
    if len(wanted) != 1:
        raise RecordingUnreadable(f"has {len(wanted)} streams of its kind instead of one", fix="export it again")
    return wanted[0]


def _seconds(container: InputContainer, stream: AudioStream | VideoStream) -> Decimal:
    if stream.duration and stream.time_base:
        length = stream.duration * stream.time_base
    elif container.duration:
        length = Fraction(container.duration, av.time_base)
    else:
        raise RecordingUnreadable("does not state its length", fix="export it again")
    return Decimal(round(length * 1000)) / 1000


def _damaged() -> RecordingUnreadable:
    return RecordingUnreadable("is damaged or cut off", fix="copy or export it again")
