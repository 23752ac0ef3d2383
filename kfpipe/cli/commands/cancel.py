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
}
_COUNTED: Final = {
    Cancelling.CANCELED: "canceled",
    Cancelling.RUNS_ON: "already rendering",
    Cancelling.OVER: "already finished",
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
    with held(project) as session:
        lock = session.ledger.lock
        wanted = set(filter(select.among(project, lock), lock))
        tasks, nameless = _under_way(session, wanted), sorted(reconcile.unsettled(lock).keys() & wanted)
        outcomes = anyio.run(partial(_cancel, session, tasks, quietly=as_json)) if tasks else {}
    left = nameless or any(outcome is not Cancelling.CANCELED for outcome in outcomes.values())
    code = ExitCode.INCOMPLETE if left else ExitCode.OK
    if as_json:
        takes = [
            {"take": take_id, "task_id": tasks[take_id].task_id, "outcome": outcome}
            for take_id, outcome in outcomes.items()
        ]
        streams.result_json({"takes": takes, "unsettled": nameless, "exit_code": int(code)})
    else:
        streams.result(*_summary(outcomes, source), *_unsettled(nameless, source))
    return code


def _under_way(session: Session, wanted: Collection[str]) -> dict[str, Task]:
    """The unfinished tasks of these takes, latest first: the latest is the most likely to be queued still."""
    entries = {take_id: record.entry for take_id, record in session.ledger.lock.items() if take_id in wanted}
    tasks = {take_id: entry.task for take_id, entry in entries.items() if isinstance(entry, Submitted)}
    return dict(sorted(tasks.items(), key=lambda named: named[1].submitted_at, reverse=True))


async def _cancel(session: Session, tasks: Mapping[str, Task], *, quietly: bool) -> dict[str, Cancelling]:
    """The outcome of each, printed as it arrives, since a person may stop half-way."""
    outcomes = {}
    async with session.provider() as provider:
        for take_id, task in tasks.items():
            outcomes[take_id] = await session.cancel(take_id, provider)
            if not quietly:
                streams.result(f"{take_id}: {_WORDS[outcomes[take_id]]} (task {task.task_id})")
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
