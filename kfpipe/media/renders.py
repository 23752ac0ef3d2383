"""The rendered files on disk, compared with what the lock says of them."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from kfpipe.domain import Take
from kfpipe.files.durable import sha256_of
from kfpipe.files.statcache import FileMemory, Stored
from kfpipe.lock.states import Failed, Lock, Record, Render, Rendered, is_rehearsal
from kfpipe.lock.transitions import earlier_clip
from kfpipe.media.facts import FileState

MEMORY_FILE: Final = "renders.json"

PREVIOUS: Final = ".previous"
"""Folder beside the renders for what a later render has replaced."""

REFUSED: Final = ".refused"
"""Folder beside the renders for what the service has delivered and nobody can play."""


def on_disk(lock: Lock, folder: Path, state_dir: Path) -> dict[str, FileState]:
    """The state of each rendered take's file, below the manifest's `folder`; `state_dir` keeps what was read."""
    memory = FileMemory(state_dir / MEMORY_FILE, read=sha256_of, pack=_packed, unpack=_unpacked)
    states = {
        take_id: _state(record.entry.render, folder, memory)
        for take_id, record in lock.items()
        if isinstance(record.entry, Rendered)
    }
    memory.save()
    return states


def strays(takes: Iterable[Take], lock: Lock, folder: Path) -> dict[str, FileState]:
    """The takes without a clip on record, and with no task under way, where there is a clip all the same."""
    bare = (take for take in takes if take.id not in lock or _never_succeeded(lock[take.id]))
    return {take.id: FileState.STRAY for take in bare if (folder / take.output).exists()}


def _never_succeeded(record: Record) -> bool:
    return all(isinstance(entry, Failed) for entry in (record.entry, *record.previous))


def shelved(takes: Iterable[Take], lock: Lock, folder: Path, state_dir: Path, region: str) -> dict[str, str]:
    """Where an earlier clip of a take is that the manifest now asks for again, relative to `folder`.

    Only takes are named that have no other task under way.
    """
    clips = {take.id: clip for take in takes if (clip := _wanted_again(take, lock.get(take.id), region)) is not None}
    if not clips:
        return {}
    memory = FileMemory(state_dir / MEMORY_FILE, read=sha256_of, pack=_packed, unpack=_unpacked)
    places = {take_id: whereabouts(clip.render, folder, memory.look) for take_id, clip in clips.items()}
    memory.save()
    return {take_id: place.relative_to(folder).as_posix() for take_id, place in places.items() if place is not None}


def _wanted_again(take: Take, record: Record | None, region: str) -> Rendered | None:
    if record is None or take.cuts or not isinstance(record.entry, Rendered | Failed):
        return None
    if record.entry.asked.fingerprint == take.fingerprint and not is_rehearsal(record.entry, region):
        return None
    return earlier_clip(record, take.fingerprint, region)


def whereabouts(render: Render, folder: Path, sha256: Callable[[Path], str]) -> Path | None:
    """Where the clip is: at its place, or set aside in `.previous` next to it; None when it is in neither place."""
    place = folder / render.path
    names = f"{glob.escape(place.stem)}.{render.sha256[:12]}*{glob.escape(place.suffix)}"
    with suppress(OSError):
        for path in (place, *sorted((place.parent / PREVIOUS).glob(names))):
            if path.is_file() and path.stat().st_size == render.size_bytes and sha256(path) == render.sha256:
                return path
    return None


def forget(state_dir: Path) -> None:
    """Have every file read again the next time."""
    with suppress(OSError):
        (state_dir / MEMORY_FILE).unlink(missing_ok=True)


def _state(render: Render, folder: Path, memory: FileMemory[str]) -> FileState:
    """How the file compares with the record: by its size first, and by its digest where that tells nothing."""
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


def _packed(sha256: str) -> Stored:
    return {"sha256": sha256}


def _unpacked(facts: Stored) -> str:
    return str(facts["sha256"])
