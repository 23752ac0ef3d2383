"""The rendered files as they lie on disk, against what the lock says of them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from kfpipe.domain import Take
from kfpipe.lock import Failed, Lock, Record, Render, Rendered
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


def strays(takes: Iterable[Take], lock: Lock, folder: Path) -> dict[str, FileState]:
    """The takes without a clip on record, and with no task under way, where a clip lies all the same."""
    bare = (take for take in takes if take.id not in lock or _never_succeeded(lock[take.id]))
    return {take.id: FileState.STRAY for take in bare if (folder / take.output).exists()}


def _never_succeeded(record: Record) -> bool:
    return all(isinstance(entry, Failed) for entry in (record.entry, *record.previous))


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
