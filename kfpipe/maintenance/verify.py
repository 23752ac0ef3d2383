"""Every clip against the record: its bytes, whether its pictures can be decoded, and how like its stills it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from kfpipe.domain import Take
from kfpipe.errors import BadRender, StorageFailed
from kfpipe.files import lfs
from kfpipe.files.durable import sha256_of
from kfpipe.lock import lockfile
from kfpipe.lock.records import Record, Records
from kfpipe.lock.states import Fidelity, Render, Rendered, fidelity_of
from kfpipe.media import ends, renders
from kfpipe.media.examination import stills_given
from kfpipe.media.facts import Expected
from kfpipe.plan.model import Chosen
from kfpipe.project import Project

if TYPE_CHECKING:
    from kfpipe.media.video import Glimpse


class Condition(StrEnum):
    """How a rendered file compares with its record."""

    SOUND = "sound"
    MISSING = "missing"
    ALTERED = "altered"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One take's file; `detail` says what is wrong with it. `fidelity` is on record, or measured just now."""

    take_id: str
    path: str
    condition: Condition
    detail: str
    fidelity: Fidelity | None = None


def verify(project: Project, takes: Sequence[Take], records: Records, is_meant: Chosen) -> Iterator[Verified]:
    """The rendered files of the selected takes, one after the other, against their records.

    `takes` are the project's, complete as far as they can be.
    """
    sound = True
    chosen = {take_id: record for take_id, record in records.items() if is_meant(take_id)}
    for verified in _verified(chosen, {take.id: take for take in takes}, project):
        sound = sound and verified.condition is Condition.SOUND
        yield verified
    if not sound:  # a file may have changed without a new time stamp, and is remembered as it was
        renders.forget(project.state_dir)


def note_fidelity(project: Project, records: Records, found: Iterable[Verified]) -> int:
    """Put on record how like their stills clips are that were not compared before; how many requests say so now.

    Raises Refused, StorageFailed.
    """
    measured = {}
    for one in found:
        record = records[one.take_id]
        entry = record.entry
        if isinstance(entry, Rendered) and record.place is None and entry.render.fidelity != one.fidelity:
            measured[record.key] = replace(entry, render=replace(entry.render, fidelity=one.fidelity))
    return lockfile.supplement(project.paths, measured) if measured else 0


def _verified(records: Records, takes: dict[str, Take], project: Project) -> Iterator[Verified]:
    """Compare every rendered take's file with its digest, and decode its first and last picture."""
    for take_id in sorted(records):
        record, take = records[take_id], takes.get(take_id)
        entry = record.entry
        if isinstance(entry, Rendered):
            path = take.output if take is not None and record.is_wanted else entry.render.path
            condition, detail, glimpse = _compared(entry.render, project.folder / path)
            fidelity = fidelity_of(entry)
            if glimpse is not None:
                fidelity = fidelity or _fidelity(glimpse, record, take, project)
                _keep_ends(entry.render, glimpse, project)
            yield Verified(take_id=take_id, path=path, condition=condition, detail=detail, fidelity=fidelity)


def _compared(render: Render, path: Path) -> tuple[Condition, str, Glimpse | None]:
    """How the file compares with the record, and why, in words; of a sound one its pictures, and no words."""
    from kfpipe.media import video  # PyAV is slow to load, and who only imports this looks at no clip

    try:
        if sha256_of(path) != render.sha256:
            if lfs.pointed_at(path) == render.sha256:
                return Condition.MISSING, "it is only a Git LFS pointer to the clip: `git lfs pull` fetches it", None
            return Condition.ALTERED, "its digest is not the one on record", None
        clip = video.examine(path, Expected(size=None, seconds=round(render.duration_s)))
    except (FileNotFoundError, NotADirectoryError):
        return Condition.MISSING, "there is no such file", None
    except (OSError, BadRender) as trouble:
        return Condition.UNREADABLE, str(trouble), None
    return Condition.SOUND, "", clip.glimpse


def _fidelity(glimpse: Glimpse, record: Record, take: Take | None, project: Project) -> Fidelity | None:
    """How like its stills the clip is, as far as they are still those that it was made from."""
    from kfpipe.media import pictures

    return pictures.fidelity(pictures.greys(glimpse), stills_given(record.entry.asked, take, project.folder))


def _keep_ends(render: Render, glimpse: Glimpse, project: Project) -> None:
    from kfpipe.media import pictures

    with suppress(StorageFailed):  # they can be cut again
        ends.keep(project.state_dir, render.sha256, pictures.greys(glimpse))
