"""`kfpipe plan`"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from kfpipe import accounts, connection, environment
from kfpipe.cli.options.choices import Choices, choice_options
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import markdown, messages, streams, table
from kfpipe.cli.output.table import Table
from kfpipe.cli.views import plan as plan_view
from kfpipe.cli.views import plan_by_shot
from kfpipe.connection import Destination
from kfpipe.errors import ExitCode, Problem
from kfpipe.lock import lockfile
from kfpipe.lock.states import Approval
from kfpipe.plan import gather
from kfpipe.plan.compare import Comparison, Revision, compare
from kfpipe.plan.model import Plan
from kfpipe.project import Project


@click.command(
    "plan",
    cls=WithExamples,
    epilog=examples(
        "kfpipe plan shots.yaml",
        "kfpipe plan shots.yaml -s 'kitten*' -s '!tag:draft'",
        "kfpipe plan shots.yaml --retry state:failed -o plan.json",
        "kfpipe plan shots.yaml -o plan.json --approve NAME",
        "kfpipe plan shots.yaml --diff main",
    ),
)
@manifest_arguments
@choice_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also save the plan, for `kfpipe run --plan FILE`.",
)
@click.option("--approve", metavar="NAME", help="With -o: record that NAME agrees to this plan, now, and to its cost.")
@click.option("--check", is_flag=True, help="Exit with code 1 if there is anything to do or to decide.")
@click.option("--diff", metavar="REV", help="Show what has changed since a git revision.")
@click.option("--takes", "in_full", is_flag=True, help="Show a row for each take, also where they are many.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown for a pull request comment.")
@json_option
def command(
    source: Source,
    choices: Choices,
    output: Path | None,
    approve: str | None,
    check: bool,
    diff: str | None,
    as_markdown: bool,
    in_full: bool,
    as_json: bool,
) -> ExitCode:
    """Show what the next run will do, why, and what it will cost.

    Works offline and changes nothing. With -o the plan is also saved: `kfpipe run --plan` carries out exactly that
    plan, or refuses.

    SELECT is a take, a shot, a pattern such as `kitten*`, or one of `tag:hero`, `state:failed`, `model:wan2.7*`,
    `changed` (rendered, then changed in the manifest), `picked` (see `kfpipe pick`) and `drift` (begins or ends on
    another picture than asked). A leading `!` excludes.
    """
    if as_markdown and as_json:
        raise click.UsageError("give either --markdown or --json")
    approval = None if approve is None else _approval(approve, output)
    project = source.load()
    lock, whose = lockfile.read(project.paths), accounts.known(project, environment.read())
    now = gather.standing(project, lock, account=whose.account)
    chosen = choices.among(now)
    plan = gather.plan(project, lock, **chosen, whose=whose, now=now)
    goal = connection.destination(project)
    past = None if diff is None else _past(project, source, diff)
    page = _Page(
        source=source,
        choices=choices,
        output=output,
        plan=plan,
        goal=goal,
        comparison=None if past is None else compare(past, project.takes, now.records, chosen["select"]),
        in_full=in_full,
    )
    if output is not None:
        _save(output, project, plan, goal, source=source, choices=choices, approval=approval)
    if as_json:
        streams.result_json(page.as_json(project.warnings))
    else:
        streams.note(*messages.problems_text(project.warnings))
        if as_markdown:
            streams.result(*page.as_markdown())
        else:
            page.show()
    return ExitCode.INCOMPLETE if check and (plan.work or plan.undecided) else ExitCode.OK


def _approval(by: str, output: Path | None) -> Approval:
    from kfpipe.cli.options.saved_plan import approved_by  # only for a plan that is saved, as below

    return approved_by(by, output, environment.now())


def _save(
    output: Path,
    project: Project,
    plan: Plan,
    goal: Destination,
    *,
    source: Source,
    choices: Choices,
    approval: Approval | None,
) -> None:
    from kfpipe.cli.options.saved_plan import as_file
    from kfpipe.plan import planfile

    planfile.save(output, as_file(plan, goal, source, choices, approval), project.root)


def _past(project: Project, source: Source, commit: str) -> Revision:
    from kfpipe.plan import revision  # starts git, and only who compares needs it

    return revision.past(project, source.path.name, source.options, commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A plan, and what it is compared with, in each form that can be asked for."""

    source: Source
    choices: Choices
    output: Path | None
    plan: Plan
    goal: Destination
    comparison: Comparison | None
    in_full: bool

    def as_json(self, warnings: tuple[Problem, ...]) -> dict[str, Any]:
        data = plan_view.as_json(self.plan, self.goal, warnings)
        if self.comparison is None:
            return data
        from kfpipe.cli.views import diff as diff_view  # few plans are compared with another, here and below

        return {**data, "diff": diff_view.as_json(self.comparison)}

    def as_markdown(self) -> list[str]:
        """For a comment: the totals, and the takes that differ or that need something done."""
        heading = f"### kfpipe plan of {markdown.code(str(self.source.path))}"
        matter = replace(self.plan, steps=(*self.plan.work, *self.plan.undecided))
        return [heading, "", *markdown.block(self._summary()), *markdown.table(self._rows(matter))]

    def show(self) -> None:
        """For a person, with the commands to continue with."""
        if not self.plan.steps and not self.plan.retired:
            streams.result("no take is selected")
            return
        rows, more = self._on_screen() if table.is_short() and not self.in_full else (self._rows(self.plan), [])
        if rows.rows:
            table.show(rows)
            streams.result(*more, "")
        streams.result(*self._summary(), *plan_view.next_steps(self.plan, self._command))

    def _on_screen(self) -> tuple[Table, list[str]]:
        """The table where many takes are shown by shot, and how to see each of them."""
        if self.comparison is not None:
            return self._rows(self.plan), []
        return plan_by_shot.table(self.plan), plan_by_shot.all_takes(self.plan, self._command)

    def _rows(self, plan: Plan) -> Table:
        if self.comparison is None:
            return plan_view.table(plan)
        from kfpipe.cli.views import diff as diff_view

        return diff_view.table(self.comparison, self.plan)

    def _summary(self) -> list[str]:
        if self.comparison is None:
            return plan_view.summary(self.plan, self.goal)
        from kfpipe.cli.views import diff as diff_view

        compared = diff_view.summary(self.comparison, self.plan.currency)
        return [*compared, *plan_view.summary(self.plan, self.goal)]

    def _command(self, verb: str, *words: str) -> str:
        """A command that continues from this plan; a run without further options carries out the saved one."""
        if self.output is not None and verb == "run" and not words:
            return shlex.join(["kfpipe", "run", "--plan", str(self.output)])
        return self.source.command(verb, *words, *self.choices.words_for(verb))
