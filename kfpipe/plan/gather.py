"""Project + what is on record + what is on disk -> plan: the facts of a plan, each gathered once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kfpipe import environment, gcpause
from kfpipe.domain import Take
from kfpipe.lock.states import Lock
from kfpipe.media import renders
from kfpipe.media.facts import DiskFacts
from kfpipe.plan import chain, decide
from kfpipe.plan.model import Chosen, Plan, PlanFacts, Step, nothing
from kfpipe.plan.narrow import narrowed
from kfpipe.plan.selection import Selection, named
from kfpipe.project import Project


def disk_facts(project: Project, lock: Lock, takes: Iterable[Take] = ()) -> DiskFacts:
    """The state on disk of the clips on record in `lock`, and which takes have a clip in place without a record."""
    clips = renders.on_disk(lock, project.folder, project.state_dir) | renders.strays(takes, lock, project.folder)
    return DiskFacts(clips=clips)


def completed_takes(project: Project, lock: Lock) -> tuple[Take, ...]:
    """The project's takes, those that continue others with their pictures, as far as there are clips to cut them."""
    sources = {source for take in project.takes for source in take.sources}
    disk = disk_facts(project, {take_id: lock[take_id] for take_id in sources if take_id in lock})
    return chain.completed(project, lock, disk, nothing).takes


def chosen(project: Project, lock: Lock, selection: Selection, option: str) -> Chosen:
    """Whether a take is meant, asked by its id. Raises Refused when a selector names nothing; `option` is its name."""
    if callable(selection):
        return selection
    selectors = (selection,) if isinstance(selection, str) else tuple(selection)
    return named(selectors, completed_takes(project, lock), lock, option).__contains__


@gcpause.paused()
def plan(project: Project, lock: Lock, *, select: Selection, retry: Selection, rerender: Selection) -> Plan:
    """What the next run will do with the takes that `select` chooses, and with no others.

    What is to be rendered again is a take of the manifest. Raises Refused when a selector names nothing.
    """
    present = {take.id: lock[take.id] for take in project.takes if take.id in lock}
    select = chosen(project, lock, select, "select")
    retry, rerender = chosen(project, present, retry, "retry"), chosen(project, present, rerender, "rerender")
    disk = disk_facts(project, lock, project.takes)
    retry, rerender = _both(select, retry), _both(select, rerender)
    chained = chain.completed(project, lock, disk, rerender)
    whole = decide.make(
        chained.takes,
        _plan_facts(project, lock, disk, chained.takes, chained.obstacles),
        currency=project.currency,
        output_dir=project.manifest.output_dir,
        retry=retry,
        rerender=rerender,
    )
    return narrowed(whole, select)


def continued(project: Project, waiting: Step, lock: Lock) -> Step:
    """What is to be done with a take whose sources have their clips now. Blocks; raises as `chain.complete`."""
    if waiting.take is None:
        raise AssertionError("only takes of the manifest continue others")
    own = {waiting.take_id: lock[waiting.take_id]} if waiting.take_id in lock else {}
    disk = disk_facts(project, own, [waiting.take])
    take = chain.complete(project, waiting.take, lock)
    facts = _plan_facts(project, own, disk, [take], {})
    return decide.step_of(take, facts, retry=waiting.retry, rerender=waiting.rerender)


def _plan_facts(
    project: Project, lock: Lock, disk: DiskFacts, takes: Iterable[Take], obstacles: Mapping[str, str]
) -> PlanFacts:
    region = project.region.name
    shelved = renders.shelved(takes, lock, project.folder, project.state_dir, region)
    return PlanFacts(
        lock=lock, disk=replace(disk, shelved=shelved), region=region, now=environment.now(), obstacles=obstacles
    )


def _both(one: Chosen, other: Chosen) -> Chosen:
    return lambda take_id: one(take_id) and other(take_id)
