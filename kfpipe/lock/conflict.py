"""What a merge could not settle, as text between git's conflict markers, and both sides of such a text. Pure.

Every command refuses a lockfile with such markers in it, so that neither side is forgotten by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kfpipe.lock import text as locktext
from kfpipe.lock.merge import Merged, merge
from kfpipe.lock.states import EMPTY, Lock

_OURS, _BETWEEN, _THEIRS = b"<<<<<<< ours\n", b"=======\n", b">>>>>>> theirs\n"

_MARK: Final = re.compile(rb"(<{7}|\|{7}|={7}|>{7})(?: .*)?\r?\n?")
_KEPT_AFTER: Final = {
    b"<" * 7: (True, False),
    b"|" * 7: (False, False),
    b"=" * 7: (False, True),
    b">" * 7: (True, True),
}


def pieces(merged: Merged) -> Iterator[bytes]:
    """The merged lockfile piece by piece, its clashes marked; whichever sides a person keeps, the file is sound."""
    settled = [*locktext.pieces(merged.lock)]
    if not merged.clashes:
        yield from settled
        return
    start = settled.index(locktext.PICKS) + 1
    yield b"".join(settled[:start]) + b"\n"
    end = b",\n" if merged.lock.picked else b"\n"
    ours = [(clash.shot_id, clash.ours) for clash in merged.clashes]
    theirs = [(clash.shot_id, clash.theirs) for clash in merged.clashes]
    yield marked(*(_side(picks, end) for picks in (ours, theirs)))
    rest = b"".join(settled[start:])
    yield rest.removeprefix(b"\n") if merged.lock.picked else b"  " + rest


def _side(picks: list[tuple[str, str | None]], end: bytes) -> bytes:
    members = [locktext.pick_member(shot_id, take_id) for shot_id, take_id in picks if take_id is not None]
    return b",\n".join(members) + end if members else b""


def marked(ours: bytes, theirs: bytes) -> bytes:
    """Both sides of one place."""
    return b"".join((_OURS, _ended(ours), _BETWEEN, _ended(theirs), _THEIRS))


def _ended(text: bytes) -> bytes:
    return text if text.endswith(b"\n") or not text else text + b"\n"


def is_in(content: bytes) -> bool:
    """Whether a merge has left its markers here."""
    return any(_MARK.fullmatch(line) for line in content.splitlines(keepends=True))


def settled(content: bytes, file: str) -> Merged:
    """Both sides of a lockfile with markers in it, joined. Raises Refused where a side is no lockfile.

    Between kfpipe's own markers, a pick that one side has withdrawn is still in question.
    """
    ours, theirs = (locktext.parsed(side, file) for side in _sides(content))
    before = dict.fromkeys(ours.picked.keys() ^ theirs.picked.keys(), "") if _OURS in content else {}
    before |= {shot_id: take_id for shot_id, take_id in ours.picked.items() if theirs.picked.get(shot_id) == take_id}
    return merge(Lock(requests=EMPTY.requests, picked=before), ours, theirs)


def _sides(content: bytes) -> tuple[bytes, bytes]:
    ours, theirs = [], []
    is_ours = is_theirs = True
    for line in content.splitlines(keepends=True):
        mark = _MARK.fullmatch(line)
        if mark:
            is_ours, is_theirs = _KEPT_AFTER[mark[1]]
            continue
        ours += [line] * is_ours
        theirs += [line] * is_theirs
    return b"".join(ours), b"".join(theirs)
