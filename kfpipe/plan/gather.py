"""Project + what is on record + what is on disk -> plan: the facts of a plan, each gathered once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from kfpipe import environment, gcpause
from kfpipe.domain import Account, Take
from kfpipe.lock import workspace
from kfpipe.lock.book.database import path_of
from kfpipe.lock.book.elsewhere import Elsewhere
from kfpipe.lock.join import Requests
from kfpipe.lock.records import Known, Neighbour, Records, Register
from kfpipe.lock.states import Lock, Rendered, spent
from kfpipe.media import renders
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.media.renders import Shelf
from kfpipe.plan import chain, decide
from kfpipe.plan.model import UNKNOWN, Chosen, Plan, PlanFacts, Step, Whose, nothing
from kfpipe.plan.narrow import narrowed
from kfpipe.plan.selection import KnownTake, Selection, named, nominees
from kfpipe.project import Project
from kfpipe.takes.matrix import values_in_ids
from kfpipe.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A project's takes, complete as far as there are clips to cut pictures from, and what is on record for each.

    `picked` are takes of the manifest, on record or not. With an `account`, `records` has what other clones of its
    book have on record, too.
    """

    takes: tuple[Take, ...]
    records: Records
    min_fidelity: Decimal
    picked: frozenset[str] = frozenset()
    account: Account | None = None

    @property
    def everyone(self) -> list[KnownTake]:
        """What a person may mean: the takes, then those on record that have left the manifest."""
        return nominees(self.takes, self.records, self.min_fidelity, self.picked)

    @property
    def of_manifest(self) -> Standing:
        """The same for the manifest's takes alone."""
        return replace(self, records={take.id: self.records[take.id] for take in self.takes if take.id in self.records})


def register(
    project: Project, lock: Lock, requests: Requests | None = None, account: Account | None = None
) -> Register:
    """All that is on record for the project; `requests` are those of `lock`, where they are indexed already.

    With an `account` also what its book lists of other clones and worktrees.
    """
    neighbours = workspace.neighbours(project.root, project.lockfile_path)
    besides = [project.root / neighbour.name for neighbour in neighbours]
    elsewhere = Elsewhere(None if account is None else path_of(account), project.lockfile_path, besides)
    return Register(
        requests=requests or Requests(lock.requests),
        picked=lock.picked,
        picked_from=lock.picked_from,
        by_profile=values_in_ids(project.manifest.by_profile),
        region=project.region.name,
        neighbours=neighbours,
        elsewhere=elsewhere.of if elsewhere else None,
    )


def shelf(project: Project) -> Shelf:
    """The project's clips on disk."""
    return Shelf(project.folder, project.root, project.manifest.output_dir, project.state_dir)


@gcpause.paused()
def standing(
    project: Project, lock: Lock, requests: Requests | None = None, account: Account | None = None
) -> Standing:
    """What is on record for each take, as a person asks for it; `requests` and `account` as in `register`."""
    clips = shelf(project)
    now = _now(project, register(project, lock, requests, account), clips, account)
    clips.save()
    return now


def disk_facts(
    project: Project,
    takes: Sequence[Take],
    records: Records,
    neighbours: Sequence[Neighbour] = (),
    clips: Shelf | None = None,
) -> DiskFacts:
    """The state on disk of the clips on record, and which takes have a clip in place that is not theirs.

    `clips` is the project's shelf, where it is at hand.
    """
    clips = clips or shelf(project)
    filled = renders.in_place(takes, project.folder)
    states = renders.on_disk(takes, records, clips) | renders.strays(filled, records, project.folder)
    owners = renders.owners(filled, states, neighbours, clips, project.folder)
    states |= dict.fromkeys(owners, FileState.STRAY)
    elsewhere = _elsewhere(project, records, states, clips)
    clips.save()
    return DiskFacts(clips=states, elsewhere=elsewhere, owners=owners)


def _elsewhere(project: Project, records: Records, states: Mapping[str, FileState], clips: Shelf) -> Mapping[str, str]:
    """Where the bytes of clips are that are not in their places, as a person would type it."""
    found = {}
    for take_id, record in records.items():
        if isinstance(record.entry, Rendered) and states.get(take_id) not in (None, FileState.MATCHES):
            place = clips.find(record.entry.render, None if record.place is None else record.place.folder)
            if place is not None:
                found[take_id] = Path(os.path.relpath(place, project.folder)).as_posix()
    return found


def belonging(project: Project, known: Register) -> Callable[[str], frozenset[str]]:
    """What tells, of a path, the digests of the clips that belong there: by what is on record when it is asked."""
    theirs = _places_of_neighbours(project, known)
    own = {take.output: take for take in project.takes}

    def at(path: str) -> frozenset[str]:
        take = own.get(path)
        if take is None:
            return theirs.get(path, frozenset())
        return _digests([*known.alike(take), *(known.requests.named(take.id) if take.cuts else ())])

    return at


def taken_places(project: Project, known: Register) -> frozenset[str]:
    """The paths that are the places of takes: of this manifest's, and of clips that other manifests have on record."""
    return frozenset(_places_of_neighbours(project, known)).union(take.output for take in project.takes)


