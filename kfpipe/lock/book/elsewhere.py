"""What other clones and worktrees of this user have on record for the same clips.

The book only says where to look: what counts is what stands in the lockfile or journal there.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from kfpipe.errors import KfpipeError
from kfpipe.lock import lockfile
from kfpipe.lock.book.database import BookLost, look_into
from kfpipe.lock.join import Requests
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.records import Neighbour
from kfpipe.lock.states import Entry, Rendered, is_unsettled

LISTED_FOR_S: Final = 48 * 3600.0
"""How long after its request a task may turn up in the account's list; twice what the service keeps it for."""

_ALIKE: Final = """
SELECT fingerprint, reseeds, request, lockfile FROM request
WHERE lockfile != ? AND state IN ('submitting', 'submitted', 'succeeded', 'unclear', 'rendered')
"""


class Elsewhere:
    """The requests of one account that are on record outside of a project. `path` is the book's, None without one.

    Everything is read when it is first asked for. A book that cannot be read knows nothing.
    """

    def __init__(self, path: Path | None, own: Path, besides: Collection[Path] = ()) -> None:
        """`own` is the project's lockfile, `besides` are those that it reads anyway."""
        self._path = path
        self._own = own
        self._besides = {str(place) for place in besides}
        self._places: dict[str, set[tuple[str, str]]] | None = None
        self._read: dict[str, Neighbour | None] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._listed())

    def of(self, fingerprint: str) -> Neighbour | None:
        """Where the clip is under way, or where its bytes are; with these requests alone."""
        found: Neighbour | None = None
        for place, key in sorted(self._listed().get(fingerprint, ())):
            there = self._there(place)
            entry = None if there is None else there.requests.view.get(key)
            if there is None or entry is None or not is_of_use(there, entry):
                continue
            one = _only(there, key, entry)
            if isinstance(entry, Rendered):
                return one
            found = found or one
        return found

    def _listed(self) -> dict[str, set[tuple[str, str]]]:
        if self._places is None:
            self._places = {}
            for fingerprint, reseeds, key, place in self._rows():
                if place not in self._besides:
                    for one in {fingerprint, reseeds} - {None}:
                        self._places.setdefault(str(one), set()).add((str(place), str(key)))
        return self._places

    def _rows(self) -> list[tuple[object, ...]]:
        if self._path is not None:
            with suppress(BookLost), look_into(self._path) as book:
                return [] if book is None else book.query(_ALIKE, str(self._own))
        return []

    def _there(self, place: str) -> Neighbour | None:
        if place not in self._read:
            self._read[place] = place_at(Path(place))
        return self._read[place]


def _only(there: Neighbour, key: str, entry: Entry) -> Neighbour:
    return Neighbour(
        name=there.name, folder=there.folder, requests=Requests({key: entry}), is_busy=there.is_busy, is_elsewhere=True
    )


def place_at(path: Path) -> Neighbour | None:
    """What the lockfile and the journal of another clone say; None where there are none, or none that can be read."""
    from kfpipe.lock import claim  # most plans look nowhere else

    paths = LockPaths.beside(path)
    try:
        requests = Requests(lockfile.read(paths).requests)
        is_busy = claim.is_taken(paths.claim_path)
    except (KfpipeError, OSError):
        return None
    return Neighbour(name=str(path), folder=path.parent, requests=requests, is_busy=is_busy, is_elsewhere=True)


def is_of_use(there: Neighbour, entry: Entry) -> bool:
    """Whether the request is under way there, or has its clip in place, as far as its size tells."""
    if not isinstance(entry, Rendered):
        return is_unsettled(entry)
    with suppress(OSError):
        return (there.folder / entry.render.path).stat().st_size == entry.render.size_bytes
    return False


def tasks_elsewhere(path: Path | None, own: Path, keys: Collection[str], now_s: float) -> set[str]:
    """The ids of the tasks that other projects have on record for other requests than these."""
    asked = "SELECT request, task FROM request WHERE task IS NOT NULL AND lockfile != ? AND asked_at > ?"
    if path is not None:
        with suppress(BookLost), look_into(path) as book:
            rows = [] if book is None else book.query(asked, str(own), now_s - LISTED_FOR_S)
            return {str(task) for key, task in rows if key not in keys}
    return set()
