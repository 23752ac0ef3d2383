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
from kfpipe.plan.model import Chosen
from kfpipe.project import Project
from kfpipe.review import footage, joins
from kfpipe.review.bundle import Bundle
from kfpipe.review.footage import Clip, Link, ShotFootage
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
@click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    metavar="FILE.zip",
    help="Write an archive instead, with the page and the media that it shows.",
)
@select_option
@json_option
def command(source: Source, output: Path | None, bundle: Path | None, select: Selectors, as_json: bool) -> ExitCode:
    """Write an HTML page for reviewing the takes.

    Shows each shot with its stills and prompt, and each take with its clip, seed, cost and state. The page has no
    scripts and works offline; it refers to stills and clips where they are, so keep it in the project folder;
    --bundle takes them along.
    """
    project = source.load()
    streams.note(*messages.problems_text(project.warnings))
    handout = _handout(source, project, output, bundle)
    is_meant = select.among(gather.standing(project, lockfile.read(project.paths)))
    shots = write_page(project, handout if bundle is None else Bundle(handout=handout), is_meant)
    given = handout.given
    takes, clips = sum(len(shot.takes) for shot in shots), sum(len(shot.clips) for shot in shots)
    if as_json:
        counts = {"shots": len(shots), "takes": takes, "clips": clips}
        streams.result_json({"file": str(given), **counts, "exit_code": int(ExitCode.OK)})
    else:
        told = ", ".join((counted(len(shots), "shot"), counted(takes, "take"), counted(clips, "clip")))
        streams.result(f"{given}: {told}")
    return ExitCode.OK


def write_page(project: Project, target: Handout | Bundle, is_meant: Chosen) -> tuple[ShotFootage, ...]:
    """Write the page of these takes; what it shows, shot by shot. Raises StorageFailed, Refused."""
    lock = lockfile.read(project.paths)
    now = gather.standing(project, lock)
    shown = [one for one in now.everyone if is_meant(one.take_id)]
    shots = footage.of_project(project, lock, target.link, is_meant)
    title, poster = project.manifest.title or project.stem, _posters(project, target.link)
    cuts = report_view.cuts(joins.of_film(project, now), shots, now.min_fidelity)
    target.write(report_view.html(title, shots, shown, target.link, poster, cuts))
    return shots


def _posters(project: Project, link: Link) -> report_view.Poster:
    """The posters of the clips, as they are seen from the page; one that is missing is cut."""
    posters = Posters(project.state_dir)

    def poster(clip: Clip) -> str | None:
        with suppress(BadRender, StorageFailed):
            return link(str(posters.of(project.folder / clip.file, clip.entry.render.sha256)))
        return None

    return poster


def _handout(source: Source, project: Project, output: Path | None, bundle: Path | None) -> Handout:
    """The file to write. Raises Refused for one of another kind."""
    if output is not None and bundle is not None:
        raise click.UsageError("give either --output or --bundle")
    if bundle is not None:
        if bundle.suffix.lower() != ".zip":
            what = f"{echoed(bundle.name)} is not the name of an archive"
            raise Refused.because("--bundle", what, expected="a file name ending in .zip")
        return Handout.at(bundle, project)
    return page_at(output or source.path.parent / project.manifest.output_dir / f"{project.stem}.html", project)


def page_at(given: Path, project: Project) -> Handout:
    """The page to write. Raises Refused for a file of another kind."""
    if given.suffix.lower() not in _ENDINGS:
        what = f"{echoed(given.name)} is not an HTML file name"
        raise Refused.because("--output", what, expected="a file name ending in .html")
    return Handout.at(given, project)
