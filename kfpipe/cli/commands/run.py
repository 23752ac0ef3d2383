"""`kfpipe run`"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

import anyio
import click

from kfpipe import connection
from kfpipe.cli.commands import run_notice
from kfpipe.cli.options.choices import Choices
from kfpipe.cli.options.cluster import ClusterChoice, cluster_options
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.manner import Manner
from kfpipe.cli.options.reporting import Reporting, reporting_options
from kfpipe.cli.options.saved_plan import SavedPlan, as_file, manifest_or_plan
from kfpipe.cli.options.source import Source
from kfpipe.cli.options.waiting import patient
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.output.amounts import parse_amount
from kfpipe.cli.views import live, plan_by_shot
from kfpipe.cli.views import plan as plan_view
from kfpipe.cli.views import run as run_view
from kfpipe.cli.views.question import Question, consent_to
from kfpipe.cli.views.run import Whereabouts
from kfpipe.connection import Destination
from kfpipe.errors import ExitCode, OverBudget
from kfpipe.events import Event, RunFinished
from kfpipe.plan.consent import limit
from kfpipe.plan.gather import Standing
from kfpipe.plan.model import Chosen, Plan
from kfpipe.plan.selection import DRIFT
from kfpipe.project import Project
from kfpipe.session import Session
from kfpipe.session import session as held


@click.command(
    "run",
    cls=WithExamples,
    epilog=examples(
        "kfpipe run shots.yaml",
        "kfpipe run shots.yaml -s tag:hero --max-cost 5.00",
        "kfpipe run shots.yaml --emulator --profile draft",
        "kfpipe run north.yaml south.yaml --max-cost 20.00",
        "kfpipe run --plan plan.json",
    ),
)
@manifest_or_plan
@click.option("--max-cost", metavar="AMOUNT", help="Spend at most this; overrides `budget.max_cost`.")
@click.option("--same-account", is_flag=True, help="Requests on record by another key or host are of this account.")
@click.option("--detach", is_flag=True, help="Submit what the limits allow, and do not wait.")
@cluster_options
@click.option("--wait", is_flag=True, help="Wait for another run of the manifest to end, rather than refuse.")
@reporting_options
@json_option
def command(
    sources: Sequence[Source],
    choices: Choices,
    saved_plan: SavedPlan | None,
    max_cost: str | None,
    same_account: bool,
    detach: bool,
    wait: bool,
    cluster: ClusterChoice,
    reporting: Reporting,
    as_json: bool,
) -> ExitCode:
    """Render every clip that is missing.

    Run it again and nothing happens; change one prompt and one clip is rendered. Within the budget it does not ask.
    Beyond it, or without one, it asks on a terminal, and otherwise stops with exit code 3. Ctrl-C is safe: tasks under
    way are on record, and the next run continues with them.

    With --select, all other takes are left alone, including those under way. With --plan it carries out a saved plan,
    or refuses (exit code 2) and lists what has changed. For SELECT, see `kfpipe plan --help`.

    With --detach it downloads finished clips, submits as many tasks as the limits allow, and exits: code 0 if every
    take is rendered or under way, 1 if some are left. Run it again to continue.

    With --cluster the plan is handed over to workers on other machines, and this command waits for the clips. Ctrl-C
    leaves the work under way; the same command attaches to it again.

    Several manifests are several projects, each with its own account, budget and lockfile. All are checked before
    anything is sent, you are asked once, and --max-cost is for all of them together, beside the budget of each.
    """
    title = f"kfpipe run {' '.join(str(source.path) for source in sources)}"
    with run_notice.telling(title, reporting.notify, with_prompts=reporting.with_prompts) as notice:
        manner = Manner(detach=detach, wait=wait, reporting=reporting, notice=notice, as_json=as_json, cluster=cluster)
        if len(sources) > 1:
            from kfpipe.cli.commands import run_several  # most runs have one project

            notice.code = run_several.run(sources, choices, manner, max_cost=max_cost, is_same=same_account)
        else:
            notice.code = _one(sources[0], choices, saved_plan, manner).of_one(max_cost, is_same=same_account)
    return notice.code


def _one(source: Source, choices: Choices, saved_plan: SavedPlan | None, manner: Manner) -> _Run:
    project = source.load()
    goal = connection.destination(project)
    return _Run(source=source, choices=choices, saved_plan=saved_plan, project=project, goal=goal, manner=manner)


def _cap(project: Project, max_cost: str | None) -> Decimal | None:
    if max_cost is not None:
        return parse_amount(max_cost, "--max-cost")
    return project.manifest.max_cost


def _unheard(_: Event) -> None:
    """A run without work has no progress to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One run of one project: the question, the work and the report."""

    source: Source
    choices: Choices
    saved_plan: SavedPlan | None
    project: Project
    goal: Destination
    manner: Manner

    def of_one(self, max_cost: str | None, *, is_same: bool) -> ExitCode:
        """Plan, ask where that is needed, carry out, and report."""
        agreed = _cap(self.project, max_cost)
        streams.note(*messages.problems_text(self.project.warnings))
        with ExitStack() as stack:
            opened = patient(lambda: stack.enter_context(held(self.project)), wait=self.manner.wait)
            session = anyio.run(partial(opened.recognised, is_same=is_same))
            session = replace(session, cluster=self.manner.cluster.reached())
            now = session.standing
            chosen = self.choices.among(now)
            plan = session.plan(**chosen, now=now)
            if self.saved_plan is not None:
                self.saved_plan.check(as_file(plan, self.goal, self.source, self.choices), self.choices)
                streams.note(*self.saved_plan.told)
            cap = limit(plan, cap=agreed, total=self.project.manifest.max_total)
            answer = consent_to(plan, cap=cap, charged=self.goal.is_charged)
            if isinstance(answer, Question) and not streams.is_interactive():
                self.show(plan)
                return self.stop(plan, answer)
            if plan.work:
                session.check_key()
            if isinstance(answer, Question) and not self.is_agreed(plan, answer):
                return self.stop(plan, answer)
            return self._carry_out_approved(session, plan, answer.cap, chosen["select"], now)

    def _carry_out_approved(
        self, session: Session, plan: Plan, cap: Decimal | None, select: Chosen, now: Standing
    ) -> ExitCode:
        """Carry out the plan; where somebody approved it, up to what they agreed to, and with their name on record."""
        approved = None if self.saved_plan is None else self.saved_plan.plan.approved
        if approved is None:
            return self.carry_out(session, plan, cap, select, now)
        session = replace(session, approval=approved.approval)
        agreed = approved.cost if cap is None else min(cap, approved.cost)
        return self.carry_out(session, plan, agreed, select, now)

    def show(self, plan: Plan) -> None:
        """The priced plan, for a person."""
        if not self.manner.as_json:
            if table.is_short():
                table.show(plan_by_shot.table(plan))
                streams.result(*plan_by_shot.all_takes(plan, self._look))
            else:
                table.show(plan_view.table(plan))
            streams.result("", *plan_view.summary(plan, self.goal))

    def _look(self, verb: str, *more: str) -> str:
        return self.source.command(verb, *self.choices.words, *more)

    def is_agreed(self, plan: Plan, question: Question) -> bool:
        """Whether the person at the screen says yes, after a look at the plan."""
        self.show(plan)
        return streams.ask(question.text)

    def stop(self, plan: Plan, question: Question) -> ExitCode:
        """End without consent: why, and how to give it."""
        told = messages.problems(OverBudget(question.reason, fix=self._way_to_consent(plan)))
        if self.manner.as_json:
            priced = plan_view.as_json(plan, self.goal, self.project.warnings)
            streams.result_json({**priced, **messages.refusal_json(told, ExitCode.OVER_BUDGET)})
        else:
            streams.note(*messages.problems_text(told))
        return ExitCode.OVER_BUDGET

    def _way_to_consent(self, plan: Plan) -> str:
        if plan.unpriced:
            options = " ".join(f"--price {name}=AMOUNT" for name in plan.unpriced_names)
            return f"give the missing price with {options}, or `prices:` in the manifest"
        return f"{self._again('--max-cost', f'{plan.cap_cost + plan.under_way:f}')}, or `budget:` in the manifest"

    def _again(self, *more: str) -> str:
        """This very command with more words."""
        words = (*more, "--detach") if self.manner.detach else more
        if self.saved_plan is not None:
            return self.saved_plan.command(*words)
        return self.source.command("run", *self.choices.words, *words)

    def carry_out(
        self, session: Session, plan: Plan, cap: Decimal | None, select: Chosen, before: Standing
    ) -> ExitCode:
        """Carry out the plan and report the result; `before` is the standing that it was made from."""
        started_s = time.monotonic()
        reporting, notice = self.manner.reporting, self.manner.notice
        notice.plan(plan)
        is_watched = plan.work and not reporting.is_logged
        with live.watching() if is_watched else nullcontext(_unheard) as show, reporting.receiving() as log:

            def emit(event: Event) -> None:
                show(event)
                log(event)
                notice.hear(event, is_charged=self.goal.is_charged)

            finished = session.run(plan, cap=cap, emit=emit, detach=self.manner.detach)
        if finished.exit_code is ExitCode.INTERRUPTED and session.cluster is not None:
            streams.note("what was handed over goes on in the cluster; the same command attaches to it again")
        now = session.standing if session.ledger.has_written else before
        if self.manner.as_json:
            streams.result_json(run_view.as_json(finished, plan, now))
            return finished.exit_code
        if plan.work:
            elapsed_s, is_charged = time.monotonic() - started_s, self.goal.is_charged
            streams.result(*run_view.lines(finished, self._places(), elapsed_s=elapsed_s, is_charged=is_charged))
        else:
            streams.result(run_view.nothing_to_do(finished))
        which = self.source.command("status", "-s", DRIFT)
        streams.result(*run_view.billed_otherwise(plan, now.records), *run_view.remarks(plan, now.records))
        streams.result(*run_view.drifting(plan, now, which))
        if finished.under_way or finished.exit_code is not ExitCode.OK:
            self._tell_the_way_on(finished, session.plan(select=select))
        return finished.exit_code

    def _places(self) -> Whereabouts:
        folder = self.source.path.parent
        return Whereabouts(
            clips=folder / self.project.manifest.output_dir,
            record=folder / self.project.lockfile_path.relative_to(self.project.folder),
        )

    def _tell_the_way_on(self, finished: RunFinished, after: Plan) -> None:
        streams.result(*run_view.undecided(after), *run_view.ending(finished))
        words = self.choices.select.words_after(after)
        streams.result(*plan_view.next_steps(after, lambda *more: self.source.command(*more, *words)))
