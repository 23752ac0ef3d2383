"""Memory of pictures that are gone: kept for the next ones, until it is given back."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_HELD = """
import os, sys
from kfpipe.media import heap

def held_mb() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

def picture() -> bytearray:
    return bytearray(b"p" * (8 << 20))

heap.keep()
before = held_mb()
pictures = [picture() for _ in range(5)]
del pictures
kept = held_mb()
heap.give_back()
print(kept - before, held_mb() - before)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only the C library of most Linuxes can be told what to keep"
)
def test_what_is_freed_is_kept_and_then_given_back() -> None:
    ran = subprocess.run([sys.executable, "-c", _HELD], capture_output=True, text=True, check=True)
    kept_mb, left_mb = map(int, ran.stdout.split())
    assert kept_mb >= 36
    assert left_mb <= 4
