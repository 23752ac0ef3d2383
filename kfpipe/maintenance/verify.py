"""Every clip against the record: its bytes, and whether its pictures can be decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kfpipe.errors import BadRender
from kfpipe.files import lfs
from kfpipe.files.durable import sha256_of
from kfpipe.lock.records import Records
from kfpipe.lock.states import Render, Rendered
from kfpipe.media import renders
from kfpipe.media.facts import Expected
from kfpipe.plan.model import Chosen
from kfpipe.project import Project


class Condition(StrEnum):
    """How a rendered file compares with its record."""

    SOUND = "sound"
    MISSING = "missing"
    ALTERED = "altered"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One take's file; `detail` says what is wrong with it."""

    take_id: str
    path: str
    condition: Condition
    detail: str


def verify(project: Project, records: Records, is_meant: Chosen) -> Iterator[Verified]:
    """The rendered files of the selected takes, one after the other, against their records."""
    sound = True
    for verified in _verified({take_id: record for take_id, record in records.items() if is_meant(take_id)}, project):
        sound = sound and verified.condition is Condition.SOUND
        yield verified
    if not sound:  # a file may have changed without a new time stamp, and is remembered as it was
        renders.forget(project.state_dir)


def _verified(records: Records, project: Project) -> Iterator[Verified]:
    """Compare every rendered take's file with its digest, and decode its first and last picture."""
    places = {take.id: take.output for take in project.takes}
    for take_id in sorted(records):
        record = records[take_id]
        entry = record.entry
        if isinstance(entry, Rendered):
            path = places.get(take_id, entry.render.path) if record.is_wanted else entry.render.path
            condition, detail = _compared(entry.render, project.folder / path)
            yield Verified(take_id=take_id, path=path, condition=condition, detail=detail)


def _compared(render: Render, path: Path) -> tuple[Condition, str]:
    """How the file compares with the record, and why, in words; empty words for a sound one."""
    from kfpipe.media import video  # PyAV is slow to load, and who only imports this looks at no clip

    try:
        if sha256_of(path) != render.sha256:
            if lfs.pointed_at(path) == render.sha256:
                return Condition.MISSING, "it is only a Git LFS pointer to the clip: `git lfs pull` fetches it"
            return Condition.ALTERED, "its digest is not the one on record"
        video.examine(path, Expected(size=None, seconds=round(render.duration_s)))
    except (FileNotFoundError, NotADirectoryError):
        return Condition.MISSING, "there is no such file"
    except (OSError, BadRender) as trouble:
        return Condition.UNREADABLE, str(trouble)
    return Condition.SOUND, ""
