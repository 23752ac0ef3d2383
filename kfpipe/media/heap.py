"""The C library's memory while clips are decoded, where it can be told: that of Linux, if it is glibc.

A decoded picture is large, and freed a moment later. Given back to the system at once, each of its pages has to be
fetched again for the next picture: a fifth of the time that decoding takes. Kept, it often does not fit the next one,
which wants to begin at a round address, and a run holds up to 2 MB more with each clip. So it is kept, and given back
when that has become much.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""Source of both numbers: malloc.h, M_TRIM_THRESHOLD and M_MMAP_THRESHOLD; of what they do: mallopt(3)."""

_LARGE_BYTES: Final = 32 << 20
"""Larger than any picture of a clip, and the most that glibc accepts."""

_SPARE_BYTES: Final = 64 << 20


def keep() -> None:
    """Have what is freed used again, from now on and in all threads."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # another C library has no such thing
            library = ctypes.CDLL(None)
            library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
            library.mallopt(_TRIM_THRESHOLD, _SPARE_BYTES)


def give_back() -> None:
    """Give all to the system that is free; it takes a while, and so does to fetch again what is wanted after all."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


class Tidiness:
    """Memory is given back whenever the process holds much more than it did at the last time, or at first."""

    def __init__(self) -> None:
        self._held_bytes = _held_bytes()

    def restore(self) -> None:
        """To be called now and then; what it costs otherwise is one look at a small file."""
        if _held_bytes() > self._held_bytes + _SPARE_BYTES:
            give_back()
            self._held_bytes = _held_bytes()  # more than before, where more is in use


def _held_bytes() -> int:
    """What this process holds of the machine's memory; 0 where the system does not say so in this way."""
    with suppress(OSError):
        resident_pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return resident_pages * os.sysconf("SC_PAGE_SIZE")
    return 0
