"""`kfpipe reconcile`"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio
import click

from kfpipe.cli.options import decisions
from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.decisions import Adopted, Decision, GiveUp
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams
from kfpipe.cli.views import plan as plan_view
from kfpipe.cli.views import reconcile as reconcile_view
from kfpipe.cli.views.reconcile import Case, Survey
from kfpipe.domain import Take
from kfpipe.errors import AccountRefused, ExitCode
from kfpipe.lock.states import Submitting, Unclear
from kfpipe.maintenance import reconcile
from kfpipe.plan.model import Chosen
from kfpipe.session import Session
from kfpipe.session import session as held


@click.command(
    "reconcile",
    cls=WithExamples,
    epilog=examples(
        "kfpipe reconcile shots.yaml",
        "kfpipe reconcile shots.yaml --adopt kitten=1d37e05a-44e9-4d75",
        "kfpipe reconcile shots.yaml --lost kitten",
    ),
)
@manifest_arguments
@select_option
@click.option(
    "--adopt", metavar="TAKE=TASK_ID", multiple=True, help="The take's submission became this task. Repeatable."
)
@click.option("--lost", metavar="TAKE", multiple=True, help="Give the take's submission up as lost. Repeatable.")
@json_option
def command(
    source: Source, select: Selectors, adopt: tuple[str, ...], lost: tuple[str, ...], as_json: bool
) -> ExitCode:
    """Settle takes whose submission got no answer.

    The service may have accepted such a submission and billed it, so kfpipe does not submit it again until you name
    its task or give it up. Without --adopt and --lost, the tasks it may have become are listed, and on a terminal you
    are asked about each take. Tasks of the last 24 hours that are on nobody's record here are listed as well: --adopt
    gives one to any take. With --adopt and --lost, nothing is sent. Where the answers to several requests of a take
    were lost, give a request's key in place of TAKE. For SELECT, see `kfpipe plan --help`.

    Exit code 0: nothing is left to settle; 1: something is.
    """
    project = source.load()
    streams.note(*messages.problems_text(project.warnings))
    with held(project) as opened:
        session = anyio.run(opened.recognised)
        names = reconcile.names(session.standing, session.ledger.lock)
        takes = {take.id: take for take in session.standing.takes if not take.cuts}
        decided = decisions.parsed(adopt, lost, session.ledger.lock, names, owned=session.owned_tasks(), complete=takes)
        is_meant = select.among(session.standing)
        found = Survey() if decided else _survey(session, names, is_meant)
        cases = found.cases
        if not as_json:
            decided = decided or _shown(cases)
        anyio.run(_settle, session, takes, decided)
        left = _left(names, [key for key in reconcile.unsettled(session.ledger.lock) if is_meant(names[key])])
        code = ExitCode.INCOMPLETE if left else ExitCode.OK
        if as_json:
            streams.result_json({**reconcile_view.as_json(found, decided, left), "exit_code": int(code)})
            return code
        streams.result(*reconcile_view.surveyed(found, names, source.command))
        streams.note(*reconcile_view.doubts(decided))
        streams.result(*map(reconcile_view.settled, decided), *reconcile_view.remaining(left, source.command))
        if decided and not left:
            streams.result(*plan_view.next_steps(session.plan(), source.command))
    return code


def _left(names: Mapping[str, str], keys: Sequence[str]) -> list[str]:
    """What is left to settle, by the names that settle it: a request's key where several of a take's are left."""
    counts = Counter(names[key] for key in keys)
    return sorted(names[key] if counts[names[key]] == 1 else key for key in keys)


def _survey(session: Session, names: Mapping[str, str], is_meant: Chosen) -> Survey:
    """What the service knows that the record does not. Without a key, and with nothing to settle, it is not asked."""
    unsettled = reconcile.unsettled(session.ledger.lock)
    meant = {key: entry for key, entry in unsettled.items() if is_meant(names[key])}
    ours = {key: entry for key, entry in meant.items() if session.whose.is_ours(entry.asked)}
    foreign = {names[key]: entry.asked.account for key, entry in meant.items() if key not in ours}
    try:
        return replace(anyio.run(_look, session, names, ours), foreign=foreign)
    except AccountRefused:
        if ours:
            raise
        return Survey(foreign=foreign, is_asked=False)


async def _look(session: Session, names: Mapping[str, str], ours: Mapping[str, Submitting | Unclear]) -> Survey:
    async with session.provider() as provider:
        taken_back = await session.take_back(provider)
        cases = [
            Case(key=key, take_id=names[key], entry=entry, candidates=tuple(await session.candidates(key, provider)))
            for key, entry in sorted(ours.items())
        ]
        unrecorded = await session.unrecorded(provider)
    return Survey(cases=tuple(cases), unrecorded=tuple(unrecorded), taken_back=tuple(taken_back))


def _shown(cases: Sequence[Case]) -> list[Decision]:
    """Show each case; what the person at the terminal decided, if there is one."""
    decided: list[Decision] = []
    for case in cases:
        offered = case.without({one.task_id for one in decided if isinstance(one, Adopted)})
        streams.result(*reconcile_view.lines(offered), "")
        if streams.is_interactive():
            answer = _asked(offered)
            decided += [answer] if answer is not None else []
    return decided


def _asked(case: Case) -> Decision | None:
    """What a person says of the case; None: they leave it as it is."""
    numbered = {str(number): one.task.task_id for number, one in enumerate(case.candidates, 1)}
    while True:
        word = streams.answer(reconcile_view.question(case)).casefold()
        if not word:
            return None
        if word in ("l", "lost"):
            return GiveUp(key=case.key, take_id=case.take_id)
        if word in numbered:
            return Adopted(key=case.key, take_id=case.take_id, task_id=numbered[word])


async def _settle(session: Session, takes: Mapping[str, Take], decided: Sequence[Decision]) -> None:
    for one in decided:
        match one:
            case Adopted(key=None):
                await session.adopt_for(takes[one.take_id], one.task_id)
            case Adopted(key=str(key)):
                await session.adopt(key, one.task_id)
            case GiveUp():
                await session.declare_lost(one.key)
