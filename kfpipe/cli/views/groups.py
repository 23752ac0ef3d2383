"""A hundred takes on a screen: those of a shot on one line, and neighbouring shots that are alike on another. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Generic, TypeVar

MOST_ROWS: Final = 30
"""Takes that a screen shows one by one."""

FEWEST_ALIKE: Final = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """Takes that stand on one line: those of one shot, or of several that are alike."""

    title: str
    members: tuple[T, ...]


def grouped(
    takes: Sequence[T], *, name: Callable[[T], str], shot: Callable[[T], str], alike: Callable[[T], Hashable]
) -> list[Group[T]]:
    """The takes by shot, in their order; neighbouring shots with one take each as one group where they are `alike`."""
    shots = [(shot_id, tuple(members)) for shot_id, members in groupby(takes, shot)]
    groups: list[Group[T]] = []
    for key, run in groupby(shots, lambda one: (alike(one[1][0]),) if len(one[1]) == 1 else None):
        some = list(run)
        if key is not None and len(some) >= FEWEST_ALIKE:
            members = tuple(members[0] for _, members in some)
            groups.append(Group(f"{name(members[0])} ... {name(members[-1])}", members))
        else:
            groups += [Group(name(members[0]) if len(members) == 1 else shot_id, members) for shot_id, members in some]
    return groups


def counts(words: Iterable[str]) -> str:
    """`render 10, keep 2`, the most frequent first; the word alone where there is no other."""
    counted = Counter(words)
    if len(counted) == 1:
        return next(iter(counted))
    return ", ".join(f"{word} {count:,}" for word, count in counted.most_common())


def common(texts: Iterable[str], several: str) -> str:
    """The text that all share, or how many there are: `2 models`."""
    distinct = dict.fromkeys(text for text in texts if text)
    return next(iter(distinct), "") if len(distinct) < 2 else f"{len(distinct):,} {several}"
