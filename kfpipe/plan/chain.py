"""Takes that continue from others: the pictures that can be cut now, and the requests that they complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kfpipe.domain import CutFrom, LocalMedium, Take, in_order
from kfpipe.errors import BadRender, Problem, Refused
from kfpipe.lock.states import Lock, Rendered, is_rehearsal
from kfpipe.media import frames
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan.model import Chosen
from kfpipe.project import Project
from kfpipe.takes import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Chained:
    """Takes in manifest order, and by take id why a picture cannot be cut from a clip on disk."""

    takes: tuple[Take, ...]
    obstacles: Mapping[str, str]


def completed(project: Project, lock: Lock, disk: DiskFacts, rerender: Chosen) -> Chained:
    """The project's takes, those complete whose sources are rendered as the manifest wants them, and stay so."""
    if not any(take.cuts for take in project.takes):
        return Chained(takes=project.takes, obstacles={})
    made = {take.id: take for take in project.takes}
    obstacles: dict[str, str] = {}
    for take in in_order(project.takes):
        sources = [made[source] for source in take.sources]
        here = (_is_rendered(source, lock, disk, project.region.name) for source in sources)
        if sources and all(here) and not any(rerender(source.id) for source in sources):
            try:
                made[take.id] = complete(project, take, lock)
            except (BadRender, Refused) as trouble:
                obstacles[take.id] = why_not(trouble)
    return Chained(takes=tuple(made[take.id] for take in project.takes), obstacles=obstacles)


def why_not(trouble: BadRender | Refused) -> str:
    """Why `complete` could not complete a take, in a line."""
    if isinstance(trouble, BadRender):
        return f"no picture can be cut for it: {trouble}"
    return "; ".join(problem.what for problem in trouble.problems)


def _is_rendered(source: Take, lock: Lock, disk: DiskFacts, region: str) -> bool:
    """Whether the take's clip is here as the manifest wants it, and was paid for, not rehearsed."""
    record = lock.get(source.id)
    return (
        not source.cuts
        and record is not None
        and isinstance(record.entry, Rendered)
        and not is_rehearsal(record.entry, region)
        and record.entry.asked.fingerprint == source.fingerprint
        and disk.clips.get(source.id) is FileState.MATCHES
    )


def complete(project: Project, take: Take, lock: Lock) -> Take:
    """The take with its pictures cut from the clips on record. Blocks.

    Raises `BadRender` for a clip that cannot be decoded, Refused for a picture that the model does not take,
    StorageFailed.
    """
    pictures = {role: _cut(project, cut, lock) for role, cut in take.cuts}
    made, complaints = resolve.resolved(take, pictures)
    if complaints:
        raise Refused(Problem(file=project.stem, where=take.id, what=complaint) for complaint in complaints)
    return made


def _cut(project: Project, cut: CutFrom, lock: Lock) -> LocalMedium:
    entry = lock[cut.take_id].entry
    if not isinstance(entry, Rendered):
        raise BadRender(f"{cut.take_id} has no clip")
    return frames.cut(entry.render, cut.end, folder=project.folder, state_dir=project.state_dir)
