"""The C library's memory while clips are decoded, where it can be told: that of Linux, if it is glibc.

A decoded picture is large, and freed a moment later. Given back to the system at once, each of its pages has to be
fetched again for the next picture: a fifth of the time that decoding takes. Kept, it often does not fit the next one,
which wants to begin at a round address, and a run holds up to 2 MB more with each clip. So it is kept, and given back
from time to time.
"""

from __future__ import annotations

import sys
from contextlib import suppress
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
    """Give all to the system that is free; takes a few milliseconds."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
