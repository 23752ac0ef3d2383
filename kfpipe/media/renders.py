"""The clips on disk, compared with what is on record of them, and found wherever they lie."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

from kfpipe.domain import Take
from kfpipe.files import lfs
from kfpipe.files.durable import sha256_of
from kfpipe.files.statcache import FileMemory
from kfpipe.lock.records import Neighbour, Record, entries
from kfpipe.lock.states import Render, Rendered, result_of
from kfpipe.manifest.files import project_root
from kfpipe.media.facts import FileState
from kfpipe.names import clash_key

MEMORY_FILE: Final = "renders.json"

PREVIOUS: Final = ".previous"
"""Folder beside the renders for what a later render has replaced."""

REFUSED: Final = ".refused"
"""Folder beside the renders for what the service delivered and no player can read."""

PARTIAL: Final = ".partial"
"""Folder beside the renders for downloads that are not complete yet; a clip moves from there in one step."""


class Shelf:
    """A project's clips. `folder` is the manifest's, `root` the project's, `output` the output folder below `folder`.

    What was read of files is kept in `state_dir` by `save`.
    """

    def __init__(self, folder: Path, root: Path, output: str, state_dir: Path) -> None:
        self._folder = folder
        self._prefix = os.path.join(folder, "")  # noqa: PTH118  ends in a slash, also where that is all
        self._root = root
        self._searched = [folder / output]
        self._memory = FileMemory(state_dir / MEMORY_FILE, read=sha256_of, pack=str, unpack=str)

    def state(self, path: str, render: Render) -> FileState:
        """How the file at `path` compares with a clip on record: by its size first, then by its digest."""
        place = self._prefix + path  # a path of its own for each takes ten times as long
        try:
            if self._is(place, render):
                return FileState.MATCHES
            is_pointer = Path(place).stat().st_size < render.size_bytes and lfs.pointed_at(Path(place)) == render.sha256
        except (FileNotFoundError, NotADirectoryError):
            return FileState.MISSING
        except OSError:
            return FileState.ALTERED
        return FileState.POINTER if is_pointer else FileState.ALTERED

    def find(self, render: Render, origin: Path | None = None) -> Path | None:
        """Where the clip's bytes are at hand; `origin` is the folder that the record is from, where that is another.

        No path on record leads out of the project that it stands in.
        """
        folder = origin or self._folder
        root = self._root if folder.is_relative_to(self._root) else project_root(folder)
        place = folder / render.path
        for path in (place, *self._beside(place, render), *self._anywhere(render)):
            with suppress(OSError):
                if self._is(path, render) and path.resolve().is_relative_to(root):
                    return path
        return self._fetched(render)

    def save(self) -> None:
        """Keep what was read for the next start."""
        self._memory.save()

    def _is(self, path: Path | str, render: Render) -> bool:
        status = os.stat(path)  # noqa: PTH116  asked for every clip of a project
        return status.st_size == render.size_bytes and self._memory.look(path, status) == render.sha256

    def _beside(self, place: Path, render: Render) -> Iterator[Path]:
        for name in (PREVIOUS, REFUSED):
            with suppress(OSError):
                yield from sorted(path for path in (place.parent / name).iterdir() if render.sha256[:12] in path.name)

    def _anywhere(self, render: Render) -> Iterable[Path]:
        return self._by_size.get(render.size_bytes, ())

    def _fetched(self, render: Render) -> Path | None:
        path = lfs.content(self._store, render.sha256)
        with suppress(OSError):
            return path if path is not None and self._is(path, render) else None
        return None

    @cached_property
    def _store(self) -> Path:
        return lfs.store_of(self._root)

    @cached_property
    def _by_size(self) -> Mapping[int, list[Path]]:
        """All files of the output folder, whatever they are called."""
        found: defaultdict[int, list[Path]] = defaultdict(list)
        for searched in self._searched:
            for folder, folders, names in os.walk(searched):
                folders[:] = sorted(name for name in folders if name != PARTIAL)
                for path in (Path(folder, name) for name in sorted(names)):
                    with suppress(OSError):
                        found[path.stat().st_size].append(path)
        return found


def in_place(takes: Sequence[Take], folder: Path) -> list[Take]:
    """The takes in whose place there may be a file: a folder is listed once, instead of asking for each of its files.

    File systems differ in whether capitals and the Unicode form of a name count; here they do not.
    """
    found: dict[str, frozenset[str]] = {}
    filled = []
    for take in takes:
        parent, _, name = take.output.rpartition("/")
        if parent not in found:
            found[parent] = _names_in(folder / parent)
        if found[parent] and clash_key(name) in found[parent]:
            filled.append(take)
    return filled


def _names_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(clash_key(entry.name) for entry in os.scandir(folder))
    except OSError:
        return frozenset()


def strays(takes: Iterable[Take], records: Mapping[str, Record], folder: Path) -> dict[str, FileState]:
    """The takes without a clip on record where there is a clip all the same, which is on no record either."""
    bare = (take for take in takes if take.id not in records or _never_succeeded(records[take.id]))
    places = {take.id: place for take in bare if (place := folder / take.output).exists()}
    if not places:
        return {}
    known = {folder / entry.render.path for entry in entries(records) if isinstance(entry, Rendered)}
    return {take_id: FileState.STRAY for take_id, place in places.items() if place not in known}


def owners(
    takes: Iterable[Take],
    states: Mapping[str, FileState],
    neighbours: Sequence[Neighbour],
    shelf: Shelf,
    folder: Path,
) -> dict[str, str]:
    """The takes in whose place there is the clip of another manifest, with the name of its lockfile.

    What only a lockfile without a manifest knows may be moved: nobody looks for it there.
    """
    if not any(not neighbour.is_alone for neighbour in neighbours):
        return {}
    filled = [take for take in takes if states.get(take.id) in (None, FileState.ALTERED, FileState.STRAY)]
    places = {os.path.normpath(folder / take.output): take for take in filled if (folder / take.output).is_file()}
    found: dict[str, str] = {}
    for neighbour in neighbours:
        if not places or neighbour.is_alone:
            continue
        for entry in neighbour.requests.view.values():
            if isinstance(entry, Rendered):
                take = places.get(os.path.normpath(neighbour.folder / entry.render.path))
                if take is not None and shelf.state(take.output, entry.render) is FileState.MATCHES:
                    found.setdefault(take.id, neighbour.name)
    return found


def _never_succeeded(record: Record) -> bool:
    return result_of(record.entry) is None and not any(result_of(entry) is not None for entry in record.previous)


def on_disk(takes: Iterable[Take], records: Mapping[str, Record], shelf: Shelf) -> dict[str, FileState]:
    """The state of each take's file: in its place where it is the clip that is asked for, else where it lay."""
    places = {take.id: take.output for take in takes}
    states = {}
    for take_id, record in records.items():
        if isinstance(record.entry, Rendered):
            path = places[take_id] if record.is_wanted else record.entry.render.path
            states[take_id] = shelf.state(path, record.entry.render)
    return states


def forget(state_dir: Path) -> None:
    """Have every file read again the next time."""
    with suppress(OSError):
        (state_dir / MEMORY_FILE).unlink(missing_ok=True)
