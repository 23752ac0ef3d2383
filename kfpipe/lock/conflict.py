"""What a merge could not settle, as text with git's conflict markers around both sides. Pure.

Every command refuses a lockfile with such markers in it, so that neither side is forgotten by mistake.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfpipe.lock import text as locktext
from kfpipe.lock.merge import Merged

_OURS, _BETWEEN, _THEIRS = b"<<<<<<< ours\n", b"=======\n", b">>>>>>> theirs\n"


def pieces(merged: Merged) -> Iterator[bytes]:
    """The merged lockfile piece by piece, the clashes marked; whichever sides a person keeps, the file is sound."""
    clashes = {clash.take_id: clash for clash in merged.clashes}
    take_ids = sorted(merged.lock.keys() | clashes.keys())
    yield locktext.HEAD + b"\n"
    for take_id in take_ids:
        end = b"\n" if take_id == take_ids[-1] else b",\n"
        if take_id in clashes:
            clash = clashes[take_id]
            sides = (locktext.member(take_id, side) + end for side in (clash.ours, clash.theirs))
            yield marked(*sides)
        else:
            yield locktext.member(take_id, merged.lock[take_id]) + end
    yield locktext.FOOT


def marked(ours: bytes, theirs: bytes) -> bytes:
    """Both sides of one place."""
    return b"".join((_OURS, _ended(ours), _BETWEEN, _ended(theirs), _THEIRS))


def _ended(text: bytes) -> bytes:
    return text if text.endswith(b"\n") or not text else text + b"\n"
