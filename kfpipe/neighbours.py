"""What the other manifests of a project have on record: tasks of theirs are nobody else's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kfpipe import lockfile
from kfpipe.errors import Refused
from kfpipe.lock import task_ids
from kfpipe.project import STATE_DIR

_ENDING: Final = ".lock.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paths:
    stem: str
    lockfile_path: Path
    state_dir: Path


def known_tasks(root: Path, own: Path) -> set[str]:
    """The ids of all tasks in lockfiles and journals below `root`, save in `own`. Damaged ones are passed over."""
    found: set[str] = set()
    for path in _lockfiles(root):
        if path == own:
            continue
        stem = path.name.removesuffix(_ENDING)
        paths = _Paths(stem=stem, lockfile_path=path, state_dir=path.parent / STATE_DIR)
        try:
            found.update(task_ids(lockfile.read(paths)))
        except Refused:
            continue  # a prompt that does not match still keeps its tasks from being taken for ours
    return found


def _lockfiles(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        # A first run that was killed has left a journal, and no lockfile yet.
        journals = Path(folder, STATE_DIR).glob("*.journal")
        yield from {
            *(Path(folder, name) for name in names if name.endswith(_ENDING)),
            *(Path(folder, f"{journal.stem}{_ENDING}") for journal in journals),
        }
