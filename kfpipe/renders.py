"""The rendered files as they lie on disk, against what the lock says of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

from kfpipe.lock import Lock, Render, Rendered
from kfpipe.memory import FileMemory
from kfpipe.plan import FileState

MEMORY_FILE: Final = "renders.json"


def on_disk(lock: Lock, folder: Path, state_dir: Path) -> dict[str, FileState]:
    """The state of each rendered take's file, below the manifest's `folder`; `state_dir` keeps what was learnt."""
    memory = FileMemory(state_dir / MEMORY_FILE, _facts)
    states = {
        take_id: _state(record.entry.render, folder, memory)
        for take_id, record in lock.items()
        if isinstance(record.entry, Rendered)
    }
    memory.save()
    return states


def _state(render: Render, folder: Path, memory: FileMemory) -> FileState:
    path = folder / render.path
    try:
        if path.stat().st_size != render.size_bytes:
            return FileState.ALTERED
        same = memory.look(path)["sha256"] == render.sha256
    except (FileNotFoundError, NotADirectoryError):
        return FileState.MISSING
    except OSError:
        return FileState.ALTERED
    return FileState.MATCHES if same else FileState.ALTERED


def _facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
