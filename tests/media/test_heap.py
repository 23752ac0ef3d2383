"""Memory of pictures that are gone: kept for the next ones, until it is given back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_START = """
import os
from kfpipe.media import heap

def held_mb() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

def picture() -> bytearray:
    return bytearray(b"p" * (8 << 20))

heap.keep()
before = held_mb()
"""

_ONCE = f"""{_START}
pictures = [picture() for _ in range(5)]
del pictures
kept = held_mb()
heap.give_back()
print(kept - before, held_mb() - before)
"""

_NOW_AND_THEN = f"""{_START}
tidiness = heap.Tidiness()
pictures = [picture() for _ in range(24)]
del pictures[::2]
kept = held_mb()
tidiness.restore()
print(kept - before, held_mb() - before)
"""

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only the C library of most Linuxes can be told what to keep"
)


def seen_mb(program: str) -> list[int]:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return [*map(int, ran.stdout.split())]


def test_what_is_freed_is_kept_and_then_given_back() -> None:
    kept_mb, left_mb = seen_mb(_ONCE)
    assert kept_mb >= 36
    assert left_mb <= 4


def test_what_lies_between_pictures_that_stay_is_given_back_when_it_is_much() -> None:
    kept_mb, left_mb = seen_mb(_NOW_AND_THEN)
    assert kept_mb >= 184
    assert left_mb <= 100
