"""The board as it is now: read again when manifest, records or clips have changed. Blocks; for worker threads.

A manifest that has become invalid, or a lockfile that cannot be read, is told with the last board that was sound.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kfpipe.errors import KfpipeError, Problem, Refused
from kfpipe.lock import claim, lockfile
from kfpipe.lock.paths import LockPaths
from kfpipe.media.facts import FileState
from kfpipe.plan import gather
from kfpipe.plan.model import Plan, Whose, everything
from kfpipe.project import Project
from kfpipe.review import board, joins
from kfpipe.review.board import Board, Playable, Shelved

Loader = Callable[[Callable[[Path], None]], Project]
"""Reads the project; what it is given is called with each file that the manifest names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """The state of the page: `revision` grows with every change, `changed` says when each shot last did.

    `is_stale` says that the board is an earlier one, for the `problems`; without it they are things to know of.
    """

    revision: int
    board: Board
    shots: Mapping[str, dict[str, Any]]
    changed: Mapping[str, int]
    problems: tuple[str, ...]
    is_stale: bool
    is_running: bool


class Watcher:
    """Keeps the board of one project up to date. All may be used from any thread."""

    def __init__(self, manifest: Path, load: Loader, whose: Callable[[Project], Whose]) -> None:
        """Raises what loading raises: an application begins with a sound project."""
        self._manifest = manifest
        self._load = load
        self._whose = whose
        self._lock = threading.Lock()
        self._sources: set[Path] = set()
        self.epoch: Final = secrets.token_hex(4)
        self.project = self._loaded()
        self._stamps = self._stamped()
        self.now = self._seen(0, None, ())

    def look(self) -> Sighting:
        """The state now; the same value as before when nothing has changed."""
        with self._lock:
            stamps = self._stamped()
            is_running = self._is_running()
            if stamps == self._stamps and is_running == self.now.is_running:
                return self.now
            is_manifest = stamps[0] != self._stamps[0]
            self._stamps = stamps
            problems = self._reloaded() if is_manifest or self.now.problems else ()
            try:
                self.now = self._seen(self.now.revision + 1, self.now, problems)
            except KfpipeError as error:
                told = (*problems, *_told(error))
                self.now = _beside(self.now, told, is_running)
            self._stamps = (stamps[0], self._stamped()[1])  # the clips that are watched may be others now
            return self.now

    def file(self, sha256: str) -> tuple[Shelved, Path] | None:
        """A file of the board by its digest; None for what is on no take of the plan, or leaves the project."""
        found = self.now.board.files.get(sha256)
        if found is None:
            return None
        place = self.project.folder / found.path
        known = self._stamps[1].get(place)
        if known is not None and lockfile.identity(place) != known:
            return None  # it has been replaced since it was looked at
        path = place.resolve()
        return (found, path) if path.is_relative_to(self.project.root) else None

    def _is_running(self) -> bool:
        with suppress(KfpipeError):  # a state folder that cannot be read tells nothing
            return claim.is_taken(self.project.paths.claim_path)
        return False

    def _reloaded(self) -> tuple[str, ...]:
        try:
            self.project = self._loaded()
        except KfpipeError as error:
            return _told(error)
        return ()

    def _loaded(self) -> Project:
        sources = {self._manifest}
        try:
            return self._load(sources.add)
        finally:
            self._sources = sources

    def _stamped(self) -> tuple[dict[Path, object], dict[Path, object]]:
        """What tells a change of the manifest and its files, and one of the records and clips."""
        paths: LockPaths = self.project.paths
        records = [paths.lockfile_path, paths.journal_path]
        clips = [self.project.folder / take.output for take in self.project.takes]
        return _identities(self._sources), _identities([*records, *clips])

    def _seen(self, revision: int, before: Sighting | None, problems: tuple[str, ...]) -> Sighting:
        made = self._board()
        shots = {shot.shot: shot.as_json() for shot in made.shots}
        old = {} if before is None else before.shots
        changed = {
            name: before.changed[name] if before is not None and old.get(name) == shot else revision
            for name, shot in shots.items()
        }
        return Sighting(
            revision=revision,
            board=made,
            shots=shots,
            changed=changed,
            problems=(*problems, *self._notices()),
            is_stale=bool(problems),
            is_running=self._is_running(),
        )

    def _notices(self) -> Iterator[str]:
        path = self.project.paths.lockfile_path
        if lockfile.is_torn(path):
            yield f"{path.name}: git left a merge conflict here; both sides are shown, and a pick joins them"

    def _board(self) -> Board:
        project, manifest = self.project, self.project.manifest
        lock = lockfile.read_both(project.paths)
        plan = gather.plan(project, lock, select=everything, retry=(), rerender=(), whose=self._whose(project))
        clips = _at_hand(project, plan)
        return board.make(
            plan,
            clips,
            title=manifest.title or project.stem,
            cap=manifest.max_cost,
            total=manifest.max_total,
            min_fidelity=manifest.min_fidelity,
            joins=joins.of_plan(project, plan, {take_id: clip.entry for take_id, clip in clips.items()}),
        )


def _at_hand(project: Project, plan: Plan) -> dict[str, Playable]:
    """The best clip of each take whose bytes are those on record."""
    shelf = gather.shelf(project)
    found = {}
    for step in plan.takes:
        for one in board.playable(step):
            if shelf.state(one.path, one.entry.render) is FileState.MATCHES:
                found[step.take_id] = one
                break
    shelf.save()
    return found


def _beside(now: Sighting, problems: tuple[str, ...], is_running: bool) -> Sighting:
    """The last sound state, with what is wrong by now."""
    return Sighting(
        revision=now.revision + 1,
        board=now.board,
        shots=now.shots,
        changed=now.changed,
        problems=problems,
        is_stale=True,
        is_running=is_running,
    )


def _identities(paths: Iterable[Path]) -> dict[Path, object]:
    return {path: lockfile.identity(path) for path in paths}


def _told(error: KfpipeError) -> tuple[str, ...]:
    """An error in lines for people."""
    if isinstance(error, Refused):
        return tuple(_line(problem) for problem in error.problems)
    return (str(error),)


def _line(problem: Problem) -> str:
    place = "" if problem.position is None else f":{problem.position.line}:{problem.position.column}"
    parts = [f"{problem.file}{place}", problem.where, problem.what]
    told = ": ".join(part for part in parts if part)
    return f"{told} — {problem.fix}" if problem.fix else told
