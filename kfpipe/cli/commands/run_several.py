"""`kfpipe run` of several manifests: one check, one question, one summary."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

import anyio

from kfpipe import connection, together
from kfpipe.cli.options.choices import Choices, among_each
from kfpipe.cli.options.manner import Manner
from kfpipe.cli.options.source import Source
from kfpipe.cli.options.waiting import patient
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.output.amounts import parse_amount
from kfpipe.cli.views import live, plan_by_shot, several
from kfpipe.cli.views import plan as plan_view
from kfpipe.cli.views import run as run_view
from kfpipe.cli.views.question import Question, consent_to
from kfpipe.cli.views.several import Wanted
from kfpipe.connection import Destination
from kfpipe.errors import ExitCode, KfpipeError, Problem, ProjectBusy, Refused
from kfpipe.events import Event
from kfpipe.plan.consent import limit
from kfpipe.plan.model import Plan
from kfpipe.plan.selection import DRIFT
from kfpipe.project import Project
from kfpipe.session import Session
from kfpipe.session import session as held
from kfpipe.together import ProjectEnd, ProjectRun


@dataclass(slots=True, kw_only=True)
class _One:
    """One of the projects. `error` keeps it from being run; `choices` are the arguments of its plan."""

    source: Source
    name: str
    project: Project
    goal: Destination
    session: Session
    choices: dict[str, Any] = field(default_factory=dict)
    plan: Plan | None = None
    error: KfpipeError | None = None

    @property
    def manifest(self) -> str:
        return str(self.source.path)


def run(
    sources: Sequence[Source],
    choices: Choices,
    manner: Manner,
    *,
    max_cost: str | None,
    is_same: bool,
) -> ExitCode:
    """Render every missing clip of several manifests; nothing is sent for any if one of them is refused."""
    total = None if max_cost is None else parse_amount(max_cost, "--max-cost")
    projects = together.load([source.path for source in sources], sources[0].options)
    goals = [connection.destination(project) for project in projects]
    for project in projects:
        streams.note(*messages.problems_text(project.warnings))
    with ExitStack() as sessions:
        opened = patient(lambda: _opened(sessions, projects), wait=manner.wait)
        ones = [
            _One(source=source, name=name, project=project, goal=goal, session=session)
            for source, name, project, goal, session in zip(
                sources, several.names([source.path for source in sources]), projects, goals, opened, strict=True
            )
        ]
        _plan(ones, choices, is_same=is_same)
        _hand_over(ones, manner)
        job = _Several(ones=ones, sources=sources, choices=choices, manner=manner)
        return job.run(total)


def _opened(stack: ExitStack, projects: Sequence[Project]) -> list[Session]:
    """All of them under their locks. Raises Refused with all that stands in the way."""
    sessions: list[Session] = []
    refused: list[Refused] = []
    with ExitStack() as locks:
        for project in projects:
            try:
                sessions.append(locks.enter_context(held(project)))
            except Refused as error:
                refused.append(error)
        if refused:  # none is held while another one is waited for
            kind = ProjectBusy if all(isinstance(error, ProjectBusy) for error in refused) else Refused
            raise kind([problem for error in refused for problem in error.problems])
        stack.push(locks.pop_all())
    return sessions


def _plan(ones: Sequence[_One], choices: Choices, *, is_same: bool) -> None:
    """Make the plan of each; what only one account refuses stops that one alone. Raises Refused."""
    for one in ones:
        try:
            one.session = anyio.run(partial(one.session.recognised, is_same=is_same))
        except KfpipeError as error:
            one.error = error
    chosen = among_each(choices, [one.session.standing for one in ones])
    for one, own in zip(ones, chosen, strict=True):
        one.choices = own
        one.plan = one.session.plan(**own)
        try:
            if one.plan.work and one.error is None:
                one.session.check_key()
        except KfpipeError as error:
            one.error = error


def _hand_over(ones: Sequence[_One], manner: Manner) -> None:
    """Have the plans carried out by the cluster, if one is named. Raises Refused where they are of several accounts."""
    accounts = {one.session.whose.account.text for one in ones}
    if manner.cluster.address and len(accounts) > 1:
        raise Refused.because(
            "--cluster",
            f"the manifests are of several accounts: {', '.join(sorted(accounts))}",
            expected="one account in a run that is handed over",
            fix="run the manifests of each account by themselves",
        )
    cluster = manner.cluster.reached()
    for one in ones:
        one.session = replace(one.session, cluster=cluster)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Several:
    """One run of several projects: the question, the work and the report."""

    ones: Sequence[_One]
    sources: Sequence[Source]
    choices: Choices
    manner: Manner

    def run(self, total: Decimal | None) -> ExitCode:
        """Ask once, carry out all plans, and report the result; `total` is the most that all may cost together."""
        for one in self.ones:
            if one.error is not None and not self.manner.as_json:
                streams.note(*several.told(one.name, messages.problems_text(messages.problems(one.error))))
        wanted = [_wanted(one, one.plan) for one in self.ones if one.plan is not None and one.error is None]
        question = several.question(wanted, total)
        if question is not None and not streams.is_interactive():
            self._show()
            return self._stop(question)
        if question is not None:
            self._show()
            if not streams.ask(question.text):
                return self._stop(question)
        caps = {each.name: several.cap_of(each, has_total=total is not None) for each in wanted}
        return self._carry_out(caps)

    def _show(self) -> None:
        """The priced plans, for a person."""
        if self.manner.as_json:
            return
        for one in self.ones:
            if one.plan is not None and one.error is None:
                streams.result(f"{one.manifest}:")
                if one.plan.steps:
                    table.show(plan_by_shot.table(one.plan) if table.is_short() else plan_view.table(one.plan))
                streams.result("", *plan_view.summary(one.plan, one.goal), "")

    def _stop(self, question: Question) -> ExitCode:
        """End without consent: why, and how to give it."""
        told = [Problem(file="", what=question.reason, fix=several.WAY_TO_CONSENT)]
        if self.manner.as_json:
            priced = [
                {"manifest": one.manifest, **plan_view.as_json(one.plan, one.goal, one.project.warnings)}
                for one in self.ones
                if one.plan is not None
            ]
            plans = [(one.plan, one.goal.is_charged) for one in self.ones if one.plan is not None]
            totals = {"projects": priced, "totals": several.priced_totals(plans)}
            streams.result_json({**totals, **messages.refusal_json(told, ExitCode.OVER_BUDGET)})
        else:
            streams.note(*messages.problems_text(told))
        return ExitCode.OVER_BUDGET

    def _carry_out(self, caps: dict[str, Decimal | None]) -> ExitCode:
        started_s = time.monotonic()
        going = [one for one in self.ones if one.error is None]
        reporting, notice = self.manner.reporting, self.manner.notice
        for one in going:
            if one.plan is not None:
                notice.plan(one.plan, one.name)
        watched = nullcontext(_unheard) if reporting.is_logged else live.watching([one.name for one in going])
        with watched as show, reporting.receiving() as log:

            def hear(one: _One, event: Event) -> None:
                if one.plan is not None and one.plan.work:
                    show(event, one.name)
                log(event, one.manifest)
                notice.hear(event, one.name, is_charged=one.goal.is_charged)

            ended = together.run(
                [
                    ProjectRun(
                        session=one.session,
                        plan=one.plan,
                        plan_again=partial(one.session.plan, **one.choices),
                        cap=caps[one.name],
                        emit=partial(hear, one),
                    )
                    for one in going
                    if one.plan is not None
                ],
                detach=self.manner.detach,
            )
        results = {one.name: end for one, end in zip(going, ended, strict=True)}
        return self._report(
            [
                (one, results.get(one.name) or ProjectEnd(plan=one.plan, error=one.error))
                for one in self.ones
                if one.plan is not None
            ],
            time.monotonic() - started_s,
        )

    def _report(self, results: Sequence[tuple[_One, ProjectEnd]], elapsed_s: float) -> ExitCode:
        code = max(_code(end) for _, end in results)
        sums = several.grand_totals(
            [(end.finished, one.goal.is_charged) for one, end in results if end.finished is not None]
        )
        if self.manner.as_json:
            done = [{"manifest": one.manifest, **_as_json(one, end)} for one, end in results]
            streams.result_json({"projects": done, "totals": several.totals_json(sums), "exit_code": int(code)})
            return code
        for one, end in results:
            self._tell(one, end)
        streams.result(several.total_line(sums, elapsed_s))
        return code

    def _tell(self, one: _One, end: ProjectEnd) -> None:
        """What became of a project: a line, and how to go on where something is left."""
        if end.finished is None:
            if end.error is not None and one.error is None:  # not told yet
                streams.note(*several.told(one.name, messages.problems_text(messages.problems(end.error))))
            streams.result(f"{one.name}: stopped before its end")
            return
        now, which = one.session.standing, one.source.command("status", "-s", DRIFT)
        streams.result(several.line(one.name, end.finished, is_charged=one.goal.is_charged))
        streams.result(*run_view.billed_otherwise(end.plan, now.records), *run_view.remarks(end.plan, now.records))
        streams.result(*run_view.drifting(end.plan, now, which))
        if end.finished.under_way or end.finished.exit_code is not ExitCode.OK:
            after = one.session.plan(select=one.choices["select"])
            words = self.choices.select.words_after(after)
            steps = plan_view.next_steps(after, lambda *more: one.source.command(*more, *words))
            told = [*run_view.undecided(after), *run_view.ending(end.finished), *steps]
            streams.result(*(f"  {line.lstrip()}" for line in told))


def _unheard(event: Event, name: str = "", /) -> None:
    """Nobody watches."""


def _wanted(one: _One, plan: Plan) -> Wanted:
    own, charged = one.project.manifest, one.goal.is_charged
    cap = limit(plan, cap=own.max_cost, total=own.max_total)
    answer = consent_to(plan, cap=cap, charged=charged)
    return Wanted(name=one.name, plan=plan, cap=cap, answer=answer, is_charged=charged)


def _code(end: ProjectEnd) -> ExitCode:
    if end.finished is not None:
        return end.finished.exit_code
    return ExitCode.OK if end.error is None else messages.exit_code(end.error)


def _as_json(one: _One, end: ProjectEnd) -> dict[str, Any]:
    if end.finished is None and end.error is not None:
        return messages.refusal_json(messages.problems(end.error), _code(end))
    assert end.finished is not None
    return run_view.as_json(end.finished, end.plan, one.session.standing)
