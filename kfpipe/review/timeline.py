"""The shots one after another, each with its clip. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from kfpipe.domain import Take, Trim
from kfpipe.review.footage import Clip, NoClip, ShotFootage

USUAL_RATE: Final = Fraction(30)
"""Frames per second of a timeline without a single clip: that of every model so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A shot with the clip that was chosen for it; `others` are the clips of its other takes."""

    shot_id: str
    clip: Clip
    others: tuple[Clip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A shot without a clip: `reason` says why, `seconds` how long it is going to be in the film.

    `choices` are the takes that could be picked.
    """

    shot_id: str
    seconds: Decimal
    reason: str
    choices: tuple[str, ...]


Slot = Cut | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """`rate` is in frames per second; a gap is counted in it, a clip in its own.

    `left_out` are the shots that are no part of the film.
    """

    title: str
    rate: Fraction
    slots: tuple[Slot, ...]
    left_out: tuple[str, ...] = ()

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """The shots that a clip stands for."""
        return tuple(slot for slot in self.slots if isinstance(slot, Cut))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The shots without a clip."""
        return tuple(slot for slot in self.slots if isinstance(slot, Gap))

    @property
    def seconds(self) -> Fraction:
        """The exact length of the whole."""
        return sum((self.frames(slot) / self.rate_of(slot) for slot in self.slots), Fraction(0))

    def rate_of(self, slot: Slot) -> Fraction:
        """Frames per second: the clip's own, the timeline's for a gap."""
        return slot.clip.rate if isinstance(slot, Cut) else self.rate

    def frames(self, slot: Slot) -> int:
        """Length in frames, at `rate_of(slot)`."""
        return len(slot.clip.used) if isinstance(slot, Cut) else round(Fraction(slot.seconds) * self.rate)

    def with_starts(self) -> Iterator[tuple[Slot, int]]:
        """Each slot with its first frame; exact where all clips have one rate."""
        start = Fraction(0)
        for slot in self.slots:
            yield slot, round(start * self.rate)
            start += self.frames(slot) / self.rate_of(slot)


def make(title: str, shots: Sequence[ShotFootage]) -> Timeline:
    """The shots of the film in their order, each with its picked take; without a pick, with the only clip there is."""
    slots = tuple(_slot(shot) for shot in shots if shot.in_film)
    rates = (slot.clip.rate for slot in slots if isinstance(slot, Cut))
    left_out = tuple(shot.shot_id for shot in shots if not shot.in_film)
    return Timeline(title=title, rate=next(rates, USUAL_RATE), slots=slots, left_out=left_out)


def _slot(shot: ShotFootage) -> Slot:
    """The picked clip, or the only one, or a gap as long as the clip is going to be."""
    chosen = shot.picked
    rivals = _rivals(shot)
    if chosen is None and len(rivals) == 1:
        (chosen,) = rivals
    if isinstance(chosen, Clip):
        others = tuple(clip for clip in shot.clips if clip is not chosen)
        return Cut(shot_id=shot.shot_id, clip=chosen, others=others)
    choices = tuple(clip.take.id for clip in rivals)
    return Gap(
        shot_id=shot.shot_id, seconds=_expected_s(shot.takes[0].take), reason=_reason(shot, chosen), choices=choices
    )


def _rivals(shot: ShotFootage) -> tuple[Clip, ...]:
    """The clips that may stand for the shot: where one is as the manifest asks for it, drafts and the like may not."""
    return tuple(clip for clip in shot.clips if not clip.has_changed) or shot.clips


def _expected_s(take: Take) -> Decimal:
    whole, trim = Decimal(take.request.parameters.duration_s), take.trim or Trim()
    return (whole if trim.end_s is None else trim.end_s) - trim.start_s


def _reason(shot: ShotFootage, chosen: NoClip | None) -> str:
    if chosen is not None:
        return f"the picked take {chosen.take.id} has no clip: {chosen.reason}"
    if shot.clips:
        return f"it has {len(_rivals(shot)):,} clips, and none is picked"
    if len(shot.takes) > 1:
        return f"none of its {len(shot.takes):,} takes has a clip"
    (only,) = shot.takes
    assert isinstance(only, NoClip)
    return f"it has no clip: {only.reason}"


def timecode(frame: int, rate: Fraction) -> str:
    """`01:00:04:12`, non-drop: a second counts as many frames as the nearest whole number."""
    seconds, rest = divmod(frame, round(rate))
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{rest:02}"
