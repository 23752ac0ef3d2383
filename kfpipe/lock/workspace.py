"""What the other manifests of a project have on record: the same request is not paid for twice among them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kfpipe.errors import Refused
from kfpipe.lock import lockfile
from kfpipe.lock.join import Requests
from kfpipe.lock.paths import LOCK_ENDING, STATE_DIR, LockPaths
from kfpipe.lock.records import Neighbour
from kfpipe.lock.states import tasks_of


def neighbours(root: Path, own: Path) -> tuple[Neighbour, ...]:
    """All lockfiles and journals below `root`, save `own`. Damaged ones are skipped.

    Those of the emulator are among those of the service only where `own` is one of them.
    """
    is_rehearsal = LockPaths.beside(own).is_rehearsal
    found = (LockPaths.beside(path) for path in sorted(_lockfiles(root)) if path != own)
    return tuple(one for paths in found if paths.is_rehearsal == is_rehearsal and (one := _neighbour(paths, root)))


def _neighbour(paths: LockPaths, root: Path) -> Neighbour | None:
    try:
        lock = lockfile.read(paths)
    except Refused:
        return None  # a prompt that does not match still keeps its tasks from being taken for ours
    from kfpipe.lock import claim  # most projects have one manifest

    folder = paths.lockfile_path.parent
    return Neighbour(
        name=paths.lockfile_path.relative_to(root).as_posix(),
        requests=Requests(lock.requests),
        folder=folder,
        is_alone=not any((folder / f"{paths.stem}{ending}").exists() for ending in (".yaml", ".yml")),
        is_busy=claim.is_taken(paths.claim_path),
    )


def known_tasks(root: Path, own: Path) -> set[str]:
    """The ids of all tasks in lockfiles and journals below `root`, save in `own`. Damaged files are skipped."""
    found = (entry for one in neighbours(root, own) for entry in one.requests.view.values())
    return {task_id for entry in found for task_id in tasks_of(entry)}


def _lockfiles(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        # A first run that was killed has left a journal, and no lockfile yet.
        journals = Path(folder, STATE_DIR).glob("*.journal")
        yield from {
            *(Path(folder, name) for name in names if name.endswith(LOCK_ENDING)),
            *(Path(folder, f"{journal.stem}{LOCK_ENDING}") for journal in journals),
        }
