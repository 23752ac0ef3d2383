"""What a sound or a clip to start from is, by its content: format, length, sides, and whether it can be decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from kfpipe.errors import Unusable
from kfpipe.media import containers, signatures
from kfpipe.media.containers import ClipFormat
from kfpipe.media.display import displayed
from kfpipe.media.facts import RecordingFacts
from kfpipe.media.signatures import AnotherFormat
from kfpipe.media.video import fraction, opened, videos

_MIME_TYPES: Final = {"WAV": "audio/wav", "MP3": "audio/mpeg", "MP4": "video/mp4", "MOV": "video/quicktime"}

_PLAIN: Final = re.compile(r"pcm_[su]\d+(?:le|be)?")
"""FFmpeg's names for samples as they are: whole numbers, nothing compressed."""

_CODINGS: Final = (
    ("aac", "AAC"),
    ("alac", "Apple Lossless"),
    ("mp3", "MP3"),
    ("opus", "Opus"),
    ("libopus", "Opus"),
    ("vorbis", "Vorbis"),
    ("ac3", "AC-3"),
    ("eac3", "E-AC-3"),
    ("adpcm", "ADPCM"),
    ("pcm_f", "floating-point samples"),
    ("pcm_mulaw", "mu-law samples"),
    ("pcm_alaw", "A-law samples"),
    ("pcm", "PCM"),
    ("wma", "Windows Media Audio"),
)
"""How FFmpeg's names begin, and what people call the coding."""

_SLACK_S: Final = Fraction(1, 10)
"""By so much may an MP3 be shorter than it states."""

_EXPORT_AGAIN: Final = "export it again"
_EXPORT_PLAINLY: Final = "export it as WAV with 16-bit PCM, or as MP3"


class RecordingUnreadable(Unusable):
    """The file is of the right kind, and cannot be used all the same."""


def read(path: Path) -> RecordingFacts:
    """The facts of the sound or clip, whose first piece was decoded.

    Raises RecordingUnreadable, AnotherFormat, Unusable for what is neither, OSError.
    """
    container = containers.container_of(path)
    return _sound(path, signatures.kind_of(path)) if container is None else _clip(path, container)


def _sound(path: Path, kind: str) -> RecordingFacts:
    if kind == signatures.WAV and containers.is_wav_cut_off(path):
        raise damaged()
    with decoding(path, kind.lower()) as file:
        stream = next(iter(file.streams.audio), None)
        coding = None if stream is None else _coding(stream)
        if stream is None or coding is None:
            raise RecordingUnreadable("holds no sound that can be decoded", fix=_EXPORT_PLAINLY)
        stated_s = _stated_s(file, stream)
        seconds = _played_s(file, stream)
    if kind == signatures.MP3 and signatures.states_its_length(path) and stated_s is not None:
        if seconds < stated_s - _SLACK_S:
            raise damaged()
        seconds = stated_s  # without the silence that an encoder adds at both ends
    return RecordingFacts(
        format=kind,
        mime_type=_MIME_TYPES[kind],
        size_bytes=path.stat().st_size,
        seconds=_decimal(seconds),
        width_px=None,
        height_px=None,
        coding=None if kind == signatures.MP3 or _PLAIN.fullmatch(stream.codec_context.name) else coding,
        rate_hz=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
    )


def _clip(path: Path, container: ClipFormat) -> RecordingFacts:
    if containers.is_cut_off(path, container):
        raise damaged()
    with decoding(path, container.demuxer) as file:
        stream = _only_video(file, container)
        seconds = _stated_s(file, stream)
        if seconds is None:
            raise RecordingUnreadable("does not state its length", fix=_EXPORT_AGAIN)
        frame = next(file.decode(stream), None)
        if frame is None:
            raise damaged()
        shown = displayed(frame)
    return RecordingFacts(
        format=container.value,
        mime_type=_MIME_TYPES[container.value],
        size_bytes=path.stat().st_size,
        seconds=_decimal(seconds),
        width_px=shown.width,
        height_px=shown.height,
    )


@contextmanager
def decoding(path: Path, demuxer: str) -> Iterator[InputContainer]:
    """The file while it is read; what FFmpeg says of it meanwhile is that it is damaged. Raises RecordingUnreadable."""
    try:
        with closing(opened(path, demuxer)) as file:
            yield file
    except av.FFmpegError as error:
        raise damaged() from error


def _only_video(file: InputContainer, container: ClipFormat) -> VideoStream:
    found = videos(file)
    if not found and not file.streams.audio:
        raise RecordingUnreadable("holds neither sound nor pictures", fix=_EXPORT_AGAIN)
    if not found:
        name = f"{container} (M4A)" if container is ClipFormat.MP4 else str(container)
        raise AnotherFormat(f"is {_coding(file.streams.audio[0]) or 'unknown'} sound in {name}", fix=_EXPORT_AGAIN)
    if container.value not in _MIME_TYPES:
        raise AnotherFormat(f"is a {container} video", fix=_EXPORT_AGAIN)
    if len(found) > 1:
        raise RecordingUnreadable(f"has {len(found)} video streams instead of one", fix=_EXPORT_AGAIN)
    return found[0]


def _coding(stream: AudioStream) -> str | None:
    """How the sound is encoded, in people's words; None when it cannot be decoded here."""
    name: str | None = getattr(stream.codec_context, "name", None)  # None, whatever the stubs say
    if name is None:
        return None
    return next((words for begins, words in _CODINGS if name.startswith(begins)), name.upper())


def _stated_s(file: InputContainer, stream: AudioStream | VideoStream) -> Fraction | None:
    if stream.duration and stream.time_base:
        return stream.duration * fraction(stream.time_base)
    return Fraction(file.duration, av.time_base) if file.duration else None


def _played_s(file: InputContainer, stream: AudioStream) -> Fraction:
    """The length by what there is. Decodes the beginning. Raises RecordingUnreadable, av.FFmpegError."""
    length = 0
    can_be_decoded = False
    for packet in file.demux(stream):
        length += packet.duration or 0
        can_be_decoded = can_be_decoded or bool(packet.decode())
    if not can_be_decoded or stream.time_base is None:
        raise RecordingUnreadable("holds no sound", fix=_EXPORT_AGAIN)
    return length * fraction(stream.time_base)


def _decimal(seconds: Fraction) -> Decimal:
    return Decimal(round(seconds * 1000)) / 1000


def damaged() -> RecordingUnreadable:
    """What is wrong with a file that cannot be decoded to its end."""
    return RecordingUnreadable("is damaged or cut off", fix="copy or export it again")
