"""`kfpipe plan`"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from kfpipe import api, planfile, revision
from kfpipe.cli import destination, diff_view, messages, plan_view, table, terminal
from kfpipe.cli.agreement import as_file
from kfpipe.cli.arguments import json_option
from kfpipe.cli.choices import Choices, choice_options
from kfpipe.cli.source import Source, manifest_arguments
from kfpipe.comparison import Comparison
from kfpipe.errors import ExitCode
from kfpipe.plan import Plan


@click.command("plan", epilog="Example: kfpipe plan shots.yaml -s 'kitten*' --retry state:failed")
@manifest_arguments
@choice_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write the plan to a file, for `kfpipe run --plan FILE`.",
)
@click.option("--check", is_flag=True, help="Exit with 1 unless there is nothing to do and nothing to decide.")
@click.option("--diff", metavar="REV", help="Show what has changed since a git commit, take by take.")
@json_option
def command(
    source: Source, choices: Choices, output: Path | None, check: bool, diff: str | None, as_json: bool
) -> ExitCode:
    """Show what the next run will do, why, and what it will cost.

    Nothing is sent, and nothing changes. The run carries out this very plan; with `-o` it can be looked at first, and
    carried out later or not at all. SELECT is a take, a shot, a pattern like `kitten*`, or one of `tag:hero`,
    `state:failed`, `model:wan2.7*`, `changed` (on record, and asked for otherwise by now); a leading `!` leaves out.
    """
    project = source.load()
    chosen = choices.among(project, api.records(project))
    plan = api.plan(project, **chosen)
    goal = destination.of(project)
    past = None if diff is None else revision.past(project, source.path.name, source.options, diff)
    comparison = None if past is None else api.compare(project, past, select=chosen["select"])
    code = ExitCode.INCOMPLETE if check and (plan.work or plan.undecided) else ExitCode.OK
    if output is not None:
        planfile.save(output, as_file(plan, goal, source, choices), project.root)
    if as_json:
        also = {} if comparison is None else {"diff": diff_view.as_json(comparison)}
        terminal.result_json({**plan_view.as_json(plan, goal, project.warnings), **also})
        return code
    terminal.note(*messages.problems_text(project.warnings))
    if not plan.steps:
        terminal.result("no take is selected")
        return ExitCode.OK
    if comparison is None:
        table.show(plan_view.table(plan))
        terminal.result("")
    else:
        _show(comparison, plan)
    terminal.result(*plan_view.summary(plan, goal))
    terminal.result(*plan_view.next_steps(plan, lambda *words: _command(words, source, choices, output)))
    return code


def _show(comparison: Comparison, plan: Plan) -> None:
    if comparison.changes:
        table.show(diff_view.table(comparison, plan))
        terminal.result("")
    terminal.result(*diff_view.summary(comparison, plan.currency))


def _command(words: tuple[str, ...], source: Source, choices: Choices, output: Path | None) -> str:
    """A command that goes on from this plan; a run without further options does what is in the file."""
    if output is not None and words == ("run",):
        return shlex.join(["kfpipe", "run", "--plan", str(output)])
    verb, *more = words
    return source.command(verb, *more, *choices.words_for(verb))
