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


@click.command("status", epilog="Example: kfpipe status shots.yaml")
@manifest_arguments
@select_option
@json_option
def command(source: Source, select: Selectors, as_json: bool) -> ExitCode:
    """Show what is on record for each take.

    The record is the lockfile, and the journal of a run that is on or was broken off. Nothing is sent, nothing changes.
    """
    project = source.load()
    lock = api.records(project)
    is_meant = select.among(project, lock)
    shown = [one for one in nominees(api.takes(project, lock), lock) if is_meant(one.take_id)]
    if as_json:
        warnings = [messages.problem_json(problem) for problem in project.warnings]
        terminal.result_json({**record_view.as_json(shown), "warnings": warnings})
        return ExitCode.OK
    terminal.note(*messages.problems_text(project.warnings))
    table.show(record_view.table(shown))
    terminal.result("", *record_view.summary(shown))
    return ExitCode.OK
