"""Which takes a person means: `kitten*`, `tag:hero`, `state:failed`, `model:wan2.7*`, `drift`, or `!walk`. Pure.

Selected is what any of the plain selectors names (all takes, when there is none), minus what one with a
leading `!` names. A name without a prefix is that of a take or of its shot; `take:changed` is a take called so.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from kfpipe.domain import MIN_FIDELITY, Take, shot_of
from kfpipe.errors import Refused
from kfpipe.lock.records import Record, Records, state_of
from kfpipe.lock.states import ABSENT, STATES, has_drifted
from kfpipe.names import in_one_form
from kfpipe.plan.changed import changed_ids
from kfpipe.plan.model import Chosen
from kfpipe.values import dataclass
from kfpipe.wording import closest, did_you_mean, echoed, listed, suggested

Selection = Chosen | str | Iterable[str]
"""A choice of takes: a function of their ids, a selector, or several of them."""

CHANGED: Final = "changed"
"""The takes on record that were changed in the manifest."""

PICKED: Final = "picked"
"""The takes that were picked of their shots, rendered or not."""

DRIFT: Final = "drift"
"""The takes whose clip begins or ends on another picture than it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTake:
    """A take of the manifest, or one on record, or both; whether it was changed, and whether its clip has drifted.

    `is_picked`: a person has chosen it of its shot, or a draft of it.
    """

    take_id: str
    take: Take | None
    record: Record | None
    is_changed: bool = False
    is_picked: bool = False
    has_drifted: bool = False

    @property
    def names(self) -> Iterable[str]:
        """What `take:` goes by: the take's id, and its shot's."""
        return (self.take_id, shot_of(self.take_id))

    @property
    def tags(self) -> Iterable[str]:
        """What `tag:` goes by; none for a take that has left the manifest."""
        return () if self.take is None else self.take.tags

    @property
    def states(self) -> Iterable[str]:
        """What `state:` goes by: one of `STATES`, or `absent`."""
        return (state_of(self.record),)

    @property
    def models(self) -> Iterator[str]:
        """What `model:` goes by: the manifest's model, else that of the latest request on record."""
        if self.take is not None:
            yield self.take.request.model
        elif self.record is not None:
            yield self.record.entry.asked.model


KINDS: Final[Mapping[str, Callable[[KnownTake], Iterable[str]]]] = {
    "take": lambda one: one.names,
    "tag": lambda one: one.tags,
    "state": lambda one: one.states,
    "model": lambda one: one.models,
}
"""What comes before the colon of a selector."""

MARKS: Final[Mapping[str, Callable[[KnownTake], bool]]] = {
    CHANGED: lambda one: one.is_changed,
    PICKED: lambda one: one.is_picked,
    DRIFT: lambda one: one.has_drifted,
}
"""What is a selector by itself, and may name nothing."""


def nominees(
    takes: Sequence[Take],
    records: Records,
    least: Decimal = MIN_FIDELITY,
    picked: Container[str] = frozenset(),
) -> list[KnownTake]:
    """The takes of the manifest in its order, then those on record that have left it, by name.

    A clip that is less like its stills than `least` has drifted. `picked` are those of the manifest, also where nothing
    is on record for them.
    """

    def known(take_id: str, take: Take | None) -> KnownTake:
        record = records.get(take_id)
        return KnownTake(
            take_id=take_id,
            take=take,
            record=record,
            is_changed=take_id in changed,
            is_picked=take_id in picked or (record is not None and record.picked),
            has_drifted=record is not None and has_drifted(record.entry, least),
        )

    departed = sorted(records.keys() - {take.id for take in takes})
    changed = changed_ids(takes, records)
    return [*(known(take.id, take) for take in takes), *(known(take_id, None) for take_id in departed)]


def named(selectors: Sequence[str], everyone: Sequence[KnownTake], option: str) -> frozenset[str]:
    """The ids of those of `everyone` that `selectors` name; none without selectors.

    Raises Refused when one names nothing that exists: a typo must not pass for "nothing to do".
    """
    if not selectors:
        return frozenset()
    selectors = [in_one_form(selector) for selector in selectors]
    wanted = [_named(selector, everyone, option) for selector in selectors if not selector.startswith("!")]
    unwanted = [_named(selector[1:], everyone, option) for selector in selectors if selector.startswith("!")]
    everything = frozenset(one.take_id for one in everyone)
    return (frozenset().union(*wanted) if wanted else everything) - frozenset().union(*unwanted)


def is_passing(selector: str) -> bool:
    """Whether a run changes what the selector names."""
    plain = selector.removeprefix("!")
    return plain in (CHANGED, DRIFT) or plain.startswith("state:")


def _named(selector: str, everyone: Sequence[KnownTake], option: str) -> frozenset[str]:
    """The ids of the takes that one plain selector names. Raises Refused when it names nothing known.

    A state is known even when no take is in it; of names, tags and models only those that occur.
    """
    if selector in MARKS:
        return frozenset(one.take_id for one in everyone if MARKS[selector](one))
    kind, colon, pattern = selector.partition(":")
    if not colon:
        kind, pattern = "take", selector
    elif kind not in KINDS:
        raise _unknown_kind(selector, kind, option)
    names = KINDS[kind]
    found = frozenset(one.take_id for one in everyone if any(fnmatchcase(name, pattern) for name in names(one)))
    known = {*STATES, ABSENT} if kind == "state" else {name for one in everyone for name in names(one)}
    if not found and not (kind == "state" and any(fnmatchcase(state, pattern) for state in known)):
        raise _nothing_named(kind, pattern, known, option)
    return found


def _unknown_kind(selector: str, kind: str, option: str) -> Refused:
    expected = f"a take, a shot, {', '.join(MARKS)}, or {listed(f'{name}:...' for name in KINDS)}"
    meant = closest(kind, KINDS)
    fix = suggested(meant and f"{meant}:", None)
    return Refused.because(option, f"{echoed(selector)} is not a selector", expected=expected, fix=fix)


def _nothing_named(kind: str, pattern: str, known: Iterable[str], option: str) -> Refused:
    fix = did_you_mean(pattern, known, "`kfpipe status` lists all takes")
    return Refused.because(option, f"there is no {kind} {echoed(pattern)}", fix=fix)
