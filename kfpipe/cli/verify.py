"""`kfpipe verify`"""

from __future__ import annotations

import click

from kfpipe import api
from kfpipe.cli import messages, table, terminal, verify_view
from kfpipe.cli.arguments import json_option
from kfpipe.cli.source import Source, manifest_arguments
from kfpipe.errors import ExitCode
from kfpipe.upkeep import Finding


@click.command("verify", epilog="Example: kfpipe verify shots.yaml")
@manifest_arguments
@json_option
def command(source: Source, as_json: bool) -> ExitCode:
    """Compare every rendered file with the lockfile.

    Each clip is read to its end: its digest must be the one on record, its first and last picture must decode.
    Nothing is sent, nothing is mended. Exit code 0: all are sound; 1: one is missing, altered or unreadable.
    """
    project = source.load()
    terminal.note(*messages.problems_text(project.warnings))
    found = tuple(api.verify(project))
    code = ExitCode.OK if all(one.finding is Finding.SOUND for one in found) else ExitCode.INCOMPLETE
    earlier = verify_view.earlier_clips(api.records(project))
    if as_json:
        terminal.result_json({**verify_view.as_json(found, earlier), "exit_code": int(code)})
        return code
    if code is not ExitCode.OK:
        plan = api.plan(project)
        table.show(verify_view.table(found, plan))
        terminal.result("", *verify_view.summary(found, earlier), *verify_view.next_steps(found, plan, source.command))
    else:
        terminal.result(*verify_view.summary(found, earlier))
    return code
