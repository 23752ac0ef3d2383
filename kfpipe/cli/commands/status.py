"""`kfpipe status`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.output.amounts import counted
from kfpipe.cli.views import joins as joins_view
from kfpipe.cli.views import status as status_view
from kfpipe.cli.views import status_by_shot, watch
from kfpipe.cli.views.words import STATES
from kfpipe.errors import ExitCode
from kfpipe.lock import lockfile
from kfpipe.plan import gather
from kfpipe.plan.gather import Standing
from kfpipe.plan.model import Chosen
from kfpipe.plan.selection import KnownTake
from kfpipe.project import Project
from kfpipe.review import joins, row_results
from kfpipe.review.timeline import Join


@click.command(
    "status",
    cls=WithExamples,
    epilog=examples(
        "kfpipe status shots.yaml",
        "kfpipe status shots.yaml -s state:failed",
        "kfpipe status shots.yaml --watch",
        "kfpipe status shots.yaml --write approved.xlsx",
    ),
)
@manifest_arguments
@select_option
@click.option("--takes", "--history", "in_full", is_flag=True, help="Show every request of every take, with its cost.")
@click.option("--watch", "is_watched", is_flag=True, help="Follow a run in another process until it ends.")
@click.option(
    "--write",
    "copy_at",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a copy of the shot list's table, with state, cost and path beside each row.",
)
@click.option("--table", "table_name", metavar="LIST", help="With --write: which of several tables is copied.")
@json_option
def command(
    source: Source,
    select: Selectors,
    in_full: bool,
    is_watched: bool,
    copy_at: Path | None,
    table_name: str | None,
    as_json: bool,
) -> ExitCode:
    """Show the state of each take.

    Reads the lockfile, and the journal of a run that is under way or was killed. Works offline and changes nothing.
    With --takes each request has its own line, also those that no take asks for any more; their costs add up to
    everything spent. With --watch the table is redrawn while another process runs, or changed lines are printed where
    nothing can be redrawn. For SELECT, see `kfpipe plan --help`.

    --write FILE copies the spreadsheet that the manifest's `shot_lists` names, and adds the columns state, cost,
    currency and render at its right. The spreadsheet itself stays as it is.
    """
    _refuse_mixed(is_watched=is_watched, as_json=as_json, copy_at=copy_at, table_name=table_name)
    project = source.load()
    now = _standing(project)
    is_meant = select.among(now)
    if is_watched:
        watch.until_over(project, lambda: _meant(_standing(project), is_meant))
        now = _standing(project)
    shown = _meant(now, is_meant)
    rows = None if copy_at is None else row_results.write(project, copy_at, table_name, shown, STATES.__getitem__)
    if as_json:
        copied = {} if rows is None else {"written": {"file": str(copy_at), "rows": rows}}
        warnings = [messages.problem_json(problem) for problem in project.warnings]
        film = [join for join in joins.of_film(project, now, most_cut=joins.MOST_CUT) if _is_at(join, is_meant)]
        told = {**status_view.as_json(shown, in_full=in_full), "cuts": joins_view.as_json(film, now.min_fidelity)}
        streams.result_json({**told, **copied, "warnings": warnings})
        return ExitCode.OK
    streams.note(*messages.problems_text(project.warnings))
    if rows is not None:
        streams.result(f"{copy_at}: {counted(rows, 'row')}", *status_view.summary(shown))
    elif not shown:
        streams.result("no take is selected")
    else:
        _show(shown, source, select, in_full=in_full)
        streams.result("", *status_view.summary(shown), *status_view.remarks(shown), *status_view.drifting(shown))
    return ExitCode.OK


def _refuse_mixed(*, is_watched: bool, as_json: bool, copy_at: Path | None, table_name: str | None) -> None:
    """Raises UsageError for options that make no sense together."""
    if is_watched and as_json:
        raise click.UsageError("--watch is for people: a program gets the result of a run from `kfpipe run --json`")
    if is_watched and copy_at is not None:
        raise click.UsageError("give either --write or --watch")
    if table_name is not None and copy_at is None:
        raise click.UsageError("--table says which table --write copies: add --write FILE")


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


def _standing(project: Project) -> Standing:
    return gather.standing(project, lockfile.read(project.paths))


def _meant(now: Standing, is_meant: Chosen) -> list[KnownTake]:
    return [one for one in now.everyone if is_meant(one.take_id)]


def _is_at(join: Join, is_meant: Chosen) -> bool:
    return any(take_id is not None and is_meant(take_id) for take_id in join.take_ids)
