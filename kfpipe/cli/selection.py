"""Which takes a person means by `kitten*`, `tag:hero`, `state:failed`, `model:wan2.7*`, or `!walk`. Pure.

What is selected is what any of the plain selectors names (all takes, when there is none), less what one with a
leading `!` names. A name without a prefix is that of a take or of its shot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from kfpipe.domain import Take
from kfpipe.errors import Problem, Refused
from kfpipe.lock import STATES, Lock, Record, state_name
from kfpipe.wording import closest, echoed, listed

ABSENT: Final = "absent"
"""The state of a take that is not on record."""

_Names = Callable[[Take, Record | None], Iterable[str]]

_KINDS: Final[dict[str, _Names]] = {
    "tag": lambda take, _: take.tags,
    "state": lambda _, record: (state_of(record),),
    "model": lambda take, _: (take.request.model,),
}


def state_of(record: Record | None) -> str:
    """The state's word in every table."""
    return ABSENT if record is None else state_name(record.entry)


def chosen(selectors: Sequence[str], takes: Sequence[Take], lock: Lock, option: str) -> frozenset[str]:
    """The ids of the takes that `selectors` name; none without selectors.

    Raises Refused when one names nothing that exists: a slip of the pen must not pass for "nothing to do".
    """
    if not selectors:
        return frozenset()
    wanted = [_named(selector, takes, lock, option) for selector in selectors if not selector.startswith("!")]
    unwanted = [_named(selector[1:], takes, lock, option) for selector in selectors if selector.startswith("!")]
    everything = frozenset(take.id for take in takes)
    return (frozenset().union(*wanted) if wanted else everything) - frozenset().union(*unwanted)


def _named(selector: str, takes: Sequence[Take], lock: Lock, option: str) -> frozenset[str]:
    kind, colon, pattern = selector.partition(":")
    if not colon:
        kind, pattern = "take", selector
    elif kind not in _KINDS:
        raise _unknown_kind(selector, kind, option)
    names = _KINDS.get(kind, _take_names)
    found = frozenset(
        take.id for take in takes if any(fnmatchcase(name, pattern) for name in names(take, lock.get(take.id)))
    )
    known = {*STATES, ABSENT} if kind == "state" else {name for take in takes for name in names(take, None)}
    if not found and not (kind == "state" and any(fnmatchcase(state, pattern) for state in known)):
        raise _nothing_named(kind, pattern, known, option)
    return found


def _take_names(take: Take, _: Record | None) -> Iterable[str]:
    return (take.id, take.shot_id)


def _unknown_kind(selector: str, kind: str, option: str) -> Refused:
    expected = f"a take, a shot, or {listed(f'{name}:...' for name in _KINDS)}"
    meant = closest(kind, _KINDS)
    fix = f"did you mean `{meant}:`?" if meant else None
    return Refused.because(option, f"{echoed(selector)} selects by something unknown", expected=expected, fix=fix)


def _nothing_named(kind: str, pattern: str, known: Iterable[str], option: str) -> Refused:
    meant = closest(pattern, known)
    return Refused(
        [
            Problem(
                file=option,
                what=f"there is no {kind} {echoed(pattern)}",
                fix=f"did you mean `{meant}`?" if meant else "`kfpipe plan` lists all takes",
            )
        ]
    )
