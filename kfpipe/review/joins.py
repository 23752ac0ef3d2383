"""How much the pictures look alike where one shot of the film gives way to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from kfpipe.domain import FrameEnd
from kfpipe.lock.states import Rendered
from kfpipe.media.ends import ClipPicture, EndPictures
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan import gather
from kfpipe.plan.gather import Standing
from kfpipe.plan.model import Plan, everything
from kfpipe.project import Project
from kfpipe.review import footage, timeline
from kfpipe.review.footage import Clip
from kfpipe.review.timeline import Cut, Join, Timeline

MOST_CUT: Final = 32
"""How many missing pictures a command cuts that is to answer at once: a few seconds' work."""

Likeness = Callable[[ClipPicture, ClipPicture], Decimal | None]


def of_film(project: Project, now: Standing, *, most_cut: int | None = None) -> tuple[Join, ...]:
    """The joins of the whole film with their fidelity; `most_cut` as for `EndPictures`."""
    disk = gather.disk_facts(project, now.takes, now.records)
    shots = footage.of(now.takes, now.records, disk, footage.inside(project), everything)
    made = timeline.make(project.stem, shots)
    return measured(made, project.folder, EndPictures(project.state_dir, most_cut=most_cut)).joins


def of_plan(project: Project, plan: Plan, clips: Mapping[str, Rendered]) -> tuple[Join, ...]:
    """The joins of a plan's film; of those whose pictures are kept, the fidelity. `clips` are those in their places."""
    takes = [step.take for step in plan.takes if step.take is not None]
    records = {step.take_id: step.record for step in plan.takes if step.record is not None}
    here = (take_id for take_id, record in records.items() if clips.get(take_id) is record.entry)
    disk = DiskFacts(clips=dict.fromkeys(here, FileState.MATCHES))
    shots = footage.of(takes, records, disk, footage.inside(project), everything)
    made = timeline.make(project.stem, shots)
    return measured(made, project.folder, EndPictures(project.state_dir, most_cut=0)).joins


def measured(made: Timeline, folder: Path, ends: EndPictures) -> Timeline:
    """The timeline with the fidelity of its joins, None where a clip is not here. `folder` is the manifest's."""
    fidelities = tuple(_fidelity(join, folder, ends.likeness) for join in made.joins)
    ends.save()
    return replace(made, fidelities=fidelities)


def _fidelity(join: Join, folder: Path, likeness: Likeness) -> Decimal | None:
    if not isinstance(join.before, Cut) or not isinstance(join.after, Cut):
        return None
    return likeness(_last(join.before.clip, folder), _first(join.after.clip, folder))


def _first(clip: Clip, folder: Path) -> ClipPicture:
    """The first picture that the film takes of the clip."""
    begins = clip.used.start
    return _picture(clip, folder, FrameEnd.FIRST if begins == 0 else begins / clip.rate)


def _last(clip: Clip, folder: Path) -> ClipPicture:
    end = clip.used.stop
    return _picture(clip, folder, FrameEnd.LAST if end == clip.frames else (end - 1) / clip.rate)


def _picture(clip: Clip, folder: Path, at: FrameEnd | Fraction) -> ClipPicture:
    return ClipPicture(file=folder / clip.file, sha256=clip.entry.render.sha256, at=at)
