"""The rendered files as they lie on disk, against what the lock says of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from kfpipe.lock import Lock, Render, Rendered
from kfpipe.memory import Facts, FileMemory, sha256_of
from kfpipe.plan import FileState

MEMORY_FILE: Final = "renders.json"


def on_disk(lock: Lock, folder: Path, state_dir: Path) -> dict[str, FileState]:
    """The state of each rendered take's file, below the manifest's `folder`; `state_dir` keeps what was learnt."""
    memory = FileMemory(state_dir / MEMORY_FILE, read=sha256_of, pack=_packed, unpack=_unpacked)
    states = {
        take_id: _state(record.entry.render, folder, memory)
        for take_id, record in lock.items()
        if isinstance(record.entry, Rendered)
    }
    memory.save()
    return states


def forget(state_dir: Path) -> None:
    """Have every file read anew the next time."""
    with suppress(OSError):
        (state_dir / MEMORY_FILE).unlink(missing_ok=True)


def _state(render: Render, folder: Path, memory: FileMemory[str]) -> FileState:
    path = folder / render.path
    try:
        if path.stat().st_size != render.size_bytes:
            return FileState.ALTERED
        same = memory.look(path) == render.sha256
    except (FileNotFoundError, NotADirectoryError):
        return FileState.MISSING
    except OSError:
        return FileState.ALTERED
    return FileState.MATCHES if same else FileState.ALTERED


def _packed(sha256: str) -> Facts:
    return {"sha256": sha256}


def _unpacked(facts: Facts) -> str:
    return str(facts["sha256"])
