"""kfpipe from Python: load a manifest, plan it, run it.

The names in `kfpipe.__all__` are the public ones; docs/python.md shows them at work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from os import PathLike
from pathlib import Path

import anyio

from kfpipe import accounts, connection, environment
from kfpipe import project as projects
from kfpipe.errors import OverBudget
from kfpipe.events import Event, RunFinished
from kfpipe.lock import lockfile, picks
from kfpipe.lock.records import TakeRecords
from kfpipe.maintenance import verify as verification
from kfpipe.maintenance.verify import Verified
from kfpipe.plan import gather
from kfpipe.plan.consent import Granted, Withheld, asked, limit
from kfpipe.plan.gather import Standing
from kfpipe.plan.model import Plan, everything, nothing
from kfpipe.plan.selection import Selection, named
from kfpipe.project import Options, Project
from kfpipe.session import Session, refuse_on_a_loop, session

__all__ = [
    "Granted",
    "Options",
    "Project",
    "Session",
    "Withheld",
    "arun",
    "consent",
    "load",
    "pick",
    "plan",
    "records",
    "run",
    "running",
    "select",
    "session",
    "verify",
]


def _unheard(_: Event) -> None:
    """Takes events and drops them."""


def load(manifest: str | PathLike[str], options: Options | None = None) -> Project:
    """The project of a manifest, with its takes in film order. Nothing is sent.

    `options` are what the command line lays over a manifest: region, profile, emulator, prices, variables. Raises
    `Refused` with all that is wrong, in file order.
    """
    return projects.load(Path(manifest), options or Options())


def records(project: Project) -> TakeRecords:
    """What is on record, by take id, including a run that is under way or was interrupted. Writes nothing.

    Under a name that no take of the manifest bears are the requests that no take asks for any more.
    """
    return TakeRecords(_standing(project).records)


def _standing(project: Project) -> Standing:
    return gather.standing(project, lockfile.read(project.paths))


def select(project: Project, *selectors: str) -> tuple[str, ...]:
    """The ids of the takes that selectors name: `kfpipe.select(project, "tag:hero", "!walk")`.

    Selectors are those of `-s`; ids come in film order, takes that have left it last. Raises `Refused` when a
    selector matches nothing.
    """
    now = _standing(project)
    chosen = named(selectors, now.everyone, "select")
    return tuple(one.take_id for one in now.everyone if one.take_id in chosen)


def plan(
    project: Project,
    *,
    select: Selection = everything,
    retry: Selection = nothing,
    rerender: Selection = nothing,
    new_seed: bool = False,
) -> Plan:
    """What the next run will do with each take, why, and what it will cost. Sends nothing.

    `select` says which takes are planned at all, `retry` and `rerender` which to render again: those that wait for a
    decision, and those that are done. Each is a selector, several of them, or a function of a take's id. With
    `new_seed` these get another seed, where the manifest gives none.
    """
    whose = accounts.known(project, environment.read())
    lock = lockfile.read(project.paths)
    return gather.plan(project, lock, select=select, retry=retry, rerender=rerender, new_seed=new_seed, whose=whose)


def consent(project: Project, plan: Plan, *, max_cost: Decimal | None = None) -> Granted | Withheld:
    """Whether a run of `plan` may spend without asking, and up to what amount: `kfpipe run` asks the same.

    The cap is `max_cost`, or the manifest's `budget.max_cost` when none is given.
    """
    cap = limit(plan, cap=_cap(project, max_cost), total=project.manifest.max_total)
    return asked(plan, cap=cap, charged=connection.is_charged(project))


def _cap(project: Project, max_cost: Decimal | None) -> Decimal | None:
    return project.manifest.max_cost if max_cost is None else max_cost


def pick(project: Project, shot: str, take: str | None) -> bool:
    """Put on record that this take of the shot is picked, and no other; None: no take is. Whether anything changes.

    `take` is an id, or the part of it after the `@`. It is written at once, also while a run is on. Raises `Refused`
    for a shot or take that there is not, or one without a clip.
    """
    takes = picks.shot_named(shot, project.takes)
    now = gather.standing(project, lockfile.read_both(project.paths))
    if take is None:
        return lockfile.pick(project.paths, shot, None)
    chosen = picks.take_named(take, takes, now.records).id
    return lockfile.pick(project.paths, shot, chosen, key=now.records[chosen].key)


def verify(project: Project, *, select: Selection = everything) -> Iterator[Verified]:
    """Compare every rendered file with the lockfile, byte for byte, and decode its pictures. Sends nothing."""
    now = _standing(project)
    return verification.verify(project, now.takes, now.records, gather.chosen(now, select, "select"))


def run(
    project: Project,
    *,
    max_cost: Decimal | None = None,
    select: Selection = everything,
    retry: Selection = nothing,
    rerender: Selection = nothing,
    new_seed: bool = False,
    emit: Callable[[Event], None] = _unheard,
) -> RunFinished:
    """Make every clip that is missing, and return when that is done.

    It spends at most `max_cost`, or the manifest's `budget.max_cost` when none is given; where there is neither, only
    the emulator renders. Raises `OverBudget` before anything is sent when the plan costs more, or when its cost
    is unknown. `emit` is called with each event as it happens. Ctrl-C and SIGTERM end the run in good order. On an
    event loop, as in a notebook, use `await kfpipe.arun(...)`: here it raises `LoopRunning`.
    """
    refuse_on_a_loop("kfpipe.run(...)", instead="await kfpipe.arun(...)")
    with session(project) as opened:
        held = anyio.run(opened.recognised)
        planned = held.plan(select=select, retry=retry, rerender=rerender, new_seed=new_seed)
        return held.run(planned, cap=_agreed(project, planned, max_cost), emit=emit)


async def arun(
    project: Project,
    *,
    max_cost: Decimal | None = None,
    select: Selection = everything,
    retry: Selection = nothing,
    rerender: Selection = nothing,
    new_seed: bool = False,
    emit: Callable[[Event], None] = _unheard,
) -> RunFinished:
    """`run` on your event loop, asyncio or trio: `await kfpipe.arun(project)` in a notebook.

    Signals are yours to handle. Cancelling it ends the run: tasks under way are on record, and the next run follows
    them.
    """
    with session(project) as opened:
        held = await opened.recognised()
        planned = held.plan(select=select, retry=retry, rerender=rerender, new_seed=new_seed)
        return await held.run_async(planned, cap=_agreed(project, planned, max_cost), emit=emit)


@asynccontextmanager
async def running(
    project: Project,
    *,
    max_cost: Decimal | None = None,
    select: Selection = everything,
    retry: Selection = nothing,
    rerender: Selection = nothing,
    new_seed: bool = False,
) -> AsyncIterator[AsyncIterator[Event]]:
    """`run` on your event loop, asyncio or trio: its events as they happen, the last of them `RunFinished`.

    Leaving the block early ends the run: tasks under way are on record, and the next run follows them.
    """
    with session(project) as opened:
        held = await opened.recognised()
        planned = held.plan(select=select, retry=retry, rerender=rerender, new_seed=new_seed)
        async with held.running(planned, cap=_agreed(project, planned, max_cost)) as events:
            yield events


def _agreed(project: Project, plan: Plan, max_cost: Decimal | None) -> Decimal | None:
    """The most that a run of `plan` may spend. Raises `OverBudget` when that has not been agreed to."""
    answer = consent(project, plan, max_cost=max_cost)
    if isinstance(answer, Granted):
        return answer.cap
    cap = limit(plan, cap=_cap(project, max_cost), total=project.manifest.max_total)
    price = "an unknown amount" if answer.cap is None else f"{answer.cap:f} {plan.currency}"
    agreed = "no budget is set" if cap is None else f"the budget is {cap:f} {plan.currency}"
    raise OverBudget(
        f"the run would cost {price}, but {agreed}", fix="pass `max_cost`, or set `budget:` in the manifest"
    )
