"""What is made for other people, from Python: the page, the film, lists for an NLE, and the review in a browser.

It stands beyond the command line, because the page is written in its words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from os import PathLike
from pathlib import Path

from kfpipe import accounts, api, environment
from kfpipe import project as projects
from kfpipe.cli.commands import export as export_command
from kfpipe.cli.commands import export_film
from kfpipe.cli.commands import report as report_command
from kfpipe.errors import Problem, Refused
from kfpipe.lock import lockfile
from kfpipe.plan import gather
from kfpipe.plan.model import Chosen, everything
from kfpipe.plan.selection import Selection
from kfpipe.project import Project
from kfpipe.review import footage, formats
from kfpipe.review.app import server
from kfpipe.review.app.routes import Desk
from kfpipe.review.app.watcher import Watcher
from kfpipe.review.bundle import Bundle
from kfpipe.review.formats import Format
from kfpipe.review.output import Handout
from kfpipe.review.timeline import Gap
from kfpipe.wording import echoed

__all__ = ["export", "report", "review"]


def report(project: Project, file: str | PathLike[str], *, select: Selection = everything) -> Path:
    """Write the page on which the takes are reviewed; its path. A `.zip` takes the media along, an `.html` does not.

    Raises `Refused` for another kind of file, or where something that kfpipe did not write is in its place.
    """
    path, chosen = Path(file), _chosen(project, select)
    if path.suffix.lower() == ".zip":
        report_command.write_page(project, Bundle(handout=Handout.at(path, project)), chosen)
    else:
        report_command.write_page(project, report_command.page_at(path, project), chosen)
    return path


def export(
    project: Project, file: str | PathLike[str], *, select: Selection = everything, allow_gaps: bool = False
) -> Path:
    """Write the film of the picked takes, or a list of them for an NLE, by the file's ending; its path.

    `.mp4`, `.otio`, `.edl`, `.csv` and `.ffconcat` are known. A shot without a clip, or with several of which none is
    picked, raises `Refused`; with `allow_gaps` a gap stands for it, in a film a slate.
    """
    handout = Handout.at(Path(file), project)
    form = export_command.format_of(handout.given, None)
    shots = footage.of_project(project, lockfile.read(project.paths), handout.link, _chosen(project, select))
    made = export_command.timeline_of(project, shots, form)
    if made.gaps and not allow_gaps:
        raise Refused(_problem(project, gap) for gap in made.gaps)
    if form == export_film.FILM:
        film = export_film.edited(project, made)
        export_film.write(film, project, handout, export_film.music_of(project), lambda _: nullcontext(_unseen))
    else:
        handout.write(formats.text(made, Format(form)))
    return handout.given


@contextmanager
def review(project: Project, *, port: int = 0, read_only: bool = False) -> Iterator[str]:
    """Serve the review of the takes on this machine for as long as the block lasts; the address that opens it, once.

    It follows the manifest as it is edited, and shows a run that is on. Port 0 picks a free one; raises `OSError` for
    one that is taken.
    """
    settings = environment.read()

    def load(bring: Callable[[Path], None]) -> Project:
        return projects.load(project.path, project.options, bring=bring)

    watcher = Watcher(project.path, load, lambda project: accounts.known(project, settings))
    with server.serving(Desk(watcher, api.pick, is_read_only=read_only), port) as address:
        yield address


def _chosen(project: Project, select: Selection) -> Chosen:
    return gather.chosen(gather.standing(project, lockfile.read(project.paths)), select, "select")


def _problem(project: Project, gap: Gap) -> Problem:
    fix = f"pick one of {len(gap.choices)} takes" if gap.choices else "render it first"
    return Problem(
        file=project.sources[0].file,
        where=f"shot {echoed(gap.shot_id)}",
        what=gap.reason,
        fix=f"{fix}, or pass `allow_gaps=True`",
    )


def _unseen(_: int) -> None:
    """Nobody watches the film being made."""
