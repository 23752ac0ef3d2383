"""What there is to look at of each shot: its takes, and the clips of those that have one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from kfpipe.domain import Take
from kfpipe.lock import Lock, Record, Rendered, state_name
from kfpipe.plan import FileState

Link = Callable[[str], str | None]
"""A path below the manifest's folder -> the way there from the file that is written; None: it leaves the project."""

_DROP: Final = Fraction(1000, 1001)
"""Broadcast rates are this much slower than the whole number that they go by: 29.97 is 30000/1001."""

_RATE_TOLERANCE: Final = Fraction(1, 1000)

_FASTEST_FPS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A take whose file is here, as it was rendered. `path` leads there, with forward slashes."""

    take: Take
    record: Record
    entry: Rendered
    path: str

    @property
    def rate(self) -> Fraction:
        """Frames per second, exactly: the record holds three decimals."""
        fps = Fraction(self.entry.render.fps)
        broadcast = round(fps) * _DROP
        return broadcast if abs(fps - broadcast) < _RATE_TOLERANCE else fps

    @property
    def frames(self) -> int:
        """The length in frames, one at least."""
        return max(1, round(Fraction(self.entry.render.duration_s) * self.rate))

    @property
    def has_changed(self) -> bool:
        """Whether the manifest asks for something else by now."""
        return self.take.fingerprint != self.entry.asked.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class NoClip:
    """A take without a file that can be shown; `reason` completes "it has no clip:"."""

    take: Take
    record: Record | None
    reason: str


Footage = Clip | NoClip


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotFootage:
    """The takes of one shot, in the order of the manifest."""

    shot_id: str
    takes: tuple[Footage, ...]

    @property
    def clips(self) -> tuple[Clip, ...]:
        return tuple(take for take in self.takes if isinstance(take, Clip))

    @property
    def picked(self) -> Footage | None:
        """The take that a person has chosen."""
        return next((footage for footage in self.takes if footage.record is not None and footage.record.picked), None)


def of(takes: Sequence[Take], lock: Lock, files: Mapping[str, FileState], link: Link) -> tuple[ShotFootage, ...]:
    """The footage of these takes, shot by shot."""
    shots: dict[str, list[Footage]] = {}
    for take in takes:
        footage = _footage(take, lock.get(take.id), files.get(take.id, FileState.MISSING), link)
        shots.setdefault(take.shot_id, []).append(footage)
    return tuple(ShotFootage(shot_id=shot_id, takes=tuple(found)) for shot_id, found in shots.items())


def _footage(take: Take, record: Record | None, file: FileState, link: Link) -> Footage:
    if record is None:
        return NoClip(take=take, record=None, reason="it was never rendered")
    if not isinstance(record.entry, Rendered):
        return NoClip(take=take, record=record, reason=f"it is {state_name(record.entry)}")
    name, fps = record.entry.render.path, record.entry.render.fps
    path = link(name)
    if path is None:
        return NoClip(take=take, record=record, reason=f"{name} leads out of the project")
    if file is not FileState.MATCHES:
        return NoClip(take=take, record=record, reason=f"{name} is {file}")
    if not 1 <= fps <= _FASTEST_FPS:
        return NoClip(take=take, record=record, reason=f"{fps:f} frames per second are not believable")
    return Clip(take=take, record=record, entry=record.entry, path=path)
