"""A slice of a sound as a file of its own: WAV with 16-bit PCM, cut to the sample; the rest is never in memory."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from kfpipe.media.facts import Recipe, RecordingFacts
from kfpipe.media.recipe import RESAMPLED_HZ, Downmix
from kfpipe.media.recordings import damaged, decoding
from kfpipe.media.signatures import MP3, WAV
from kfpipe.media.video import fraction

_RUN_UP_S: Final = 1
"""A compressed sound is decoded from so much earlier on: its first pieces depend on those before them."""

_SLACK_S: Final = Fraction(1, 10)
"""By so much may a track end before the length that it states; silence takes its place."""

_BYTES: Final = 2
"""Of one sample of one channel."""


def cut(path: Path, facts: RecordingFacts, recipe: Recipe) -> bytes:
    """The slice that the recipe asks for, as the content of a file; the same each time.

    Raises RecordingUnreadable, OSError.
    """
    start_s, end_s = bounds(recipe)
    layout = "stereo" if Downmix.STEREO in recipe else None
    with decoding(path, facts.format.lower()) as file:
        stream = file.streams.audio[0]
        rate_hz = stream.codec_context.sample_rate
        first, count = round(start_s * rate_hz), round((end_s - start_s) * rate_hz)
        samples, channels = _samples(_decoded(file, stream, facts, start_s), first, count, layout)
    if len(samples) < (count - _SLACK_S * rate_hz) * channels * _BYTES:
        raise damaged()
    samples = samples.ljust(count * channels * _BYTES, b"\0")
    if Downmix.RATE in recipe:
        samples, rate_hz = _resampled(samples, channels, rate_hz, end_s - start_s), RESAMPLED_HZ
    return _as_wav(samples, channels, rate_hz)


def bounds(recipe: Recipe) -> tuple[Fraction, Fraction]:
    """Where the slice begins and ends in the track, in seconds."""
    start, _, end = recipe[0].split()[1].partition("-")
    return Fraction(Decimal(start)), Fraction(Decimal(end))


def facts_of(content: bytes) -> RecordingFacts:
    """What a slice is."""
    with wave.open(io.BytesIO(content)) as file:
        rate_hz, channels, count = file.getframerate(), file.getnchannels(), file.getnframes()
    return RecordingFacts(
        format=WAV,
        mime_type="audio/wav",
        size_bytes=len(content),
        seconds=Decimal(round(Fraction(count, rate_hz) * 1000)) / 1000,
        width_px=None,
        height_px=None,
        rate_hz=rate_hz,
        channels=channels,
    )


def _decoded(
    file: InputContainer, stream: AudioStream, facts: RecordingFacts, start_s: Fraction
) -> Iterator[tuple[Fraction, AudioFrame]]:
    """The pieces from shortly before the slice on, each with the second at which it begins.

    Where a track can be entered anywhere its beginning is not read; an MP3 is gone through, since its table of contents
    is not exact, and decoded from shortly before the slice on.
    """
    unit, origin = fraction(stream.time_base or 1), stream.start_time or 0
    from_s = max(start_s - _RUN_UP_S, Fraction(0))
    if facts.format != MP3 and facts.coding is None:
        file.seek(origin + int(from_s / unit), stream=stream)
    for packet in file.demux(stream):
        if packet.pts is not None and (packet.pts + (packet.duration or 0) - origin) * unit < from_s:
            continue
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            if packet.pts is not None and (packet.pts - origin) * unit < start_s:
                continue  # the run-up may begin in the middle of something
            raise
        for frame in frames:
            if frame.pts is not None:
                yield (frame.pts - origin) * unit, frame


def _samples(
    frames: Iterator[tuple[Fraction, AudioFrame]], first: int, count: int, layout: str | None
) -> tuple[bytes, int]:
    """The samples from `first` on, channel beside channel, and how many channels there are."""
    plain = AudioResampler(format="s16", layout=layout)
    parts: list[bytes] = []
    missing, channels = count, 1
    for begins_s, frame in frames:
        begins = round(begins_s * frame.sample_rate)
        for piece in plain.resample(frame):
            channels = piece.layout.nb_channels
            skipped = max(first + count - missing - begins, 0)
            taken = min(max(piece.samples - skipped, 0), missing)
            size = channels * _BYTES
            parts.append(bytes(piece.planes[0])[skipped * size : (skipped + taken) * size])
            missing -= taken
        if not missing:
            break
    return b"".join(parts), channels


def _resampled(samples: bytes, channels: int, rate_hz: int, seconds: Fraction) -> bytes:
    layout = "mono" if channels == 1 else "stereo"
    frame = AudioFrame(format="s16", layout=layout, samples=len(samples) // (channels * _BYTES))
    frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.pts = rate_hz, 0
    slower = AudioResampler(format="s16", layout=layout, rate=RESAMPLED_HZ)
    pieces = [*slower.resample(frame), *slower.resample(None)]
    size = channels * _BYTES
    whole = b"".join(bytes(piece.planes[0])[: piece.samples * size] for piece in pieces)
    wanted = round(seconds * RESAMPLED_HZ) * size
    return whole[:wanted].ljust(wanted, b"\0")


def _as_wav(samples: bytes, channels: int, rate_hz: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(_BYTES)
        file.setframerate(rate_hz)
        file.writeframes(samples)
    return buffer.getvalue()
