"""The film's sound: that of its clips, faded into each other, over its music.

All of it is stereo, 48,000 samples a second, as 32-bit floats, left and right in turn, in pieces of bounded size.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import pi, sin
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as EndOfFile
from av.filter import Graph

from kfpipe.errors import Problem, Refused, Unusable
from kfpipe.media import soundtrack
from kfpipe.media.video import fraction, opened, videos
from kfpipe.review.film.edit import Edit, Piece
from kfpipe.review.film.pictures import clip_file

SAMPLE_RATE: Final = 48_000
CHANNELS: Final = 2
BLOCK: Final = 4800
"""Samples that are handed on at a time."""

FADE_S: Final = Fraction(1, 25)
"""At a cut, one sound fades into the other within this time: no click is heard, and no fade."""

MUSIC_UNDER: Final = 0.35
"""The music's level beside the sound of clips."""

MUSIC_ENDS_S: Final = 2
"""The music fades out over the film's last seconds."""

NEAR: Final = 960
"""By so many samples may a frame's time be rounded: a fiftieth of a second."""

_FORM: Final = f"sample_fmts=flt:channel_layouts=stereo:sample_rates={SAMPLE_RATE}"
_LIMITER: Final = "limit=0.97:level=0:latency=1:attack=5:release=50"
_AAC: Final = "n=1024:p=0"

_ANOTHER: Final = "name another file, or delete `music`"

if TYPE_CHECKING:
    Samples = array[float]  # which no Python before 3.12 can say while it runs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The sound of one clip: from `first` to `end` in the film, in samples; in its own time from `enters_s` on."""

    piece: Piece
    first: int
    end: int
    enters_s: Fraction
    fade_in: int
    fade_out: int


def blocks(edit: Edit, folder: Path, music: Path | None) -> Iterator[AudioFrame]:
    """The film's sound to its end, peaks held below full scale. Raises Refused for what cannot be decoded."""
    length = samples_at(edit.frames, edit)
    clips = _joined(edit, folder, length)
    mixed = clips if music is None else _over(clips, _music(music, length, _level(edit)))
    yield from _limited(mixed)


def flaws(edit: Edit, folder: Path) -> Iterator[Problem]:
    """What keeps the sound of clips from being decoded."""
    for part in _parts(edit):
        try:
            for _ in _faded(part, folder):
                pass
        except Refused as refusal:
            yield from refusal.problems


def samples_at(frame: int, edit: Edit) -> int:
    """Where a frame of the film begins, in samples."""
    return round(frame * SAMPLE_RATE / edit.rate)


def _level(edit: Edit) -> float:
    has_sound = any(piece.clip is not None and piece.clip.entry.render.audio for piece in edit.pieces)
    return MUSIC_UNDER if has_sound else 1.0


