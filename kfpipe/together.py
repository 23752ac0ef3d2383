"""Several projects in one run: each with its own account, budget and lockfile.

Projects of different accounts run at once. Those of one account share its limits, and those that want the same clip
must not pay for it twice: such projects run one after another, and each is planned again when its turn comes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import current_thread, main_thread

import anyio
import anyio.to_thread

from kfpipe import connection
from kfpipe import project as projects
from kfpipe.errors import KfpipeError, Problem, Refused
from kfpipe.events import Event, RunFinished
from kfpipe.files import durable
from kfpipe.plan.model import Plan
from kfpipe.project import Options, Project
from kfpipe.runner.outcome import finished
from kfpipe.runner.signals import Interrupts, interrupting
from kfpipe.session import Session, most_telling
from kfpipe.wording import echoed


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRun:
    """One project of the run, under its lock. `plan_again` makes the plan again, after another project has run.

    `cap` is the most that this project may spend; None: there is no limit.
    """

    session: Session
    plan: Plan
    plan_again: Callable[[], Plan]
    cap: Decimal | None
    emit: Callable[[Event], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectEnd:
    """How a project's part ended, and the plan that it carried out; `error` is what kept it from its end."""

    plan: Plan
    finished: RunFinished | None = None
    error: KfpipeError | None = None


# ---- loading -----------------------------------------------------------------------------------------------------


def load(paths: Sequence[Path], options: Options) -> list[Project]:
    """The projects of these manifests. Raises Refused with all that is wrong with any of them, or between them."""
    problems: list[Problem] = [*_twice(paths)]
    found: dict[Path, Project] = {}
    for path in dict.fromkeys(paths):
        try:
            found[path] = projects.load(path, options)
        except Refused as refused:
            problems += refused.problems
    if not problems:
        problems += _in_one_place(found)
    if problems:
        raise Refused(problems)
    return [found[path] for path in paths]


def _twice(paths: Sequence[Path]) -> Iterator[Problem]:
    """A manifest that is given again, whatever its spelling, and whichever link leads to it."""
    seen: dict[object, Path] = {}
    for path in paths:
        try:
            state = path.stat()
        except OSError:
            continue  # which is told when it is loaded
        first = seen.setdefault((state.st_dev, state.st_ino), path)
        if first is not path:
            what = "is given twice" if first == path else f"is the same file as {echoed(durable.shown(first))}"
            yield Problem(
                file=durable.shown(path), what=what, expected="each manifest once", fix="leave one of the two out"
            )


def _in_one_place(found: dict[Path, Project]) -> Iterator[Problem]:
    """Two manifests whose clips would go to the same places: each would find the other's in its way."""
    owners: dict[str, Path] = {}
    for path, project in found.items():
        shared: dict[Path, list[str]] = {}
        for take in project.takes:
            place = unicodedata.normalize("NFC", str(project.folder / take.output)).casefold()
            owner = owners.setdefault(place, path)
            if owner is not path:
                shared.setdefault(owner, []).append(take.output)
        for owner, outputs in shared.items():
            more = f", and {len(outputs) - 1:,} more" if outputs[1:] else ""
            yield Problem(
                file=durable.shown(path),
                what=f"{echoed(outputs[0])} is also a clip of {echoed(durable.shown(owner))}{more}",
                expected="clips of different manifests in different places",
                fix="give one of the two another `output.dir`",
            )


# ---- running -----------------------------------------------------------------------------------------------------


def run(parts: Sequence[ProjectRun], *, detach: bool = False) -> list[ProjectEnd]:
    """Carry out all plans; how each ended, in the same order. An error of one project stops no other.

    Ctrl-C and SIGTERM end all runs in good order, and let none begin.
    """
    try:
        return anyio.run(partial(_run, parts, detach=detach))
    except BaseExceptionGroup as group:
        raise most_telling(group) from group


async def _run(parts: Sequence[ProjectRun], *, detach: bool) -> list[ProjectEnd]:
    ended: dict[int, ProjectEnd] = {}
    interrupts = Interrupts()

    async def in_turn(places: Sequence[int]) -> None:
        for place in places:
            is_first = place == places[0]
            ended[place] = await _carried_out(parts[place], interrupts, is_first=is_first, detach=detach)

    async with (
        interrupting(interrupts, enabled=current_thread() is main_thread()),
        anyio.create_task_group() as group,
    ):
        for places in _chains([frozenset(_marks(part)) for part in parts]):
            group.start_soon(in_turn, places)
    return [ended[place] for place in range(len(parts))]


async def _carried_out(part: ProjectRun, interrupts: Interrupts, *, is_first: bool, detach: bool) -> ProjectEnd:
    plan = part.plan
    if interrupts.is_called:
        return ProjectEnd(plan=plan, finished=finished(plan, interrupted=bool(plan.work)))
    try:
        if not is_first:
            plan = await anyio.to_thread.run_sync(part.plan_again)
        end = await part.session.run_async(plan, cap=part.cap, emit=part.emit, detach=detach, interrupts=interrupts)
    except KfpipeError as error:
        return ProjectEnd(plan=plan, error=error)
    return ProjectEnd(plan=plan, finished=end)


def _marks(part: ProjectRun) -> Iterator[Hashable]:
    """What a project must not share with another that runs at the same time: its account, and the clips it wants.

    An account is known by its key, whatever its name here. An emulator that the run starts for itself is nobody else's.
    """
    project, account = part.session.project, part.session.whose.account
    if connection.base_url(project, part.session.settings) is None:
        yield project.lockfile_path
    else:
        yield account.host, account.key
    yield from (step.take.fingerprint for step in part.plan.work if step.take is not None)


def _chains(marks: Sequence[frozenset[Hashable]]) -> list[list[int]]:
    """The places of those that are connected by what they share, each chain in its order."""
    chains: list[tuple[set[Hashable], list[int]]] = []
    for place, own in enumerate(marks):
        touched = [chain for chain in chains if not chain[0].isdisjoint(own)]
        chains = [chain for chain in chains if chain[0].isdisjoint(own)]
        chains.append(
            (
                set(own).union(*(shared for shared, _ in touched)),
                sorted([place, *(one for _, places in touched for one in places)]),
            )
        )
    return [places for _, places in chains]
