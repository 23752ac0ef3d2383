"""Where clips are made: worker threads that start with the first order and write into a folder."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film import animatic
from kfpipe.emulator.film.clip_cache import Archive
from kfpipe.emulator.film.scene import Film, Scene
from kfpipe.emulator.journal.events import Filmed
from kfpipe.emulator.journal.log import EventLog
from kfpipe.emulator.settings import FilmStyle, Settings

_RENDERS = {FilmStyle.MOVING: animatic.render, FilmStyle.TINY: animatic.render_tiny}


class Renderer:
    """Equal scenes are filmed once, whoever orders them; `filmed` are those that may be there already, by digest."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        now: Callable[[], float],
        event_log: EventLog,
        filmed: Mapping[str, Filmed],
    ) -> None:
        self._folder = folder
        self._now = now
        self._event_log = event_log
        self._filmed = dict(filmed)
        self._archive = Archive(settings.films)
        self._workers = ThreadPoolExecutor(settings.workers, thread_name_prefix="kfpipe-emulator-film")
        self._is_closed = threading.Event()
        self._orders: dict[str, Future[Film]] = {}
        self._lock = threading.Lock()

    def order(self, scene: Scene) -> Future[Film]:
        """The clip, now or later. Its future fails with `TaskRefused` if a file of the scene cannot be decoded."""
        digest = scene.digest
        with self._lock:
            if digest not in self._orders:
                self._orders[digest] = self._found(digest) or self._workers.submit(self._make, scene, digest)
            return self._orders[digest]

    def close(self) -> None:
        self._is_closed.set()
        self._workers.shutdown(cancel_futures=True)

    def _found(self, digest: str) -> Future[Film] | None:
        path, filmed = self._path(digest), self._filmed.get(digest)
        if filmed is None or not path.is_file() or path.stat().st_size != filmed.size_bytes:
            return None
        found: Future[Film] = Future()
        found.set_result(_film(path, filmed))
        return found

    def _make(self, scene: Scene, digest: str) -> Film:
        path = self._path(digest)
        beginning = path.with_suffix(".part")
        if not self._archive.lend(digest, beginning):
            self._film(scene, beginning)
            self._archive.keep(digest, beginning)
        data = beginning.read_bytes()
        beginning.replace(path)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest().upper()
        filmed = Filmed(scene=digest, size_bytes=len(data), md5=md5, made_at=self._now())
        self._event_log.note(filmed)
        return _film(path, filmed)

    def _film(self, scene: Scene, target: Path) -> None:
        try:
            _RENDERS[scene.style](scene, target, self._is_closed.is_set)
        except (OSError, ValueError) as error:
            raise TaskRefused("InvalidFile.Openerror", "A file of the request could not be decoded.") from error

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.mp4"


def _film(path: Path, filmed: Filmed) -> Film:
    return Film(path, filmed.size_bytes, filmed.md5, filmed.made_at)
