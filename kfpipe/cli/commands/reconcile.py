"""`kfpipe reconcile`"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

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
from kfpipe.cli.views.reconcile import Case
from kfpipe.errors import ExitCode
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
    are asked about each take. With them, nothing is sent. Where the answers to several requests of a take were lost,
    give a request's key in place of TAKE. For SELECT, see `kfpipe plan --help`.

    Exit code 0: nothing is left to settle; 1: something is.
    """
    project = source.load()
    streams.note(*messages.problems_text(project.warnings))
    with held(project) as session:
        names = reconcile.names(session.standing, session.ledger.lock)
        decided = decisions.parsed(adopt, lost, session.ledger.lock, names, session.owned_tasks())
        is_meant = select.among(session.standing)
        cases = [] if decided else _cases(session, names, is_meant)
        if not as_json:
            decided = decided or _shown(cases)
        anyio.run(_settle, session, decided)
        left = _left(names, [key for key in reconcile.unsettled(session.ledger.lock) if is_meant(names[key])])
        code = ExitCode.INCOMPLETE if left else ExitCode.OK
        if as_json:
            streams.result_json({**reconcile_view.as_json(cases, decided, left), "exit_code": int(code)})
            return code
        streams.note(*reconcile_view.doubts(decided))
        streams.result(*map(reconcile_view.settled, decided), *reconcile_view.remaining(left, source.command))
        if decided and not left:
            streams.result(*plan_view.next_steps(session.plan(), source.command))
    return code


def _left(names: Mapping[str, str], keys: Sequence[str]) -> list[str]:
    """What is left to settle, by the names that settle it: a request's key where several of a take's are left."""
    counts = Counter(names[key] for key in keys)
    return sorted(names[key] if counts[names[key]] == 1 else key for key in keys)


def _cases(session: Session, names: Mapping[str, str], is_meant: Chosen) -> list[Case]:
    unsettled = reconcile.unsettled(session.ledger.lock)
    meant = {key: entry for key, entry in unsettled.items() if is_meant(names[key])}
    return anyio.run(_look, session, names, meant) if meant else []


async def _look(session: Session, names: Mapping[str, str], meant: Mapping[str, Submitting | Unclear]) -> list[Case]:
    async with session.provider() as provider:
        return [
            Case(key=key, take_id=names[key], entry=entry, candidates=tuple(await session.candidates(key, provider)))
            for key, entry in sorted(meant.items())
        ]


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


async def _settle(session: Session, decided: Sequence[Decision]) -> None:
    for one in decided:
        match one:
            case Adopted():
                await session.adopt(one.key, one.task_id)
            case GiveUp():
                await session.declare_lost(one.key)
