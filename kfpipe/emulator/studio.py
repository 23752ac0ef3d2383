"""Where clips are made: worker threads that start with the first order and write into a scratch folder."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from kfpipe.emulator import film
from kfpipe.emulator.scene import Scene
from kfpipe.emulator.settings import FilmStyle
from kfpipe.emulator.verdicts import TaskRefused


@dataclass(frozen=True, slots=True)
class Film:
    path: Path
    size_bytes: int
    md5: str
    made_at: float  # virtual epoch seconds


class Studio:
    """Equal scenes are filmed once. In the tiny style the seed does not matter either."""

    def __init__(self, folder: Path, workers: int, style: FilmStyle, now: Callable[[], float]) -> None:
        self._folder = folder
        self._style = style
        self._now = now
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="kfpipe-emulator-film")
        self._is_closed = threading.Event()
        self._orders: dict[Scene, Future[Film]] = {}

    def order(self, scene: Scene) -> Future[Film]:
        """The clip, now or later. Its future fails with `TaskRefused` if a file of the scene cannot be decoded."""
        if self._style is FilmStyle.TINY:
            scene = replace(scene, seed=0)
        if scene not in self._orders:
            target = self._folder / f"{len(self._orders):06}.mp4"
            self._orders[scene] = self._workers.submit(self._make, scene, target)
        return self._orders[scene]

    def close(self) -> None:
        self._is_closed.set()
        self._workers.shutdown(cancel_futures=True)

    def _make(self, scene: Scene, target: Path) -> Film:
        render = film.render_tiny if self._style is FilmStyle.TINY else film.render
        try:
            render(scene, target, self._is_closed.is_set)
        except (OSError, ValueError) as error:
            raise TaskRefused("InvalidFile.Openerror", "A file of the request could not be decoded.") from error
        data = target.read_bytes()
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest().upper()
        return Film(target, len(data), md5, self._now())
