"""Requests and takes: which requests are a take's own. Pure.

A take finds its requests by what it asks for, whatever name they were asked under; of several, the newest that has not
ended without a clip. Takes that ask for a new random seed each time find theirs by name, then whichever nobody wants.
What no take of the manifest asks for is kept under the name that it was first asked under.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from kfpipe.domain import EMULATOR_REGION, Take, shot_of
from kfpipe.lock.join import Requests
from kfpipe.lock.states import (
    ABSENT,
    Ended,
    Entry,
    Rendered,
    is_never_made,
    is_rehearsal,
    name_of,
    result_of,
    state_name,
)
from kfpipe.values import dataclass
from kfpipe.wording import html_table

Known = tuple[str, Entry]
"""A request and its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """What another lockfile of the project has on record. `name` is its path in the user's words.

    `folder` is that of its manifest. `is_alone`: that manifest is gone. `is_busy`: a run is writing it. `is_elsewhere`:
    it is not of this project, but of another clone or worktree on this machine.
    """

    name: str
    folder: Path
    requests: Requests
    is_alone: bool = False
    is_busy: bool = False
    is_elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A take's request with its key, and all others that are on record for it, oldest first.

    `is_wanted` says that it is just what the manifest asks for, `place` which other lockfile it is from.
    `picked_earlier`: the take was picked when it had an older clip.
    """

    key: str
    entry: Entry
    others: tuple[Known, ...] = ()
    picked: bool = False
    picked_earlier: bool = False
    is_wanted: bool = False
    place: Neighbour | None = None

    @property
    def previous(self) -> tuple[Entry, ...]:
        """The others without their keys."""
        return tuple(entry for _, entry in self.others)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them."""
        return (*self.previous, self.entry)


ByProfile = Mapping[str, frozenset[str]]
"""The values of axes that are a profile's, by axis, as take ids spell them."""

Records = Mapping[str, Record]
"""Records by take id: of the manifest's takes, and of names that no take bears any more."""


class TakeRecords(dict[str, Record]):
    """Records by take id, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        rows = [(take_id, state_of(record), *_cells(record)) for take_id, record in self.items()]
        return html_table(("take", "state", "picked", "cost", "file"), rows)


def _cells(record: Record) -> tuple[str, str, str]:
    """Whether it is picked, what it has cost, and where the clip is."""
    entry, result = record.entry, result_of(record.entry)
    cost = "" if result is None or result.cost is None else f"{result.cost:f} {entry.asked.currency}"
    return "picked" if record.picked else "", cost, entry.render.path if isinstance(entry, Rendered) else ""


def state_of(record: Record | None) -> str:
    """The state's word in every table. A take whose request never became a task is as if it had not been asked for."""
    if record is None or is_never_made(record.entry):
        return ABSENT
    return state_name(record.entry)


