"""`kfpipe status`"""

from __future__ import annotations

import click

from kfpipe import api
from kfpipe.cli import messages, record_view, table, terminal
from kfpipe.cli.arguments import json_option
from kfpipe.cli.choices import Selectors, select_option
from kfpipe.cli.selection import nominees
from kfpipe.cli.source import Source, manifest_arguments
from kfpipe.errors import ExitCode


@click.command("status", epilog="Example: kfpipe status shots.yaml -s state:failed")
@manifest_arguments
@select_option
@click.option("--takes", "in_full", is_flag=True, help="Every task a take has ever had, with its bill.")
@json_option
def command(source: Source, select: Selectors, in_full: bool, as_json: bool) -> ExitCode:
    """Show what is on record for each take.

    The record is the lockfile, and the journal of a run that is on or was broken off. Nothing is sent, nothing changes.
    With --takes each request has a line of its own, and their costs add up to all that was spent. SELECT is explained
    by `kfpipe plan --help`.
    """
    project = source.load()
    lock = api.records(project)
    is_meant = select.among(project, lock)
    shown = [one for one in nominees(api.takes(project, lock), lock) if is_meant(one.take_id)]
    if as_json:
        warnings = [messages.problem_json(problem) for problem in project.warnings]
        terminal.result_json({**record_view.as_json(shown, in_full=in_full), "warnings": warnings})
        return ExitCode.OK
    terminal.note(*messages.problems_text(project.warnings))
    if not shown:
        terminal.result("no take is selected")
        return ExitCode.OK
    table.show(record_view.history(shown) if in_full else record_view.table(shown))
    terminal.result("", *record_view.summary(shown))
    return ExitCode.OK
