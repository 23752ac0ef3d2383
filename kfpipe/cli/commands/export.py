"""`kfpipe export`"""

from __future__ import annotations

from pathlib import Path

import click

from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.views import export as export_view
from kfpipe.errors import ExitCode, Refused
from kfpipe.lock import lockfile
from kfpipe.plan import gather
from kfpipe.project import Project
from kfpipe.review import footage, formats, timeline
from kfpipe.review.formats import Format
from kfpipe.review.output import Handout
from kfpipe.wording import echoed, listed


@click.command(
    "export",
    cls=WithExamples,
    epilog=examples("kfpipe export shots.yaml -o film.otio", "kfpipe export shots.yaml --format edl --allow-gaps"),
)
@manifest_arguments
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write; its extension sets the format.",
)
@click.option(
    "--format",
    "wanted",
    type=click.Choice([form.value for form in Format]),
    help="Without -o: write a file in this format next to the clips.",
)
@click.option("--allow-gaps", is_flag=True, help="Leave gaps for shots without a clip.")
@select_option
@json_option
def command(
    source: Source,
    output: Path | None,
    wanted: str | None,
    allow_gaps: bool,
    select: Selectors,
    as_json: bool,
) -> ExitCode:
    """Export the picked takes to an NLE: OTIO, EDL, CSV.

    The file holds one track: the shots in film order, each with its picked take, or its only clip. It refers to
    the clips where they are. FFmpeg joins an .ffconcat file into one film.

    Exit code 1: a shot has no clip, or has several and none is picked; nothing is written then, unless --allow-gaps.
    """
    project = source.load()
    streams.note(*messages.problems_text(project.warnings))
    handout = Handout.at(output or _usual_place(source.path.parent, project, wanted), project)
    form = _format(handout.given, wanted)
    lock = lockfile.read(project.paths)
    shots = footage.of_project(project, lock, handout.link, select.among(gather.standing(project, lock)))
    made = timeline.make(project.manifest.title or project.stem, shots)
    written = None
    if allow_gaps or not made.gaps:
        handout.write(formats.text(made, form))
        written = handout.given
    code = ExitCode.INCOMPLETE if written is None else ExitCode.OK
    if as_json:
        streams.result_json({**export_view.as_json(made, written), "exit_code": int(code)})
        return code
    table.show(export_view.table(made))
    streams.result("", *export_view.summary(made, written, source.command))
    return code


def _usual_place(folder: Path, project: Project, wanted: str | None) -> Path:
    if wanted is None:
        raise click.UsageError("give -o FILE or --format")
    return folder / project.manifest.output_dir / f"{project.stem}.{wanted}"


def _format(path: Path, wanted: str | None) -> Format:
    """The format that the file's extension names. Raises Refused."""
    ending = path.suffix.removeprefix(".").lower()
    if ending not in [*Format] or wanted not in (None, ending):
        expected = f"a file name ending in {listed(f'.{name}' for name in ([wanted] if wanted else Format))}"
        raise Refused.because(
            "--output", f"{echoed(path.name)} does not have the extension of an export format", expected=expected
        )
    return Format(ending)
