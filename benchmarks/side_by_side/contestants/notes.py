"""What a contestant writes down about itself, for the table."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_KINDS = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


class Notes:
    """Times are those of day, in seconds. `known` is when each take's clip was known to be there, by its number."""

    def __init__(self) -> None:
        self._began_at: float | None = None
        self._proving_s = self._decoding_s = 0.0
        self._last_clip_at: float | None = None
        self.known: dict[int, float] = {}

    def begin(self) -> None:
        """All is loaded and planned: from here on it is the service's turn."""
        self._began_at = time.time()

    def arrived(self) -> None:
        """Another clip is in its place and on record, if not looked over."""
        self._last_clip_at = time.time()

    @contextmanager
    def proving(self) -> Iterator[None]:
        """Within the block, this thread makes sure that a clip is whole: its packets, and its first picture."""
        started_s = time.thread_time()
        try:
            yield
        finally:
            self._proving_s += time.thread_time() - started_s

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Within the block, this thread looks a clip over: reads pictures out of it, and makes others of them."""
        started_s = time.thread_time()
        try:
            yield
        finally:
            self._decoding_s += time.thread_time() - started_s

    def tell(self) -> None:
        """All clips are in place: print what was noted."""
        ended_at, (own, children) = time.time(), map(resource.getrusage, _KINDS)
        fields = {
            "began_at": self._began_at,
            "last_clip_at": self._last_clip_at or ended_at,
            "ended_at": ended_at,
            "known": self.known,
            "cpu_s": own.ru_utime + own.ru_stime,
            "proving_s": self._proving_s,
            "decoding_s": self._decoding_s,
            "children_s": children.ru_utime + children.ru_stime,
            "peak_mb": _peak_bytes(own.ru_maxrss) / 1e6,
        }
        sys.stdout.write(json.dumps(fields) + "\n")


def _peak_bytes(reported: int) -> int:
    """The most memory that this process held; what is reported for it counts what its parent held, too, on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * int(status.read_text("ascii").partition("VmHWM:")[2].split()[0])
    return reported * (1 if sys.platform == "darwin" else 1024)
