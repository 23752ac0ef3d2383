"""What there is to see of each shot: its takes, and the clips of those that have one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final
from urllib.parse import quote

from kfpipe.domain import Take, Trim
from kfpipe.lock.records import Record, Records
from kfpipe.lock.states import Lock, Rendered, state_name
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan import gather
from kfpipe.plan.changed import changed_ids
from kfpipe.plan.model import Chosen
from kfpipe.project import Project
from kfpipe.review import by_model
from kfpipe.review.by_model import ModelGroup

Link = Callable[[str], str | None]
"""A path below the manifest's folder -> the way there from the file that is written; None: it leaves the project."""

_DROP: Final = Fraction(1000, 1001)
"""Broadcast rates are this much slower than the whole number that they go by: 29.97 is 30000/1001."""

_RATE_TOLERANCE: Final = Fraction(1, 1000)

_FASTEST_FPS: Final = 1000

_PLAIN_IN_ADDRESS: Final = "/@=,"
"""Not the colon: a path must not begin like `javascript:`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A take whose file is here, as it was rendered: `file`, below the manifest's folder. `path` leads there, with
    forward slashes.

    `has_changed` says that the take was changed in the manifest since.
    """

    take: Take
    record: Record
    has_changed: bool
    entry: Rendered
    file: str
    path: str

    @property
    def url(self) -> str:
        """The same path as an address."""
        return address_of(self.path)

    @property
    def rate(self) -> Fraction:
        """Frames per second, exactly: the record holds three decimals."""
        fps = Fraction(self.entry.render.fps)
        broadcast = round(fps) * _DROP
        is_nearer = abs(fps - broadcast) < abs(fps - round(fps))  # one picture a second is near to both
        return broadcast if is_nearer and abs(fps - broadcast) < _RATE_TOLERANCE else fps

    @property
    def frames(self) -> int:
        """The length in frames, one at least."""
        return max(1, round(Fraction(self.entry.render.duration_s) * self.rate))

    @property
    def used(self) -> range:
        """The frames that the film takes of it, one at least, by the shot's trim."""
        trim = self.take.trim or Trim()
        first = min(round(Fraction(trim.start_s) * self.rate), self.frames - 1)
        end = self.frames if trim.end_s is None else min(round(Fraction(trim.end_s) * self.rate), self.frames)
        return range(first, max(end, first + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoClip:
    """A take without a file that can be shown; `reason` completes "it has no clip:"."""

    take: Take
    record: Record | None
    has_changed: bool
    reason: str


Footage = Clip | NoClip


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotFootage:
    """The takes of one shot, in the order of the manifest."""

    shot_id: str
    takes: tuple[Footage, ...]

    @property
    def in_film(self) -> bool:
        """Whether the film has a place for it."""
        return self.takes[0].take.in_film

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The takes that have a clip."""
        return tuple(take for take in self.takes if isinstance(take, Clip))

    @property
    def models(self) -> tuple[ModelGroup, ...]:
        """What its models are compared by, where there are several."""
        return by_model.groups(
            by_model.seen(one.take, one.record, one.entry if isinstance(one, Clip) else None) for one in self.takes
        )

    @property
    def picked(self) -> Footage | None:
        """The take that a person has chosen."""
        return next((footage for footage in self.takes if footage.record is not None and footage.record.picked), None)


def address_of(path: str) -> str:
    """A relative path as a relative address, in which no character means anything but itself."""
    return quote(path, safe=_PLAIN_IN_ADDRESS)


def of_project(project: Project, lock: Lock, link: Link, is_meant: Chosen) -> tuple[ShotFootage, ...]:
    """The takes of each shot with their clips, as they are seen from a file from which `link` leads to others."""
    now = gather.standing(project, lock)
    disk = gather.disk_facts(project, now.takes, now.records)
    return of(now.takes, now.records, disk, link, is_meant)


def inside(project: Project) -> Link:
    """The way from the manifest's folder to a file of the project, links followed."""

    def link(name: str) -> str | None:
        return name if (project.folder / name).resolve().is_relative_to(project.root) else None

    return link


def of(takes: Sequence[Take], records: Records, disk: DiskFacts, link: Link, among: Chosen) -> tuple[ShotFootage, ...]:
    """The footage of those of the manifest's takes that are meant, shot by shot."""
    changed = changed_ids(takes, records)
    shots: dict[str, list[Footage]] = {}
    for take in filter(lambda take: among(take.id), takes):
        record, file = records.get(take.id), disk.clips.get(take.id, FileState.MISSING)
        shots.setdefault(take.shot_id, []).append(_footage(take, record, file, link, has_changed=take.id in changed))
    return tuple(ShotFootage(shot_id=shot_id, takes=tuple(found)) for shot_id, found in shots.items())


def _footage(take: Take, record: Record | None, file: FileState, link: Link, *, has_changed: bool) -> Footage:
    def no_clip(reason: str) -> NoClip:
        return NoClip(take=take, record=record, has_changed=has_changed, reason=reason)

    if record is None:
        return no_clip("it was never rendered")
    if not isinstance(record.entry, Rendered):
        return no_clip(f"it is {state_name(record.entry)}")
    name = take.output if record.is_wanted else record.entry.render.path
    fps = record.entry.render.fps
    path = link(name)
    if path is None:
        return no_clip(f"{name} leads out of the project")
    if file is not FileState.MATCHES:
        return no_clip(f"{name} is {file}")
    if not 1 <= fps <= _FASTEST_FPS:
        return no_clip(f"{fps:f} frames per second is not a plausible rate")
    return Clip(take=take, record=record, has_changed=has_changed, entry=record.entry, file=name, path=path)
