"""`kfpipe stills`"""

from __future__ import annotations

from pathlib import Path

import click

from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.output.amounts import counted
from kfpipe.cli.output.table import Column, Table
from kfpipe.errors import ExitCode
from kfpipe.lock import lockfile
from kfpipe.plan import gather
from kfpipe.review import prepared_stills
from kfpipe.review.prepared_stills import ShownStill
from kfpipe.wording import visible


@click.command(
    "stills",
    cls=WithExamples,
    epilog=examples("kfpipe stills shots.yaml", "kfpipe stills shots.yaml -s tag:hero -o /tmp/stills"),
)
@manifest_arguments
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder to write them to; the default is `stills` next to the clips.",
)
@select_option
@json_option
def command(source: Source, output: Path | None, select: Selectors, as_json: bool) -> ExitCode:
    """Write the prepared stills to a folder, to look at them.

    Only those that are not sent as they are: turned, flattened, resized or converted. Nothing is sent.
    """
    project = source.load()
    streams.note(*messages.problems_text(project.warnings))
    is_meant = select.among(gather.standing(project, lockfile.read(project.paths)))
    folder = output or source.path.parent / project.manifest.output_dir / "stills"
    shown = prepared_stills.write(project, (take for take in project.takes if is_meant(take.id)), folder)
    if as_json:
        streams.result_json({"stills": list(map(_json, shown)), "exit_code": int(ExitCode.OK)})
        return ExitCode.OK
    if shown:
        table.show(_table(shown))
        streams.result("")
    streams.result(f"{folder}: {counted(len(shown), 'prepared still')}" if shown else "all stills are sent as they are")
    return ExitCode.OK


def _table(shown: tuple[ShownStill, ...]) -> Table:
    return Table(
        columns=(Column(title="still"), Column(title="prepared"), Column(title="size"), Column(title="file")),
        rows=tuple(
            (
                visible(one.original.path),
                ", ".join(one.original.recipe),
                f"{one.width_px}x{one.height_px}",
                one.file.name,
            )
            for one in shown
        ),
    )


def _json(one: ShownStill) -> dict[str, object]:
    return {
        "still": one.original.path,
        "recipe": list(one.original.recipe),
        "file": str(one.file),
        "width_px": one.width_px,
        "height_px": one.height_px,
    }
