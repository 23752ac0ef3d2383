"""`kfpipe status`"""

from __future__ import annotations

import click

from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.views import status as status_view
from kfpipe.cli.views import watch
from kfpipe.errors import ExitCode
from kfpipe.lock import lockfile
from kfpipe.plan import gather
from kfpipe.plan.model import Chosen
from kfpipe.plan.selection import KnownTake, nominees
from kfpipe.project import Project


@click.command("status", epilog="Example: kfpipe status shots.yaml -s state:failed")
@manifest_arguments
@select_option
@click.option("--takes", "in_full", is_flag=True, help="Every task a take has ever had, with its bill.")
@click.option("--watch", "is_watched", is_flag=True, help="Show the record as a run writes it, until the run is over.")
@json_option
def command(source: Source, select: Selectors, in_full: bool, is_watched: bool, as_json: bool) -> ExitCode:
    """Show what is on record for each take.

    The record is the lockfile, and the journal of a run that is on or was broken off. Nothing is sent, nothing changes.
    With --takes each request has a line of its own, and their costs add up to all that was spent. --watch redraws the
    record while a run of another process goes on, and prints the changed lines where nothing can be redrawn. SELECT is
    explained by `kfpipe plan --help`.
    """
    if is_watched and as_json:
        raise click.UsageError("--watch is for people: `kfpipe run --json` tells a program how the run has ended")
    project = source.load()
    is_meant = select.among(project, lockfile.read(project.paths))
    if is_watched:
        watch.until_over(project, lambda: _on_record(project, is_meant))
    shown = _on_record(project, is_meant)
    if as_json:
        warnings = [messages.problem_json(problem) for problem in project.warnings]
        streams.result_json({**status_view.as_json(shown, in_full=in_full), "warnings": warnings})
        return ExitCode.OK
    streams.note(*messages.problems_text(project.warnings))
    if not shown:
        streams.result("no take is selected")
        return ExitCode.OK
    table.show(status_view.history(shown) if in_full else status_view.table(shown))
    streams.result("", *status_view.summary(shown))
    return ExitCode.OK


def _on_record(project: Project, is_meant: Chosen) -> list[KnownTake]:
    lock = lockfile.read(project.paths)
    return [one for one in nominees(gather.completed_takes(project, lock), lock) if is_meant(one.take_id)]
