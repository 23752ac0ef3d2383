"""`kfpipe run`"""

from __future__ import annotations

import time
from decimal import Decimal

import click

from kfpipe import api
from kfpipe.api import Session
from kfpipe.cli import consent, destination, live, messages, plan_view, summary, table, terminal
from kfpipe.cli.arguments import Choices, choice_options, json_option
from kfpipe.cli.destination import Destination
from kfpipe.cli.figures import parse_amount
from kfpipe.cli.source import Source, manifest_arguments
from kfpipe.cli.summary import Whereabouts
from kfpipe.errors import ExitCode, OverBudget
from kfpipe.events import RunFinished
from kfpipe.plan import Plan
from kfpipe.project import Project


@click.command("run", epilog="Example: kfpipe run shots.yaml --max-cost 5.00")
@manifest_arguments
@click.option("--max-cost", metavar="AMOUNT", help="Spend at most this, instead of the manifest's `budget.max_cost`.")
@choice_options
@json_option
def command(source: Source, max_cost: str | None, choices: Choices, as_json: bool) -> ExitCode:
    """Make every clip that is missing.

    Run it again and nothing happens; change a prompt and one clip is rendered. Within the budget it spends without
    asking, else it asks on a terminal, else it stops with exit code 3. Ctrl-C ends it in good order: tasks under way
    are noted, and the next run goes on with them. SELECT is explained by `kfpipe plan --help`.
    """
    project = source.load()
    cap = _cap(project, max_cost)
    goal = destination.of(project)
    terminal.note(*messages.problems_text(project.warnings))
    with api.session(project) as session:
        plan = session.plan(**choices.among(project.takes, session.ledger.lock))
        if plan.work:
            session.check_key()
        asked = consent.of(plan, cap=cap, charged=goal.is_charged)
        if isinstance(asked, consent.Question) and not _agreed(plan, goal, asked, as_json=as_json):
            return _stopped(plan, goal, asked, source, project, as_json=as_json)
        started_s = time.monotonic()
        with live.watching() as emit:
            finished = session.run(plan, cap=asked.cap, emit=emit)
        if as_json:
            terminal.result_json(summary.as_json(finished, project.takes, session.ledger.lock))
        else:
            _tell(finished, session, source, goal, elapsed_s=time.monotonic() - started_s)
    return finished.exit_code


def _cap(project: Project, max_cost: str | None) -> Decimal | None:
    if max_cost is not None:
        return parse_amount(max_cost, "--max-cost")
    budget = project.manifest.budget
    return None if budget is None else budget.max_cost


def _agreed(plan: Plan, goal: Destination, question: consent.Question, *, as_json: bool) -> bool:
    """Whether the person at the screen says yes, after a look at the plan."""
    if not terminal.is_interactive():
        return False
    if not as_json:
        _show(plan, goal)
    return terminal.ask(question.text)


def _show(plan: Plan, goal: Destination) -> None:
    table.show(plan_view.table(plan))
    terminal.result("", *plan_view.summary(plan, goal))


def _stopped(
    plan: Plan, goal: Destination, question: consent.Question, source: Source, project: Project, *, as_json: bool
) -> ExitCode:
    """No consent: the priced plan, and how to give it."""
    stop = OverBudget(question.reason, fix=_way_to_consent(plan, source))
    told = messages.problems(stop)
    if as_json:
        priced = plan_view.as_json(plan, goal, project.warnings)
        terminal.result_json({**priced, **messages.refusal_json(told, ExitCode.OVER_BUDGET)})
        return ExitCode.OVER_BUDGET
    if not terminal.is_interactive():
        _show(plan, goal)
    terminal.note(*messages.problems_text(told))
    return ExitCode.OVER_BUDGET


def _way_to_consent(plan: Plan, source: Source) -> str:
    if plan.unpriced:
        return "give the missing price with --price or `prices:` in the manifest, then agree to the sum"
    return f"{source.command('run', '--max-cost', f'{plan.cost:f}')}, or `budget:` in the manifest"


def _tell(finished: RunFinished, session: Session, source: Source, goal: Destination, *, elapsed_s: float) -> None:
    project = session.project
    after = session.plan() if finished.exit_code is not ExitCode.OK else None
    if finished.rendered or finished.failed or finished.unfinished:
        places = Whereabouts(
            clips=source.path.parent / project.manifest.output_dir,
            record=source.path.parent / project.lockfile_path.relative_to(project.folder),
        )
        terminal.result(*summary.lines(finished, places, elapsed_s=elapsed_s, is_charged=goal.is_charged))
    else:
        terminal.result(summary.nothing_to_do(finished))
    if after is not None:
        terminal.result(*summary.undecided(after), *summary.ending(finished))
        terminal.result(*plan_view.next_steps(after, source.command))
