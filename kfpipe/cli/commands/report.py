"""`kfpipe report`"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams
from kfpipe.cli.output.amounts import counted
from kfpipe.cli.views import report as report_view
from kfpipe.errors import BadRender, ExitCode, Refused, StorageFailed
from kfpipe.lock import lockfile
from kfpipe.media.posters import Posters
from kfpipe.plan import gather
from kfpipe.project import Project
from kfpipe.review import footage
from kfpipe.review.footage import Clip
from kfpipe.review.output import Handout
from kfpipe.wording import echoed

_ENDINGS = (".html", ".htm")


@click.command(
    "report",
    cls=WithExamples,
    epilog=examples("kfpipe report shots.yaml", "kfpipe report shots.yaml -s tag:hero -o review.html"),
)
@manifest_arguments
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write; the default is next to the clips.",
)
@select_option
@json_option
def command(source: Source, output: Path | None, select: Selectors, as_json: bool) -> ExitCode:
    """Write an HTML page for reviewing the takes.

    Shows each shot with its stills and prompt, and each take with its clip, seed, cost and state. The page has no
    scripts and works offline; it refers to stills and clips where they are, so keep it in the project folder.
    """
    project = source.load()
    streams.note(*messages.problems_text(project.warnings))
    given = output or source.path.parent / project.manifest.output_dir / f"{project.stem}.html"
    if given.suffix.lower() not in _ENDINGS:
        raise Refused.because(
            "--output", f"{echoed(given.name)} is not an HTML file name", expected="a file name ending in .html"
        )
    handout = Handout.at(given, project)
    lock = lockfile.read(project.paths)
    now = gather.standing(project, lock)
    is_meant = select.among(now)
    shown = [one for one in now.everyone if is_meant(one.take_id)]
    shots = footage.of_project(project, lock, handout, is_meant)
    title, poster = project.manifest.title or project.stem, _posters(project, handout)
    handout.write(report_view.html(title, shots, shown, handout.link, poster))
    takes, clips = sum(len(shot.takes) for shot in shots), sum(len(shot.clips) for shot in shots)
    if as_json:
        counts = {"shots": len(shots), "takes": takes, "clips": clips}
        streams.result_json({"file": str(given), **counts, "exit_code": int(ExitCode.OK)})
    else:
        told = ", ".join((counted(len(shots), "shot"), counted(takes, "take"), counted(clips, "clip")))
        streams.result(f"{given}: {told}")
    return ExitCode.OK


def _posters(project: Project, handout: Handout) -> report_view.Poster:
    """The posters of the clips, as they are seen from the page; one that is missing is cut."""
    posters = Posters(project.state_dir)

    def poster(clip: Clip) -> str | None:
        with suppress(BadRender, StorageFailed):
            return handout.link(str(posters.of(project.folder / clip.file, clip.entry.render.sha256)))
        return None

    return poster
