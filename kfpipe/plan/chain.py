"""Takes that continue from others: the pictures that can be cut now, and the requests that they complete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kfpipe.domain import CutFrom, Take, in_order
from kfpipe.errors import BadRender, Problem, Refused
from kfpipe.files.durable import storage
from kfpipe.lock.records import Register
from kfpipe.lock.states import Render, Rendered
from kfpipe.media import frames
from kfpipe.media.facts import FileState, Recording
from kfpipe.media.renders import Shelf
from kfpipe.plan.model import Chosen
from kfpipe.project import Project
from kfpipe.takes import resolve
from kfpipe.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Chained:
    """Takes in film order, and by take id why a picture cannot be cut from a clip on disk."""

    takes: tuple[Take, ...]
    obstacles: Mapping[str, str]


def completed(project: Project, register: Register, shelf: Shelf, rerender: Chosen) -> Chained:
    """The project's takes, those complete whose sources are rendered as the manifest wants them, and stay so."""
    if not any(take.cuts for take in project.takes):
        return Chained(takes=project.takes, obstacles={})
    made = {take.id: take for take in project.takes}
    obstacles: dict[str, str] = {}
    for take in in_order(project.takes):
        sources = [made[source] for source in take.sources]
        here = (_is_here(source, register, shelf) for source in sources)
        if sources and not take.unpicked and all(here) and not any(rerender(source.id) for source in sources):
            try:
                made[take.id] = complete(project, take, sources, register)
            except (BadRender, Refused) as trouble:
                obstacles[take.id] = why_not(trouble)
    return Chained(takes=tuple(made[take.id] for take in project.takes), obstacles=obstacles)


def why_not(trouble: BadRender | Refused) -> str:
    """Why `complete` could not complete a take, in a line."""
    if isinstance(trouble, BadRender):
        return f"no picture can be cut for it: {trouble}"
    return "; ".join(problem.what for problem in trouble.problems)


def _is_here(source: Take, register: Register, shelf: Shelf) -> bool:
    """Whether the take's clip is in its place as the manifest wants it."""
    clip = None if source.cuts else _clip(source, register)
    return clip is not None and shelf.state(source.output, clip.render) is FileState.MATCHES


def _clip(source: Take, register: Register) -> Rendered | None:
    record = register.wanted(source)
    return record.entry if record is not None and isinstance(record.entry, Rendered) else None


def complete(project: Project, take: Take, sources: Iterable[Take], register: Register) -> Take:
    """The take with its pictures cut from the clips of these other takes. Blocks.

    Raises `BadRender` for a clip that cannot be decoded, Refused for a picture that the model does not take,
    StorageFailed.
    """
    by_id = {source.id: source for source in sources}
    renders = {role: _render(cut, by_id[cut.take_id], register) for role, cut in take.cuts}
    pictures = {
        role: frames.cut(renders[role], cut.end, folder=project.folder, state_dir=project.state_dir)
        for role, cut in take.cuts
        if cut.end is not None
    }
    clips = [(renders[role].path, _whole(renders[role], project)) for role, cut in take.cuts if cut.end is None]
    made, complaints = resolve.resolved(take, pictures, *clips)
    if complaints:
        raise Refused(Problem(file=project.stem, where=take.id, what=complaint) for complaint in complaints)
    return made


def completed_take(project: Project, take: Take, by_id: Mapping[str, Take], register: Register) -> Take:
    """The take with its pictures, whose sources, and theirs in turn, have their clips. Blocks; raises as `complete`."""
    if not take.cuts:
        return take
    sources = [completed_take(project, by_id[source], by_id, register) for source in take.sources]
    return complete(project, take, sources, register)


def _render(cut: CutFrom, source: Take, register: Register) -> Render:
    """The source's clip in its place."""
    clip = _clip(source, register)
    if clip is None:
        raise BadRender(f"{cut.take_id} has no clip")
    return replace(clip.render, path=source.output)


def _whole(render: Render, project: Project) -> Recording:
    with storage(project.folder / render.path):
        return frames.whole(render, folder=project.folder)
