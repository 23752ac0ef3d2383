"""What a contestant writes down about itself, for the table."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_KINDS = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


class Notes:
    """Times are those of day, in seconds. `known` is when each take's clip was known to be there, by its number."""

    def __init__(self) -> None:
        self._began_at: float | None = None
        self._decoding_s = 0.0
        self.known: dict[int, float] = {}

    def begin(self) -> None:
        """All is loaded and planned: from here on it is the service's turn."""
        self._began_at = time.time()

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Within the block, this thread reads pictures out of clips."""
        started_s = time.thread_time()
        try:
            yield
        finally:
            self._decoding_s += time.thread_time() - started_s

    def timed(self, decode: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose processor time is that of decoding."""

        def timed(*args: Any, **named: Any) -> Any:
            with self.decoding():
                return decode(*args, **named)

        return timed

    def tell(self) -> None:
        """All clips are in place: print what was noted."""
        ended_at, (own, children) = time.time(), map(resource.getrusage, _KINDS)
        fields = {
            "began_at": self._began_at,
            "ended_at": ended_at,
            "known": self.known,
            "cpu_s": own.ru_utime + own.ru_stime,
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
