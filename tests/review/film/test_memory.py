"""A film may be as long as it likes: what it takes in memory is that of a few pictures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kfpipe.review.film import writing
from tests.review.film.conftest import Cutting
from tests.support.places import ROOT

_STATUS = Path("/proc/self/status")
SHORT, LONG, PICTURES = 4, 30, 6
SIZE = (640, 360)

MOST_MB = 400
SLACK_MB = 20
"""What a long film may take more than a short one; each clip's pictures and decoder would take more than two."""


def test_a_long_film_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    if not _STATUS.exists():
        pytest.skip("what a process took at most is read from /proc")
    program = f"from tests.review.film.test_memory import measure; measure({os.fspath(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    short_mb, long_mb = map(float, done.stdout.split())
    assert long_mb < MOST_MB
    assert long_mb - short_mb < SLACK_MB


def measure(folder: str) -> None:
    """Prints what this process took at most for a short film, and then for a long one; all clips are one."""
    for count in (SHORT, LONG):
        cutting = Cutting(folder=Path(folder))
        cutting.add("one", PICTURES, size=SIZE)
        (piece,) = cutting.edited().pieces
        pieces = [replace(piece, number=n + 1, start=n * piece.frames) for n in range(count)]
        film = replace(cutting.edited(), pieces=tuple(pieces))
        writing.write(film, cutting.folder / "film.mp4", cutting.folder, None, lambda _: None)
        # Not `ru_maxrss`, which begins with what the process that started this one had taken.
        print(int(re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text("utf-8"))[1]) / 1024)
