"""Where a run may die: every write, sync, move and removal on the disk, and four moments of each request.

The points lie at the boundary of the process, in `os`, `io` and `httpx`, so the product needs no hook for them. Each
has a name and a number, such as `journal written #3`, which mean the same moment in every run of one project.
"""

from __future__ import annotations

import io
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from kfpipe.provider.connections import Direct

MOMENTS = {
    "http11.send_request_headers.started": "about to leave",
    "http11.send_request_body.complete": "sent",
    "http11.receive_response_headers.complete": "answered",
    "http11.receive_response_body.complete": "read",
}
"""Moments of a request, by the names that the HTTP library has for them."""


class KillPoints:
    """Counts the points as the process passes them, and kills it by SIGKILL at the one named `fatal`.

    `dying` is what happens at that moment.
    """

    def __init__(self, fatal: str | None, dying: Callable[[], object] = lambda: None) -> None:
        self.passed: list[str] = []
        self._fatal = fatal
        self._dying = dying
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reach(self, kind: str, last_words: Callable[[], object] = lambda: None) -> None:
        """Pass the next point of this kind; `last_words` is what a process that dies here still does."""
        with self._lock:
            self._counts[kind] += 1
            point = f"{kind} #{self._counts[kind]}"
            self.passed.append(point)
        if point == self._fatal:
            last_words()
            self._dying()
            os.kill(os.getpid(), signal.SIGKILL)

    def lay(self) -> None:
        """Put the points into this process, for good."""
        self._lay_in_journal()
        for name, what in (("replace", "move"), ("unlink", "removal"), ("mkdir", "making"), ("rmdir", "removal")):
            self._surround(os, name, what, lambda path: kind_of(os.fspath(path)))
        self._surround(os, "fsync", "sync", lambda descriptor: kind_of(path_of(descriptor)))
        self._lay_at_opening()
        self._lay_in_requests()

    def _lay_in_journal(self) -> None:
        write = os.write

        def written(descriptor: int, content: Any) -> int:
            kind = kind_of(path_of(descriptor))
            if kind != "journal":
                return write(descriptor, content)
            self.reach("journal about to be written")
            self.reach("journal half written", lambda: write(descriptor, content[: len(content) // 2]))
            count = write(descriptor, content)
            self.reach("journal written")
            return count

        os.write = written

    def _surround(self, module: Any, name: str, what: str, kind: Callable[[Any], str]) -> None:
        original = getattr(module, name)

        def surrounded(subject: Any, *args: Any, **options: Any) -> Any:
            of = kind(subject)
            self.reach(f"before {what} of {of}")
            result = original(subject, *args, **options)
            self.reach(f"after {what} of {of}")
            return result

        setattr(module, name, surrounded)

    def _lay_at_opening(self) -> None:
        original = io.open

        def opened(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            stream = original(file, mode, *args, **options)
            if not set(mode).isdisjoint("wax+"):
                self.reach(f"after opening of {kind_of(os.fspath(file))}")
            return stream

        io.open = opened

    def _lay_in_requests(self) -> None:
        original = Direct.handle_async_request

        async def handled(transport: Direct, request: httpx.Request) -> httpx.Response:
            phase = phase_of(request)

            async def trace(moment: str, _: object) -> None:
                if moment in MOMENTS:
                    self.reach(f"{phase} {MOMENTS[moment]}")

            request.extensions["trace"] = trace
            return await original(transport, request)

        Direct.handle_async_request = handled  # type: ignore[method-assign]


def path_of(descriptor: int) -> str:
    """The file that a descriptor belongs to. Linux alone tells."""
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def kind_of(path: str) -> str:
    """What a file is for, in a word."""
    place = Path(path)
    match place.parent.name, place.name:
        case _, name if name.endswith(".tmp"):
            return f"draft of {name.removeprefix('.').rsplit('.', 2)[0]}"
        case _, name if name.endswith(".journal"):
            return "journal"
        case ".partial" | ".previous" as folder, _:
            return f"{folder} clip"
        case _, name if name.endswith(".mp4"):
            return "clip"
        case _, name:
            return name


def phase_of(request: httpx.Request) -> str:
    """What a request is for, in a word."""
    match request.method, request.url.path.rstrip("/").rsplit("/", 2)[-2:]:
        case "POST", [*_, "video-synthesis"]:
            return "submission"
        case "GET", [*_, "tasks"]:
            return "list"
        case "GET", ["tasks", _]:
            return "query"
        case "GET", [*_, "uploads"]:
            return "policy"
        case "POST", _:
            return "upload"
        case _:
            return "download"
