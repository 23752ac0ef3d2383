"""What the other manifests of a project have on record: their tasks belong to no one else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kfpipe.errors import Refused
from kfpipe.lock import lockfile
from kfpipe.lock.paths import LOCK_ENDING, STATE_DIR, LockPaths
from kfpipe.lock.states import task_ids


def known_tasks(root: Path, own: Path) -> set[str]:
    """The ids of all tasks in lockfiles and journals below `root`, save in `own`. Damaged files are skipped."""
    found: set[str] = set()
    for path in _lockfiles(root):
        if path == own:
            continue
        try:
            found.update(task_ids(lockfile.read(LockPaths.beside(path))))
        except Refused:
            continue  # a prompt that does not match still keeps its tasks from being taken for ours
    return found


def _lockfiles(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        # A first run that was killed has left a journal, and no lockfile yet.
        journals = Path(folder, STATE_DIR).glob("*.journal")
        yield from {
            *(Path(folder, name) for name in names if name.endswith(LOCK_ENDING)),
            *(Path(folder, f"{journal.stem}{LOCK_ENDING}") for journal in journals),
        }