def _places_of_neighbours(project: Project, known: Register) -> dict[str, frozenset[str]]:
    """The digests of clips by path, as other manifests of the project have them."""
    theirs: dict[str, frozenset[str]] = {}
    for neighbour in known.neighbours:
        if not neighbour.is_alone:
            folder = os.path.relpath(neighbour.folder, project.folder)
            for entry in sorted(neighbour.requests.view.values(), key=lambda entry: entry.asked.asked_at):
                if isinstance(entry, Rendered):
                    path = os.path.normpath(Path(folder, entry.render.path))
                    theirs[Path(path).as_posix()] = frozenset([entry.render.sha256])
    return theirs


def _digests(requests: Sequence[Known]) -> frozenset[str]:
    return frozenset(entry.render.sha256 for _, entry in requests if isinstance(entry, Rendered))


def chosen(standing: Standing, selection: Selection, option: str, *, is_of_manifest: bool = False) -> Chosen:
    """Whether a take is meant, asked by its id. Raises Refused when a selector names nothing; `option` is its name.

    `is_of_manifest`: it is a take of the manifest in any case.
    """
    if callable(selection):
        return selection
    selectors = (selection,) if isinstance(selection, str) else tuple(selection)
    if not selectors:
        return nothing
    return named(selectors, (standing.of_manifest if is_of_manifest else standing).everyone, option).__contains__


@gcpause.paused()
def plan(
    project: Project,
    lock: Lock,
    *,
    select: Selection,
    retry: Selection,
    rerender: Selection,
    new_seed: bool = False,
    whose: Whose | None = None,
    requests: Requests | None = None,
    now: Standing | None = None,
) -> Plan:
    """What the next run will do with the takes that `select` chooses, and with no others.

    What is to be rendered again is a take of the manifest. `now` is the standing of this `lock`, where it is at hand;
    one that was read for another account is read again. Raises Refused when a selector names nothing.
    """
    whose = whose or UNKNOWN
    known, clips = register(project, lock, requests, whose.account), shelf(project)
    now = now if now is not None and now.account == whose.account else _now(project, known, clips, whose.account)
    select = chosen(now, select, "select")
    retry = _both(select, chosen(now, retry, "retry", is_of_manifest=True))
    rerender = _both(select, chosen(now, rerender, "rerender", is_of_manifest=True))
    chained = chain.completed(project, known, clips, rerender)
    records = now.records if chained.takes is now.takes else known.of(chained.takes)
    whole = decide.make(
        chained.takes,
        _facts(project, known, chained, records, whose, clips),
        currency=project.currency,
        output_dir=project.manifest.output_dir,
        retry=retry,
        rerender=rerender,
        new_seed=new_seed,
    )
    return narrowed(replace(whole, on_record=_on_record(project, lock), under_way=_under_way(whole)), select)


def _facts(
    project: Project, known: Register, chained: chain.Chained, records: Records, whose: Whose, clips: Shelf
) -> PlanFacts:
    return PlanFacts(
        records=records,
        disk=disk_facts(project, chained.takes, records, known.neighbours, clips),
        region=known.region,
        now=environment.now(),
        requests=[*known.requests.view.items()],
        neighbours=known.neighbours,
        whose=whose,
        obstacles=chained.obstacles,
        manifest=project.sources[0].file,
    )


def _now(project: Project, known: Register, clips: Shelf, account: Account | None) -> Standing:
    takes = chain.completed(project, known, clips, nothing).takes
    records = known.of(takes)
    return Standing(
        takes=takes,
        records=records,
        min_fidelity=project.manifest.min_fidelity,
        picked=known.picked_among(takes, records),
        account=account,
    )


def _on_record(project: Project, lock: Lock) -> Decimal:
    """What all requests on record have cost, in the project's currency; play money counts only among itself."""
    real = (entry for entry in lock.requests.values() if entry.asked.region == project.region.name)
    return spent(real).get(project.currency, Decimal(0))


def _under_way(plan: Plan) -> Decimal:
    """What the debts may still add to the bill, whoever is to settle them, as far as prices are known."""
    debts = (debt for debt in plan.debts if debt.step.asked.currency == plan.currency)
    return sum((debt.may_cost or Decimal(0) for debt in debts), Decimal(0))


def continued(project: Project, by_id: Mapping[str, Take], known: Register, whose: Whose, waiting: Step) -> Step:
    """What is to be done with a take whose sources have their clips now. Blocks; raises as `chain.complete`.

    `by_id` are the project's takes.
    """
    if waiting.take is None:
        raise AssertionError("only takes of the manifest continue others")
    take = chain.completed_take(project, waiting.take, by_id, known)
    record = known.wanted(take) or known.named(take)
    records = {} if record is None else {take.id: record}
    facts = PlanFacts(
        records=records,
        disk=disk_facts(project, [take], records, known.neighbours),
        region=known.region,
        now=environment.now(),
        whose=whose,
    )
    return decide.step_of(take, facts, waiting.wish)


def _both(one: Chosen, other: Chosen) -> Chosen:
    return nothing if other is nothing else lambda take_id: one(take_id) and other(take_id)
