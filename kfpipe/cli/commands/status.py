"""`kfpipe status`"""

from __future__ import annotations

from collections.abc import Sequence

import click

from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.views import status as status_view
from kfpipe.cli.views import status_by_shot, watch
from kfpipe.errors import ExitCode
from kfpipe.lock import lockfile
from kfpipe.plan import gather
from kfpipe.plan.model import Chosen
from kfpipe.plan.selection import KnownTake, nominees
from kfpipe.project import Project


@click.command(
    "status",
    cls=WithExamples,
    epilog=examples(
        "kfpipe status shots.yaml", "kfpipe status shots.yaml -s state:failed", "kfpipe status shots.yaml --watch"
    ),
)
@manifest_arguments
@select_option
@click.option("--takes", "--history", "in_full", is_flag=True, help="Show every request of every take, with its cost.")
@click.option("--watch", "is_watched", is_flag=True, help="Follow a run in another process until it ends.")
@json_option
def command(source: Source, select: Selectors, in_full: bool, is_watched: bool, as_json: bool) -> ExitCode:
    """Show the state of each take.

    Reads the lockfile, and the journal of a run that is under way or was killed. Works offline and changes nothing.
    With --takes each request has its own line, also those that no take asks for any more; their costs add up to
    everything spent. With --watch the table is redrawn while another process runs, or changed lines are printed where
    nothing can be redrawn. For SELECT, see `kfpipe plan --help`.
    """
    if is_watched and as_json:
        raise click.UsageError("--watch is for people: a program gets the result of a run from `kfpipe run --json`")
    project = source.load()
    is_meant = select.among(gather.standing(project, lockfile.read(project.paths)))
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
    _show(shown, source, select, in_full=in_full)
    streams.result("", *status_view.summary(shown), *status_view.remarks(shown))
    return ExitCode.OK


def _show(shown: Sequence[KnownTake], source: Source, select: Selectors, *, in_full: bool) -> None:
    if in_full:
        table.show(status_view.history(shown))
        notes = status_view.notes(shown)
        streams.result(*(["", *notes] if notes else []))
    elif table.is_short():
        table.show(status_by_shot.table(shown))
        streams.result(*status_by_shot.all_takes(shown, lambda *words: source.command(*words, *select.words)))
    else:
        table.show(status_view.table(shown))


def _on_record(project: Project, is_meant: Chosen) -> list[KnownTake]:
    now = gather.standing(project, lockfile.read(project.paths))
    return [one for one in nominees(now.takes, now.records) if is_meant(one.take_id)]
