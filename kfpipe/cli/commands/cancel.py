"""`kfpipe cancel`"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

import anyio
import click

from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams
from kfpipe.cli.output.amounts import counted
from kfpipe.errors import ExitCode
from kfpipe.lock.states import Submitted, Task
from kfpipe.maintenance import reconcile
from kfpipe.maintenance.cancel import Cancelling
from kfpipe.session import Session
from kfpipe.session import session as held

_WORDS: Final = {
    Cancelling.CANCELED: "canceled",
    Cancelling.RUNS_ON: "already rendering; it will be billed",
    Cancelling.OVER: "already finished",
    Cancelling.FOREIGN: "left alone: it was asked for with another account; cancel it with that account's key",
}
_COUNTED: Final = {
    Cancelling.CANCELED: "canceled",
    Cancelling.RUNS_ON: "already rendering",
    Cancelling.OVER: "already finished",
    Cancelling.FOREIGN: "of another account",
}


@click.command(
    "cancel", cls=WithExamples, epilog=examples("kfpipe cancel shots.yaml", "kfpipe cancel shots.yaml -s 'kitten*'")
)
@manifest_arguments
@select_option
@json_option
def command(source: Source, select: Selectors, as_json: bool) -> ExitCode:
    """Cancel tasks that are still queued at the service.

    A canceled task is not billed. A task that is already rendering cannot be canceled: it is billed, and the next run
    downloads its clip. Without SELECT (see `kfpipe plan --help`), all queued tasks are canceled.

    Exit code 0: all are canceled; 1: some keep rendering, have finished, or are unknown because the service's answer
    was lost.
    """
    project = source.load()
    streams.note(*messages.problems_text(project.warnings))
    with held(project) as opened:
        session = anyio.run(opened.recognised)
        names = reconcile.names(session.standing, session.ledger.lock)
        wanted = set(filter(select.among(session.standing), names.values()))
        tasks, nameless = _under_way(session, names, wanted), _nameless(session, names, wanted)
        outcomes = anyio.run(partial(_cancel, session, tasks, names, quietly=as_json)) if tasks else {}
    left = nameless or any(outcome is not Cancelling.CANCELED for outcome in outcomes.values())
    code = ExitCode.INCOMPLETE if left else ExitCode.OK
    if as_json:
        takes = [
            {"take": names[key], "task_id": tasks[key].task_id, "outcome": outcome} for key, outcome in outcomes.items()
        ]
        streams.result_json({"takes": takes, "unsettled": nameless, "exit_code": int(code)})
    else:
        streams.result(*_summary(outcomes, source), *_unsettled(nameless, source))
    return code


def _under_way(session: Session, names: Mapping[str, str], wanted: Collection[str]) -> dict[str, Task]:
    """The unfinished tasks of these takes by request, latest first: that is the most likely to be queued still."""
    entries = {key: entry for key, entry in session.ledger.lock.requests.items() if names[key] in wanted}
    tasks = {key: entry.task for key, entry in entries.items() if isinstance(entry, Submitted)}
    return dict(sorted(tasks.items(), key=lambda named: named[1].submitted_at, reverse=True))


def _nameless(session: Session, names: Mapping[str, str], wanted: Collection[str]) -> list[str]:
    """The takes that may have a task whose id is not known."""
    return sorted({names[key] for key in reconcile.unsettled(session.ledger.lock)} & set(wanted))


async def _cancel(
    session: Session, tasks: Mapping[str, Task], names: Mapping[str, str], *, quietly: bool
) -> dict[str, Cancelling]:
    """The outcome of each, printed as it arrives, since a person may stop half-way."""
    outcomes = {}
    async with session.provider() as provider:
        for key, task in tasks.items():
            outcomes[key] = await session.cancel(key, provider)
            if not quietly:
                streams.result(f"{names[key]}: {_WORDS[outcomes[key]]} (task {task.task_id})")
    return outcomes


def _summary(outcomes: Mapping[str, Cancelling], source: Source) -> list[str]:
    if not outcomes:
        return ["nothing to cancel: no task is under way"]
    counts = Counter(outcomes.values())
    told = ", ".join(f"{counts[outcome]:,} {words}" for outcome, words in _COUNTED.items() if counts[outcome])
    lines = [f"{counted(len(outcomes), 'task')}: {told}"]
    if counts[Cancelling.CANCELED]:
        lines.append(
            "  canceled tasks are not billed; the next run renders their takes, if they are still in the manifest"
        )
    if counts[Cancelling.CANCELED] < len(outcomes):
        lines.append(f"to get the clips of tasks that were not canceled: {source.command('run')}")
    return lines


def _unsettled(nameless: Collection[str], source: Source) -> list[str]:
    """Takes that may have a task whose id is not known."""
    told = [f"{take_id}: the service's answer was lost, so its task is unknown" for take_id in nameless]
    return [*told, f"to settle this: {source.command('reconcile')}"] if nameless else []
