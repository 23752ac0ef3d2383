"""kfpipe at a terminal, as a person has it before them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

needs_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a command at a terminal ended: `screen` is what stood there, `out` what went into a pipe."""

    code: int
    out: str
    screen: str


def at_a_terminal(*words: str, typed: str | None = None, **environment: str) -> Shown:
    """`kfpipe WORDS` in the current folder, with `typed` on its keyboard; None: nobody sits at one."""
    import pty

    here, there = pty.openpty()
    if typed is not None:
        os.write(here, typed.encode())
    process = subprocess.Popen(
        [sys.executable, "-m", "kfpipe", *words],
        stdin=subprocess.DEVNULL if typed is None else there,
        stdout=subprocess.PIPE,
        stderr=there,
        text=True,
        env={**os.environ, "TERM": "dumb", **environment},
    )
    out, _ = process.communicate(timeout=60)
    screen = os.read(here, 65536).decode()
    os.close(there)
    os.close(here)
    return Shown(code=process.returncode, out=out, screen=screen)