def _parts(edit: Edit) -> Iterator[_Part]:
    """When each clip is heard. At a cut it is heard a little before and after it is seen, as far as there is more."""
    half = round(FADE_S * SAMPLE_RATE / 2)
    for piece in edit.pieces:
        clip = piece.clip
        if clip is None or not clip.entry.render.audio:
            continue
        first, end = samples_at(piece.start, edit), samples_at(piece.start + piece.frames, edit)
        inner = min(half, (end - first) // 2)
        after = edit.overlap_after(piece)
        is_last = piece.number == len(edit.pieces)
        enters_s, leaves_s = piece.used.start / clip.rate, piece.used.stop / clip.rate
        more_s = clip.frames / clip.rate - leaves_s
        lead = 0 if piece.overlap or piece.number == 1 else min(inner, int(enters_s * SAMPLE_RATE))
        tail = 0 if after or is_last else min(inner, int(more_s * SAMPLE_RATE))
        fade_in = samples_at(piece.start + piece.overlap, edit) - first if piece.overlap else lead + inner
        fade_out = end - samples_at(piece.start + piece.frames - after, edit) if after else tail + inner
        yield _Part(
            piece=piece,
            first=first - lead,
            end=end + tail,
            enters_s=enters_s - Fraction(lead, SAMPLE_RATE),
            fade_in=0 if piece.number == 1 else fade_in,
            fade_out=0 if is_last else fade_out,
        )


def _joined(edit: Edit, folder: Path, length: int) -> Iterator[Samples]:
    """The sound of the clips, each at its time, added where two overlap, and silence between them."""
    parts, at, held = list(_parts(edit)), 0, array("f")
    for place, part in enumerate(parts):
        yield from _silence(part.first - at)
        at, until = part.first, min(part.end, parts[place + 1].first if place + 1 < len(parts) else part.end)
        over, held = held, array("f")  # what is heard of the clip before, and what the next one adds to
        for block in _faded(part, folder):
            _add(block, over)
            over = over[len(block) :]
            heard = CHANNELS * max(0, until - at)
            if heard:
                yield block[:heard]
            held += block[heard:]
            at += len(block) // CHANNELS
        at = until
    yield from _silence(length - at)


def _add(block: Samples, other: Samples) -> None:
    """Mixes in what there is of the other, from the beginning on."""
    count = min(len(block), len(other))
    block[:count] = array("f", map(add, block[:count], other[:count]))


def _silence(samples: int) -> Iterator[Samples]:
    while samples > 0:
        count = min(samples, BLOCK)
        yield array("f", bytes(block_bytes(count)))
        samples -= count


def block_bytes(samples: int) -> int:
    """How many bytes so many samples take."""
    return samples * CHANNELS * 4


def _faded(part: _Part, folder: Path) -> Iterator[Samples]:
    """The clip's sound for just its time, silence where it has none, and its two ends faded."""
    clip = part.piece.clip
    assert clip is not None
    length, at = part.end - part.first, 0
    with clip_file(clip, folder) as file:
        stream = next(iter(videos(file)), None)
        begins_s = _start_s(stream) if stream is not None else Fraction(0)
        enters = round((part.enters_s + begins_s) * SAMPLE_RATE)
        for block in _cut(_resampled(file), enters, length):
            _fade(block, at, length, part)
            at += len(block) // CHANNELS
            yield block


def _start_s(stream: Any) -> Fraction:
    return (stream.start_time or 0) * fraction(stream.time_base) if stream.time_base else Fraction(0)


def _fade(block: Samples, at: int, length: int, part: _Part) -> None:
    """By equal power: two sounds of different clips are as loud together as each by itself."""
    last = at + len(block) // CHANNELS
    if at >= part.fade_in and last <= length - part.fade_out:
        return
    for place in range(at, last):
        gain = 1.0
        if place < part.fade_in:
            gain = sin(pi / 2 * (place + 0.5) / part.fade_in)
        if place >= length - part.fade_out:
            gain *= sin(pi / 2 * (length - place - 0.5) / part.fade_out)
        if gain != 1.0:
            left = CHANNELS * (place - at)
            block[left] *= gain
            block[left + 1] *= gain


def _cut(frames: Iterator[AudioFrame], enters: int, length: int) -> Iterator[Samples]:
    """`length` samples from the time `enters` on, in blocks, by the frames' own times; silence where there is none."""
    at, end = enters, enters + length
    expected: int | None = None
    for frame in frames:
        begins = expected if frame.pts is None or _is_near(frame.pts, expected) else frame.pts
        begins = enters if begins is None else begins
        expected = begins + frame.samples
        yield from _silence(min(begins, end) - at)
        at = max(at, min(begins, end))
        if expected > at:
            samples = array("f", bytes(frame.planes[0])[: block_bytes(frame.samples)])
            block = samples[CHANNELS * (at - begins) : CHANNELS * (end - begins)]
            if block:
                yield block
            at += len(block) // CHANNELS
        if at >= end:
            return
    yield from _silence(end - at)


def _is_near(pts: int, expected: int | None) -> bool:
    """Whether a frame follows the one before: files round their times."""
    return expected is not None and abs(pts - expected) <= NEAR


def _resampled(file: InputContainer, *shaping: tuple[str, str]) -> Iterator[AudioFrame]:
    """The file's sound in the film's form, its times in samples. Raises av.FFmpegError."""
    stream = next(iter(file.streams.audio), None)
    if stream is None:
        return
    graph: Graph | None = None
    for frame in file.decode(stream):
        if graph is None:
            graph = _graph(frame, *shaping)
        graph.push(frame)
        yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _graph(frame: AudioFrame, *shaping: tuple[str, str]) -> Graph:
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=frame.time_base or Fraction(1, frame.sample_rate),
    )
    filters = [graph.add(name, options) for name, options in shaping]
    graph.link_nodes(source, graph.add("aformat", _FORM), *filters, graph.add("abuffersink")).configure()
    return graph


def _pulled(graph: Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (EndOfFile, NothingYet):
            return
        assert isinstance(frame, AudioFrame)
        yield frame


def check_music(path: Path, edit: Edit) -> None:
    """Decode as much of the music as the film has of it. Raises Refused where it cannot be heard."""
    frames, length = 0, samples_at(edit.frames, edit)
    with _music_file(path) as file:
        for frame in _resampled(file):
            frames += frame.samples
            if frames >= length:
                break
    if not frames:
        raise Refused.because("film.music", f"there is no sound in {path.name}", fix=_ANOTHER)


def _music(path: Path, length: int, level: float) -> Iterator[Samples]:
    """The music from its beginning, faded out where the film ends before it."""
    fade = min(length, MUSIC_ENDS_S * SAMPLE_RATE)
    shaping = (("volume", f"{level}"), ("afade", f"t=out:ss={length - fade}:ns={fade}"))
    with _music_file(path) as file:
        yield from _cut(_resampled(file, *shaping), 0, length)


@contextmanager
def _music_file(path: Path) -> Iterator[InputContainer]:
    """The file; what is wrong with it becomes Refused."""
    try:
        with closing(opened(path, soundtrack.kind(path))) as file:
            yield file
    except Unusable as flaw:
        what = f"{path.name} {flaw.reason}"
        raise Refused.because("film.music", what, expected=flaw.expected, fix=flaw.fix) from flaw
    except (av.FFmpegError, OSError) as error:
        raise Refused.because("film.music", f"{path.name} cannot be decoded: {error.strerror}", fix=_ANOTHER) from error


def _over(clips: Iterator[Samples], music: Iterator[Samples]) -> Iterator[Samples]:
    """Both mixed, block by block."""
    waiting: Samples = array("f")
    for block in clips:
        while len(waiting) < len(block):
            waiting += next(music)
        _add(block, waiting)
        waiting = waiting[len(block) :]
        yield block


def _limited(blocks: Iterator[Samples]) -> Iterator[AudioFrame]:
    """As frames for the encoder; only peaks above full scale are brought down."""
    graph, at = None, 0
    for block in blocks:
        count = len(block) // CHANNELS
        frame = AudioFrame(format="flt", layout="stereo", samples=count)
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, at, Fraction(1, SAMPLE_RATE)
        frame.planes[0].update(block.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        at += count
        graph = graph or _graph(frame, ("alimiter", _LIMITER), ("aformat", "sample_fmts=fltp"), ("asetnsamples", _AAC))
        graph.push(frame)
        yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)
