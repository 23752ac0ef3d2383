"""Clips of takes that have left the manifest: out of the way, and never out of the record.

The take stays in the lockfile as it is, with what it cost; only the path of its render changes, to where the file was
moved: `.previous` in the same folder. A take that comes back to the manifest unchanged is rendered already.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kfpipe.files.durable import sha256_of, storage
from kfpipe.lock.records import Record
from kfpipe.lock.states import EMPTY, Render, Rendered
from kfpipe.lock.transitions import at_place
from kfpipe.media.facts import FileState
from kfpipe.media.placement import set_aside
from kfpipe.media.renders import PREVIOUS
from kfpipe.plan import gather
from kfpipe.plan.gather import Standing, disk_facts
from kfpipe.project import Project


class ClipState(StrEnum):
    """What becomes of the clip of a take that has left. One with other bytes than on record is not ours to move."""

    MOVE = "to move"
    ASIDE = "set aside"
    ALTERED = "altered"
    MISSING = "missing"
    NONE = "no clip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Departed:
    """A take on record that the manifest no longer names."""

    take_id: str
    record: Record
    clip: ClipState

    @property
    def key(self) -> str:
        """The request's that the clip was rendered for."""
        return self.record.key


def departed(project: Project, standing: Standing) -> list[Departed]:
    """All of them, by take id, and what becomes of their clips. Nothing outside the project is moved."""
    present, records = {take.id for take in project.takes}, standing.records
    disk, folder = disk_facts(project, standing.takes, records), project.folder
    in_use = gather.taken_places(project, gather.register(project, EMPTY))
    found = []
    for take_id in sorted(records.keys() - present):
        render = _render(records[take_id])
        if render is None:
            clip = ClipState.NONE
        elif render.path in in_use or not (folder / render.path).resolve().is_relative_to(project.root):
            clip = ClipState.ALTERED
        else:
            clip = _clip_state(render, disk.clips[take_id], folder)
        found.append(Departed(take_id=take_id, record=records[take_id], clip=clip))
    return found


def moved(one: Departed, folder: Path) -> Rendered:
    """Move the clip; the take's entry that says where it is now. Raises StorageFailed."""
    entry = one.record.entry
    assert isinstance(entry, Rendered)
    render = entry.render
    clip = folder / render.path
    with storage(clip):
        place = _moved_before(render, folder) or set_aside(clip, render.sha256)
    return at_place(entry, (Path(render.path).parent / PREVIOUS / place.name).as_posix())


def _render(record: Record | None) -> Render | None:
    return record.entry.render if record is not None and isinstance(record.entry, Rendered) else None


def _clip_state(render: Render, file: FileState, folder: Path) -> ClipState:
    if Path(render.path).parent.name == PREVIOUS:
        return ClipState.ASIDE
    if file is FileState.ALTERED:
        return ClipState.ALTERED
    if file is FileState.MATCHES or _moved_before(render, folder) is not None:
        return ClipState.MOVE
    return ClipState.MISSING


def _moved_before(render: Render, folder: Path) -> Path | None:
    """Where the clip is, when a process was killed between moving it and recording that."""
    place = folder / render.path
    with suppress(OSError):
        for path in sorted((place.parent / PREVIOUS).iterdir()):
            if render.sha256[:12] in path.name and sha256_of(path) == render.sha256:
                return path
    return None