def entries(records: Records) -> Iterator[Entry]:
    """Every request of these takes, each once, however many of them share it."""
    known = (one for record in records.values() for one in (*record.others, (record.key, record.entry)))
    yield from dict(known).values()


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """All that is on record in a project, as a run in `region` sees it. Picks are those of the lock.

    `elsewhere` tells, by fingerprint, which other clone or worktree has a clip, or will have it; None: none has any.
    """

    requests: Requests
    picked: Mapping[str, str]
    region: str
    neighbours: tuple[Neighbour, ...] = ()
    picked_from: Mapping[str, str] = field(default_factory=dict)
    by_profile: ByProfile = field(default_factory=dict)
    elsewhere: Callable[[str], Neighbour | None] | None = None

    def alike(self, take: Take) -> list[Known]:
        """The manifest's own requests for just this clip, those left out that the emulator has answered."""
        return self._real(self.requests.alike(take.fingerprint))

    def wanted(self, take: Take) -> Record | None:
        """The record of a take that shares its request with no other; None where its clip was never asked for."""
        return self._standing(take, self.alike(take), [])

    def named(self, take: Take) -> Record | None:
        """The record of a take by its name, whatever it asks for by now."""
        return _record([], self.requests.named(take.id))

    def borrowed(self, take: Take, rest: list[Known]) -> Record | None:
        """The record of a take whose clip other lockfiles of the project know: the one that has it, or may get it."""
        if take.request.draws_seed:
            return None
        found = max(
            (record for one in self.neighbours if (record := self._there(one, take, rest)) is not None),
            key=lambda record: not isinstance(record.entry, Ended),
            default=None,
        )
        if found is not None and not isinstance(found.entry, Ended):
            return found
        other = None if self.elsewhere is None else self.elsewhere(take.fingerprint)
        return found if other is None else self._there(other, take, rest)

    def _there(self, neighbour: Neighbour, take: Take, rest: list[Known]) -> Record | None:
        record = _record(self._real(neighbour.requests.alike(take.fingerprint)), [])
        return None if record is None else replace(record, others=_in_time(rest), place=neighbour)

    def of(self, takes: Sequence[Take]) -> dict[str, Record]:
        """The records of the manifest's takes, and of what no take asks for: each request is in one of them.

        Only takes that ask for the very same clip share one.
        """
        made: dict[str, Record] = {}
        if not self.requests.view and not self.neighbours and self.elsewhere is None:
            return made
        wanted = self._wanted(takes)
        keys = {key for group in wanted.values() for key, _ in group}
        names = dict.fromkeys(self.requests.names)
        for take in takes:
            record = self._standing(take, wanted[take.id], self.requests.named(take.id, besides=keys))
            if record is not None:
                made[take.id] = record
            names.pop(take.id, None)
        for name in names:
            record = _record([], self.requests.named(name, besides=keys))
            if record is not None:
                made[name] = record
        return self._marked(made, [take.id for take in takes])

    def picked_among(self, takes: Sequence[Take], records: Records) -> frozenset[str]:
        """The takes that are picked, rendered or not; of a draft that was picked, all takes that it may stand for."""
        marked = {take.id for take in takes if take.id in records and records[take.id].picked}
        stand_ins = self._stand_ins([take.id for take in takes], records)
        return frozenset(marked.union(*stand_ins.values()))

    def _standing(self, take: Take, own: list[Known], rest: list[Known]) -> Record | None:
        """The record of a take: where its own requests came to nothing, another lockfile may have the clip."""
        found = _record(own, rest)
        if own and found is not None and not isinstance(found.entry, Ended):
            return found
        borrowed = self.borrowed(take, [*own, *rest])
        return found if borrowed is None or (own and isinstance(borrowed.entry, Ended)) else borrowed

    def _real(self, found: list[Known]) -> list[Known]:
        if self.region == EMULATOR_REGION:
            return found
        return [known for known in found if not is_rehearsal(known[1], self.region)]

    def _wanted(self, takes: Sequence[Take]) -> dict[str, list[Known]]:
        """By take, the requests on record that ask for just its clip."""
        wanted = {take.id: self.alike(take) for take in takes}
        drawn = [take for take in takes if take.request.draws_seed]
        claimed: set[str] = set()
        for take in drawn:
            wanted[take.id] = [known for known in wanted[take.id] if name_of(known[0]) == take.id]
            claimed.update(key for key, _ in wanted[take.id])
        for take in drawn:
            free = [known for known in self.alike(take) if known[0] not in claimed]
            if free and not wanted[take.id]:
                wanted[take.id] = [max(free, key=_rank)]
                claimed.add(wanted[take.id][0][0])
        return wanted

    def _marked(self, records: dict[str, Record], take_ids: Sequence[str]) -> dict[str, Record]:
        """The records, those marked that were picked; a pick follows its take's request to another name.

        A draft's pick is that of the only take that it stands for; among several, a person has yet to choose.
        """
        present = set(take_ids)
        gone = {take_id for take_id in self.picked.values() if take_id not in present}
        for take_id, record in records.items():
            follows = record.is_wanted and take_id in present and name_of(record.key) in gone
            if self.picked.get(shot_of(take_id)) == take_id or follows:
                self._mark(records, take_id, name_of(record.key) if follows else take_id)
        for pick, alike in self._stand_ins(take_ids, records).items():
            if len(alike) == 1 and alike[0] in records:
                self._mark(records, alike[0], pick)
        return records

    def _mark(self, records: dict[str, Record], take_id: str, pick: str) -> None:
        record = records[take_id]
        records[take_id] = replace(record, picked=True, picked_earlier=self._is_newer(record, than_pick=pick))

    def _stand_ins(self, take_ids: Sequence[str], records: Records) -> dict[str, list[str]]:
        """By pick that no take and no request follows, the takes which it may stand for."""
        present = set(take_ids)
        gone = {pick for pick in self.picked.values() if pick not in present}
        if not gone or not self.by_profile:
            return {}
        gone -= {name_of(records[take_id].key) for take_id in present & records.keys() if records[take_id].is_wanted}
        siblings: dict[str, list[str]] = {}
        for take_id in take_ids:
            siblings.setdefault(shot_of(take_id), []).append(take_id)
        return {pick: stand_ins(pick, siblings.get(shot_of(pick), ()), self.by_profile) for pick in sorted(gone)}

    def _is_newer(self, record: Record, *, than_pick: str) -> bool:
        """Whether the clip is of a later request than the one on which a pick was made; not where none is on record."""
        key = self.picked_from.get(than_pick, "")
        seen = self.requests.view.get(key)
        if seen is None or not isinstance(record.entry, Rendered):
            return False
        return (record.entry.asked.asked_at, record.key) > (seen.asked.asked_at, key)


def stand_ins(pick: str, siblings: Sequence[str], by_profile: ByProfile) -> list[str]:
    """The takes of a shot that a picked one may stand for, which was made under another profile.

    They have its values, but on axes where one of the two has that of a profile, or has lost the axis to one.
    """
    axes = _axes(pick)

    def is_alike(take_id: str) -> bool:
        own = _axes(take_id)
        differing = (name for name in axes.keys() | own.keys() if axes.get(name) != own.get(name))
        return all(
            name in by_profile and not {axes.get(name), own.get(name)}.isdisjoint({None, *by_profile[name]})
            for name in differing
        )

    return [take_id for take_id in siblings if is_alike(take_id)]


def _axes(take_id: str) -> dict[str, str]:
    """The values of a take's axes; none where it is the only one of its shot."""
    words = take_id.partition("@")[2]
    return {name: value for name, _, value in (word.partition("=") for word in words.split(",") if word)}


def _rank(known: Known) -> tuple[object, ...]:
    """Which of several requests a take stands by: the greatest."""
    key, entry = known
    return not isinstance(entry, Ended), entry.asked.asked_at, key


def _record(own: list[Known], rest: list[Known]) -> Record | None:
    """The record of a take: by the requests that ask for its clip, else by others of its name."""
    known = own or rest
    if not known:
        return None
    key, entry = known[0] if len(known) == 1 else max(known, key=_rank)
    others = _in_time([one for one in (*own, *rest) if one[0] != key]) if len(own) + len(rest) > 1 else ()
    return Record(key=key, entry=entry, others=others, is_wanted=bool(own))


def _in_time(known: list[Known]) -> tuple[Known, ...]:
    return tuple(sorted(known, key=lambda one: (one[1].asked.asked_at, one[0])))
