"""What the film shows and when: each slot of the timeline with its frames, and how it joins the next. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Final, TypeVar

from kfpipe.domain import PictureSize
from kfpipe.manifest.model import FilmSettings
from kfpipe.review import timeline as timelines
from kfpipe.review.footage import Clip
from kfpipe.review.timeline import USUAL_RATE, Cut, Gap, Slot, Timeline

USUAL_SIZE: Final = PictureSize(width_px=1280, height_px=720)
"""That of a film of which no clip is known."""

LEAST_SIDE_PX: Final = 16
"""What the encoder takes."""

Counted = TypeVar("Counted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One shot in the film. `used` are the clip's own frames, `frames` how many of the film's they make.

    The first `overlap` frames lie over the last ones of the piece before. `start` is the first frame's place in the
    film. `number` counts from 1. A slate has nothing `used`.
    """

    slot: Slot
    number: int
    start: int
    frames: int
    used: range
    overlap: int

    @property
    def clip(self) -> Clip | None:
        """The clip that is shown; None where a slate is."""
        return self.slot.clip if isinstance(self.slot, Cut) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The film as it is going to be; `rate` is in frames per second."""

    title: str
    size: PictureSize
    rate: Fraction
    pieces: tuple[Piece, ...]

    @property
    def frames(self) -> int:
        """The length of the whole."""
        return self.pieces[-1].start + self.pieces[-1].frames if self.pieces else 0

    @property
    def slates(self) -> int:
        """How many shots have no clip."""
        return sum(piece.clip is None for piece in self.pieces)

    def overlap_after(self, piece: Piece) -> int:
        """How many of the piece's last frames the next one lies over."""
        return self.pieces[piece.number].overlap if piece.number < len(self.pieces) else 0


def make(timeline: Timeline, settings: FilmSettings, planned: PictureSize | None) -> Edit:
    """The film that the timeline makes. `planned` is the size of clips to come, where none is here.

    Raises Refused with all the shots that are too short for their dissolves.
    """
    rate = _most_frequent((cut.clip.rate for cut in timeline.cuts), USUAL_RATE)
    overlap = round(Fraction(settings.overlap_s) * rate)
    used = list(_used(timeline, keeps_all=overlap > 0))
    lengths = [_length(slot, own, rate) for slot, own in zip(timeline.slots, used, strict=True)]
    timelines.check_lengths(timeline.slots, lengths, overlap, rate)
    starts = accumulate((length - overlap for length in lengths), initial=0)
    pieces = (
        Piece(slot=slot, number=number, start=start, frames=length, used=own, overlap=overlap if start else 0)
        for number, (slot, start, length, own) in enumerate(zip(timeline.slots, starts, lengths, used, strict=False), 1)
    )
    size = settings.size or _even(_most_frequent(map(_size, timeline.cuts), planned or USUAL_SIZE))
    return Edit(title=timeline.title, size=size, rate=rate, pieces=tuple(pieces))


def _most_frequent(found: Iterable[Counted], usual: Counted) -> Counted:
    """Of equally frequent ones the first."""
    return next((one for one, _ in Counter(found).most_common(1)), usual)


def _size(cut: Cut) -> PictureSize:
    render = cut.clip.entry.render
    return PictureSize(width_px=render.width_px, height_px=render.height_px)


def _even(size: PictureSize) -> PictureSize:
    """The encoder halves the sides for the colours."""
    width_px, height_px = (max(LEAST_SIDE_PX, side - side % 2) for side in (size.width_px, size.height_px))
    return PictureSize(width_px=width_px, height_px=height_px)


def _used(timeline: Timeline, *, keeps_all: bool) -> Iterator[range]:
    """The frames of each clip; at a cut, the picture that it shares with the clip before is shown once."""
    repeats = (False, *(join.repeats_picture and not keeps_all for join in timeline.joins))
    for slot, is_repeated in zip(timeline.slots, repeats, strict=False):
        own = slot.clip.used if isinstance(slot, Cut) else range(0)
        yield own[1:] if is_repeated and len(own) > 1 else own


def _length(slot: Slot, used: range, rate: Fraction) -> int:
    """Frames of the film, one at least: each piece is rounded by itself, so that errors do not add up."""
    seconds = Fraction(slot.seconds) if isinstance(slot, Gap) else len(used) / slot.clip.rate
    return max(1, round(seconds * rate))
