"""`kfpipe verify`"""

from __future__ import annotations

import click

from kfpipe.cli import messages, table, terminal, verify_view
from kfpipe.cli.arguments import json_option
from kfpipe.cli.choices import Selectors, select_option
from kfpipe.cli.source import Source, manifest_arguments
from kfpipe.errors import ExitCode
from kfpipe.lock import lockfile
from kfpipe.maintenance.verify import Condition, verify
from kfpipe.plan import gather
from kfpipe.plan.model import nothing


@click.command("verify", epilog="Example: kfpipe verify shots.yaml")
@manifest_arguments
@select_option
@json_option
def command(source: Source, select: Selectors, as_json: bool) -> ExitCode:
    """Compare every rendered file with the lockfile.

    Each clip is read to its end: its digest must be the one on record, its first and last picture must decode.
    Nothing is sent, nothing is mended. SELECT is explained by `kfpipe plan --help`. Exit code 0: all are sound; 1: one
    is missing, altered or unreadable.
    """
    project = source.load()
    terminal.note(*messages.problems_text(project.warnings))
    lock = lockfile.read(project.paths)
    is_meant = select.among(project, lock)
    found = tuple(verify(project, lock, is_meant))
    code = ExitCode.OK if all(one.condition is Condition.SOUND for one in found) else ExitCode.INCOMPLETE
    earlier = verify_view.earlier_clips({take_id: lock[take_id] for take_id in filter(is_meant, lock)})
    if as_json:
        terminal.result_json({**verify_view.as_json(found, earlier), "exit_code": int(code)})
        return code
    if code is not ExitCode.OK:
        plan = gather.plan(project, lock, select=is_meant, retry=nothing, rerender=nothing)
        table.show(verify_view.table(found, plan))
        terminal.result("", *verify_view.summary(found, earlier))
        terminal.result(*verify_view.next_steps(found, plan, lambda *words: source.command(*words, *select.words)))
    else:
        terminal.result(*verify_view.summary(found, earlier))
    return code
