"""`film.order` -> the shots in the order of the film; what is wrong with it is reported where it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import Shot
from kfpipe.wording import did_you_mean, echoed, listed

REST: Final = "*"
"""What no other entry names."""

MOST_NAMED: Final = 3

_WILD: Final = re.compile(r"[*?\[]")


def ordered(
    shots: Sequence[Shot], order: Sequence[str], *, may_exist: Callable[[str], bool]
) -> tuple[tuple[Shot, ...], tuple[Finding, ...]]:
    """The shots as `order` names them, and what is wrong with it; those that it leaves out come last.

    Without an order, as they are. A name of none of these shots is not reported when such a shot `may_exist`.
    """
    if not order or not shots:
        return tuple(shots), ()
    named = _by_name(shots)
    taken: dict[str, int] = {}
    groups: dict[int, list[Shot]] = {}
    findings: list[Finding] = []
    for place, entry in enumerate(order):
        found = [] if entry == REST else _matching(entry, named)
        groups[place] = [shot for shot in found if shot.id not in taken]
        findings += _repeated(place, order, [shot for shot in found if shot.id in taken], taken)
        if not found and entry != REST and not may_exist(entry):
            findings.append(_unknown(place, entry, named))
        taken |= {shot.id: place for shot in groups[place]}
    rest = [shot for shot in shots if shot.id not in taken]
    if REST in order:
        groups[order.index(REST)] = rest
        rest = []
    film = (shot for group in groups.values() for shot in group)
    return (*film, *(replace(shot, in_film=False) for shot in rest)), tuple(findings)


def _by_name(shots: Sequence[Shot]) -> Mapping[str, Sequence[Shot]]:
    """The shots under their own ids, and under those of their sequences."""
    named: dict[str, list[Shot]] = {}
    for shot in shots:
        named.setdefault(shot.id, []).append(shot)
        if shot.sequence is not None:
            named.setdefault(shot.sequence, []).append(shot)
    return named


def _matching(entry: str, named: Mapping[str, Sequence[Shot]]) -> Sequence[Shot]:
    """The shots that an id or a pattern names, each once, as they are written."""
    if not _WILD.search(entry):
        return named.get(entry, ())
    found = (shot for name, shots in named.items() if fnmatchcase(name, entry) for shot in shots)
    return list({shot.id: shot for shot in found}.values())


def _repeated(place: int, order: Sequence[str], again: Sequence[Shot], taken: dict[str, int]) -> Iterator[Finding]:
    """Shots that an earlier entry names too, and a second `*`."""
    entry, path = order[place], ("film", "order", place)
    if entry == REST:
        if REST in order[:place]:
            what = "there are two `*`, and both stand for all shots that the order does not name"
            yield Finding(path=path, what=what, expected="`*` once", fix="delete one of the two")
    elif again:
        ids = [shot.id for shot in again[:MOST_NAMED]]
        ids += [f"{len(again) - MOST_NAMED:,} more"] if len(again) > MOST_NAMED else []
        shown = f"shot{'s' if again[1:] else ''} {listed(map(_quoted, ids), 'and')}"
        earlier = order[taken[again[0].id]]
        also = "" if earlier == entry else f", which {echoed(earlier)} names too"
        yield Finding(
            path=path,
            what=f"the order names the {shown} twice" if not also else f"{echoed(entry)} names the {shown}{also}",
            expected="each shot in one place",
            fix="delete one of the two entries, or write ids in place of a pattern",
        )


def _quoted(name: str) -> str:
    return name if " " in name else f"'{name}'"


def _unknown(place: int, entry: str, known: Iterable[str]) -> Finding:
    return Finding(
        path=("film", "order", place),
        what=f"no shot matches {echoed(entry)}"
        if _WILD.search(entry)
        else f"there is no shot or sequence {echoed(entry)}",
        expected="the id of a shot or of a sequence, a pattern of ids, or `*` for all other shots",
        fix=did_you_mean(entry, known, "correct the name, or delete it"),
    )
