"""The shots one after another, each with its clip. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import chain, pairwise, repeat
from pathlib import PurePosixPath
from typing import Final

from kfpipe.domain import FrameEnd, LocalMedium, MediaRole, Take, Trim
from kfpipe.errors import Problem, Refused
from kfpipe.media.frames import cut_name
from kfpipe.review.footage import Clip, NoClip, ShotFootage
from kfpipe.wording import echoed

USUAL_RATE: Final = Fraction(30)
"""Frames per second of a timeline without a single clip: that of every model so far."""

_SHORTER: Final = "make `transition_s` smaller, trim less of the shot, or write `transition: cut`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A shot with the clip that was chosen for it; `others` are the clips of its other takes."""

    shot_id: str
    clip: Clip
    others: tuple[Clip, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A shot without a clip: `reason` says why, `seconds` how long it is going to be in the film.

    `choices` are the takes that could be picked; `take` is the one whose clip is missing, where that is clear.
    """

    shot_id: str
    seconds: Decimal
    reason: str
    choices: tuple[str, ...]
    take: Take | None = None


Slot = Cut | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Where one shot gives way to the next. `fidelity` is how much the two pictures there look alike, 1.00 at most:
    the last one that the film takes of a clip, and the first one of the next. None: that is not known.
    """

    before: Slot
    after: Slot
    fidelity: Decimal | None = None

    @property
    def take_ids(self) -> tuple[str | None, str | None]:
        """The takes that meet here; None where a shot has none to stand for it."""
        before, after = map(_take_of, (self.before, self.after))
        return None if before is None else before.id, None if after is None else after.id

    @property
    def shares_still(self) -> bool:
        """Whether one was asked to end on the picture that the other begins with: a still, or one cut from its clip."""
        return self._is_of_one_still or self._continues

    @property
    def repeats_picture(self) -> bool:
        """Whether the film would show one picture twice here: they share a still, and no trim takes it away."""
        return self._is_whole and self._is_of_one_still

    def has_drifted(self, least: Decimal) -> bool:
        """Whether the pictures, which were to be one, are less alike than that. A trim makes them two."""
        is_one = self.shares_still and self._is_whole
        return is_one and self.fidelity is not None and self.fidelity < least

    @property
    def _is_whole(self) -> bool:
        before, after = self.before, self.after
        ends = not isinstance(before, Cut) or before.clip.used.stop == before.clip.frames
        return ends and (not isinstance(after, Cut) or after.clip.used.start == 0)

    @property
    def _is_of_one_still(self) -> bool:
        begins = _media_of(self.after).get(MediaRole.FIRST_FRAME)
        ends = _media_of(self.before).get(MediaRole.LAST_FRAME)
        return (begins is not None and begins == ends) or _is_cut_from(self.before, self.after)

    @property
    def _continues(self) -> bool:
        """Whether the manifest has the later take go on from the earlier one, from whichever clip of it."""
        before, after = map(_take_of, (self.before, self.after))
        return after is not None and any(
            before is not None and (role, cut.take_id, cut.end) == (MediaRole.FIRST_FRAME, before.id, FrameEnd.LAST)
            for role, cut in (*after.continues, *after.cuts)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """`rate` is in frames per second; a gap is counted in it, a clip in its own.

    `overlap` is how many of its frames two neighbours are shown together, where the film dissolves. `left_out` are the
    shots that are no part of the film. `fidelities` are those of the joins, as far as measured.
    """

    title: str
    rate: Fraction
    slots: tuple[Slot, ...]
    overlap: int = 0
    left_out: tuple[str, ...] = ()
    fidelities: tuple[Decimal | None, ...] = ()

    @property
    def joins(self) -> tuple[Join, ...]:
        """Where each shot but the last gives way to the next."""
        return tuple(
            Join(before=before, after=after, fidelity=fidelity)
            for (before, after), fidelity in zip(
                pairwise(self.slots), chain(self.fidelities, repeat(None)), strict=False
            )
        )

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
        whole = sum((self.frames(slot) / self.rate_of(slot) for slot in self.slots), Fraction(0))
        return whole - max(0, len(self.slots) - 1) * self.overlap / self.rate

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
            start += self.frames(slot) / self.rate_of(slot) - self.overlap / self.rate

    def check_overlap(self) -> None:
        """Raises Refused with each shot that is shorter than its dissolves."""
        lengths = [round(self.frames(slot) / self.rate_of(slot) * self.rate) for slot in self.slots]
        check_lengths(self.slots, lengths, self.overlap, self.rate)


def make(title: str, shots: Sequence[ShotFootage], *, overlap_s: Decimal = Decimal(0)) -> Timeline:
    """The shots of the film in their order, each with its picked take; without a pick, with the only clip there is.

    `overlap_s` is by how much each begins before the one before it ends.
    """
    slots = tuple(_slot(shot) for shot in shots if shot.in_film)
    rates = (slot.clip.rate for slot in slots if isinstance(slot, Cut))
    rate = next(rates, USUAL_RATE)
    return Timeline(
        title=title,
        rate=rate,
        slots=slots,
        overlap=round(Fraction(overlap_s) * rate),
        left_out=tuple(shot.shot_id for shot in shots if not shot.in_film),
    )


def check_lengths(slots: Sequence[Slot], lengths: Sequence[int], overlap: int, rate: Fraction) -> None:
    """Raises Refused with each shot that is shorter than its dissolves: one at the ends of the film, two between.

    `lengths` and `overlap` are in frames at `rate`.
    """
    problems = []
    for place, (slot, length) in enumerate(zip(slots, lengths, strict=True)):
        joins = (place > 0) + (place < len(slots) - 1)
        if overlap * joins > length:
            name = slot.clip.take.id if isinstance(slot, Cut) else slot.shot_id
            what = f"{echoed(name)} lasts {float(length / rate):.3g} s in the film: too short to dissolve "
            what += f"{float(overlap / rate):.3g} s {'at both ends' if joins > 1 else 'at one end'}"
            problems.append(Problem(file="film.transition_s", what=what, fix=_SHORTER))
    if problems:
        raise Refused(problems)


def _slot(shot: ShotFootage) -> Slot:
    """The picked clip, or the only one, or a gap as long as the clip is going to be."""
    chosen = shot.picked
    rivals = _rivals(shot)
    if chosen is None and len(rivals) == 1:
        (chosen,) = rivals
    if isinstance(chosen, Clip):
        others = tuple(clip for clip in shot.clips if clip is not chosen)
        return Cut(shot_id=shot.shot_id, clip=chosen, others=others)
    missing = chosen or (shot.takes[0] if len(shot.takes) == 1 else None)
    return Gap(
        shot_id=shot.shot_id,
        seconds=_expected_s(shot.takes[0].take),
        reason=_reason(shot, chosen),
        choices=tuple(clip.take.id for clip in rivals),
        take=None if missing is None else missing.take,
    )


def _take_of(slot: Slot) -> Take | None:
    return slot.clip.take if isinstance(slot, Cut) else slot.take


def _media_of(slot: Slot) -> Mapping[MediaRole, str]:
    """The digests of what the shot's clip was made from, or is going to be."""
    if isinstance(slot, Cut):
        return slot.clip.entry.asked.media
    return {} if slot.take is None else {given.role: given.medium.digest for given in slot.take.request.media}


def _is_cut_from(before: Slot, after: Slot) -> bool:
    """Whether the picture that `after` was made from was cut from the end of the clip of `before`."""
    if not isinstance(before, Cut) or not isinstance(after, Cut):
        return False
    clip, begins = after.clip, after.clip.entry.asked.media.get(MediaRole.FIRST_FRAME)
    name = cut_name(before.clip.entry.render, FrameEnd.LAST)
    media = (given.medium for given in clip.take.request.media if given.role is MediaRole.FIRST_FRAME)
    return any(
        isinstance(medium, LocalMedium) and medium.digest == begins and PurePosixPath(medium.path).name == name
        for medium in media
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
