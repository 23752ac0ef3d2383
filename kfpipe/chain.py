"""Takes that go on from others: the pictures that can be cut now, and the requests that they complete."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter

from kfpipe import cuts, takes
from kfpipe.domain import CutFrom, LocalMedium, Take
from kfpipe.errors import BadRender, Problem, Refused
from kfpipe.lock import Lock, Rendered
from kfpipe.plan import FileState
from kfpipe.project import Project


def completed(project: Project, lock: Lock, files: Mapping[str, FileState]) -> tuple[Take, ...]:
    """The project's takes in manifest order, those complete whose sources are rendered as the manifest wants them."""
    if not any(take.cuts for take in project.takes):
        return project.takes
    made = {take.id: take for take in project.takes}
    order = TopologicalSorter({take.id: [cut.take_id for _, cut in take.cuts] for take in project.takes})
    for take_id in order.static_order():
        take = made[take_id]
        if take.cuts and all(_is_rendered(made[cut.take_id], lock, files) for _, cut in take.cuts):
            made[take_id] = _if_sound(project, take, lock)
    return tuple(made[take.id] for take in project.takes)


def _is_rendered(source: Take, lock: Lock, files: Mapping[str, FileState]) -> bool:
    record = lock.get(source.id)
    return (
        not source.cuts
        and record is not None
        and isinstance(record.entry, Rendered)
        and record.entry.asked.fingerprint == source.fingerprint
        and files.get(source.id) is FileState.MATCHES
    )


def _if_sound(project: Project, take: Take, lock: Lock) -> Take:
    try:
        return complete(project, take, lock)
    except (BadRender, Refused):
        return take  # left as it is, it shows in the plan as waiting for a decision


def complete(project: Project, take: Take, lock: Lock) -> Take:
    """The take with its pictures cut from the clips on record. Blocks.

    Raises `BadRender` for a clip that cannot be decoded, Refused for a picture that the model does not take,
    StorageFailed.
    """
    pictures = {role: _cut(project, cut, lock) for role, cut in take.cuts}
    made, complaints = takes.resolved(take, pictures)
    if complaints:
        raise Refused(Problem(file=project.stem, where=take.id, what=complaint) for complaint in complaints)
    return made


def _cut(project: Project, cut: CutFrom, lock: Lock) -> LocalMedium:
    entry = lock[cut.take_id].entry
    if not isinstance(entry, Rendered):
        raise BadRender(f"{cut.take_id} has no clip")
    return cuts.cut(entry.render, cut.end, folder=project.folder, state_dir=project.state_dir)
