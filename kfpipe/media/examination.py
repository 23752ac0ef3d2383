"""Looking a clip over that is on record: it is decoded to its end, compared with its stills, and its poster cut.

That takes most of the processor time of a run, so it happens once for each clip, in threads that give way to the rest.
PyAV and Pillow let go of the interpreter while they work. A process of its own would not disturb the run at all, but
takes its time to start. The least priority is no choice for a thread: where others keep all cores busy, it comes to a
stand with the interpreter in its hands.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio.to_thread

from kfpipe.domain import FrameEnd, LocalMedium, MediaRole, Take
from kfpipe.errors import StorageFailed
from kfpipe.files.durable import storage
from kfpipe.lock.states import Asked, Fidelity
from kfpipe.media import ends, heap
from kfpipe.media.posters import Posters

MOST_AT_ONCE: Final = 4

_NICER: Final = 5
"""By so much it gives way: enough for Linux to prefer the rest of the run, and too little to come to a stand."""

_CLIPS_A_TIDYING: Final = 10
"""After so many, memory that is free may be given back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A clip to look over, and the stills at hand that it was given.

    `is_vouched`: the store's checksum vouches for its bytes. Then pictures that no other one depends on are left out,
    since damage to them alone can only be the service's own.
    """

    clip: Path
    sha256: str
    stills: Mapping[FrameEnd, Path]
    is_vouched: bool


def stills_given(asked: Asked, take: Take | None, folder: Path) -> Mapping[FrameEnd, Path]:
    """The stills that a clip was asked to begin and to end on, as they were sent; none that is elsewhere."""
    roles = {MediaRole.FIRST_FRAME: FrameEnd.FIRST, MediaRole.LAST_FRAME: FrameEnd.LAST}
    return {
        roles[given.role]: folder / given.medium.path
        for given in (() if take is None else take.request.media)
        if given.role in roles
        and isinstance(given.medium, LocalMedium)
        and asked.media.get(given.role) == given.medium.digest
    }


def examined(subject: Subject, posters: Posters) -> Fidelity:
    """How much the clip looks like its stills; its poster is cut on the way. Blocks.

    Raises `BadRender` when the clip is damaged, StorageFailed when it cannot be read.
    """
    from kfpipe.media import pictures, video  # PyAV is slow to load, and only a clip that is here needs it

    with storage(subject.clip):
        glimpse = video.glimpse(subject.clip, with_all=not subject.is_vouched)
    with suppress(StorageFailed, *pictures.UNDRAWN):  # they can be cut later
        posters.keep(subject.sha256, pictures.poster(glimpse.middle))
    greys = pictures.greys(glimpse)
    with suppress(StorageFailed):
        ends.keep(posters.folder, subject.sha256, greys)
    return pictures.fidelity(greys, subject.stills)


class Examiners:
    """The threads that look clips over, as a context. The first clip starts the first of them."""

    def __init__(self, posters: Posters) -> None:
        self._posters = posters
        self._threads = ThreadPoolExecutor(at_once(), "kfpipe-examiner", initializer=_prepare)
        self._numbers = count()
        self._tidiness = heap.Tidiness()

    async def examine(self, subject: Subject) -> Fidelity:
        """As `examined`. A cancelled one is given up at once; what its thread still finds is dropped."""
        if next(self._numbers) % _CLIPS_A_TIDYING == 0:
            self._threads.submit(self._tidiness.restore)
        work = self._threads.submit(examined, subject, self._posters)
        try:
            return await anyio.to_thread.run_sync(work.result, abandon_on_cancel=True)
        finally:
            work.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def at_once() -> int:
    """How many clips are looked over at once: one core is left to the run itself."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MOST_AT_ONCE, cores - 1))


def _prepare() -> None:
    _give_way()
    heap.keep()


def _give_way() -> None:
    """Lower the thread's priority; other systems than Linux have one for the whole process alone."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICER)
