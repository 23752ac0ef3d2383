"""`kfpipe export`"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import click

from kfpipe.cli.commands import export_film
from kfpipe.cli.commands.export_film import FILM
from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.views import export as export_view
from kfpipe.errors import ExitCode, Refused
from kfpipe.lock import lockfile
from kfpipe.media.ends import EndPictures
from kfpipe.plan import gather
from kfpipe.project import Project
from kfpipe.review import footage, formats, joins, timeline
from kfpipe.review.footage import ShotFootage
from kfpipe.review.formats import Format
from kfpipe.review.output import Handout
from kfpipe.review.timeline import Timeline
from kfpipe.wording import echoed, listed


@click.command(
    "export",
    cls=WithExamples,
    epilog=examples(
        "kfpipe export shots.yaml -o film.mp4",
        "kfpipe export shots.yaml -o film.otio",
        "kfpipe export shots.yaml --emulator -o animatic.mp4",
        "kfpipe export shots.yaml --format edl --allow-gaps",
    ),
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
    type=click.Choice([*(form.value for form in Format), FILM]),
    help="Without -o: write a file in this format next to the clips.",
)
@click.option("--allow-gaps", is_flag=True, help="Leave gaps, in a film slates, for shots without a clip.")
@click.option("--strict", is_flag=True, help="Write no film in which a shot has no clip.")
@select_option
@json_option
def command(
    source: Source,
    output: Path | None,
    wanted: str | None,
    allow_gaps: bool,
    strict: bool,
    select: Selectors,
    as_json: bool,
) -> ExitCode:
    """Make the film, or export it to an NLE: MP4, OTIO, EDL, CSV.

    It is the shots in film order, each with its picked take, or its only clip, trimmed. An .mp4 file is the film
    itself: a shot without a clip is a slate, unless --strict; with --emulator, missing clips are rendered first, free.
    The other files refer to the clips where they are, in one track. FFmpeg joins an .ffconcat file into one film.

    Exit code 1: a shot has several clips and none is picked, or, but for a film, no clip; nothing is written then,
    unless --allow-gaps. With --emulator also: a clip could not be rendered, and a slate stands for it.
    """
    if allow_gaps and strict:
        raise click.UsageError("--allow-gaps and --strict contradict each other")
    project = source.load()
    handout = Handout.at(output or _usual_place(source.path.parent, project, wanted), project)
    form = format_of(handout.given, wanted)
    is_film, is_rehearsal = form == FILM, form == FILM and source.options.emulator
    music = export_film.music_of(project) if is_film else None  # first: it may be what a warning is about
    streams.note(*messages.problems_text(project.warnings))
    if is_rehearsal:
        chosen = export_film.rehearsed(project, select)
    else:
        chosen = select.among(gather.standing(project, lockfile.read(project.paths)))
    shots = footage.of_project(project, lockfile.read(project.paths), handout.link, chosen)
    made = timeline_of(project, shots, form)
    gaps = made.gaps if strict or not is_film else export_film.undecided(made, shots, project)
    edited = export_film.edited(project, made) if is_film else None
    written = None
    if allow_gaps or not gaps:
        if edited is not None:
            export_film.write(edited, project, handout, music)
        else:
            handout.write(formats.text(made, Format(form)))
        written = handout.given
    is_whole = written is not None and not (is_rehearsal and made.gaps and not allow_gaps)
    code = ExitCode.OK if is_whole else ExitCode.INCOMPLETE
    if as_json:
        streams.result_json({**export_view.as_json(made, written, edited), "exit_code": int(code)})
        return code
    table.show(export_view.table(made, edited))
    streams.result("", *export_view.summary(made, written, source.command, edited, is_strict=strict))
    return code


def timeline_of(project: Project, shots: Sequence[ShotFootage], form: str) -> Timeline:
    """What is exported, with all that the format tells: the film itself is dissolved by the film's own rate."""
    overlap_s = Decimal(0) if form in (Format.FFCONCAT, FILM) else project.manifest.film.overlap_s
    made = timeline.make(project.manifest.title or project.stem, shots, overlap_s=overlap_s)
    return joins.measured(made, project.folder, EndPictures(project.state_dir)) if form == Format.CSV else made


def _usual_place(folder: Path, project: Project, wanted: str | None) -> Path:
    if wanted is None:
        raise click.UsageError("give -o FILE or --format")
    return folder / project.manifest.output_dir / f"{project.stem}.{wanted}"


def format_of(path: Path, wanted: str | None) -> str:
    """The format that the file's extension names. Raises Refused."""
    ending, known = path.suffix.removeprefix(".").lower(), [*Format, FILM]
    if ending not in known or wanted not in (None, ending):
        expected = f"a file name ending in {listed(f'.{name}' for name in ([wanted] if wanted else known))}"
        raise Refused.because(
            "--output", f"{echoed(path.name)} does not have the extension of an export format", expected=expected
        )
    return ending
