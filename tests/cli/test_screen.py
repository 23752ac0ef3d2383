"""What a person sees on a terminal of 80 columns, and what a pipe gets instead."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from kfpipe.emulator import Emulator
from tests.cli.conftest import HEAD, Call
from tests.support.terminals import needs_a_terminal

pytestmark = needs_a_terminal

COLOUR = re.compile(r"\x1b\[[\d;]*m")
MATRIX = "{seed: [1, 2, 3, 4], resolution: [720P, 1080P]}"
MANY = "shots:\n" + "".join(
    f"  - {{id: a_shot_with_a_long_name_{number}, prompt: Up {number}., matrix: {MATRIX}}}\n" for number in range(1, 6)
)

Screen = Callable[..., str]


@pytest.fixture
def screen(folder: Path) -> Screen:
    """`screen(*words)`: all that the command writes to a terminal 80 columns wide."""

    def call(*words: str, **environment: str) -> str:
        import fcntl
        import pty
        import termios

        here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        plain = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
        process = subprocess.Popen(
            [sys.executable, "-m", "kfpipe", *words],
            stdin=subprocess.DEVNULL,
            stdout=there,
            stderr=subprocess.DEVNULL,
            env={**plain, "TERM": "xterm", **environment},
        )
        os.close(there)
        seen = b""
        while chunk := _read(here):
            seen += chunk
        process.wait(timeout=60)
        os.close(here)
        return seen.decode().replace("\r\n", "\n")

    return call


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def tables_of(text: str) -> list[str]:
    """The lines above the first empty one."""
    return COLOUR.sub("", text).partition("\n\n")[0].splitlines()


@pytest.mark.parametrize("words", [["plan", "--takes"], ["plan"], ["status"], ["status", "--takes"]])
def test_no_table_is_wider_than_the_terminal(folder: Path, screen: Screen, words: list[str]) -> None:
    (folder / "shots.yaml").write_text(HEAD + MANY, "utf-8")
    lines = tables_of(screen(words[0], "shots.yaml", *words[1:]))
    assert len(lines) > 5
    assert max(map(cell_len, lines)) <= 80


def test_many_takes_stand_by_shot_on_a_terminal_and_in_full_in_a_pipe(
    folder: Path, screen: Screen, kfpipe: Call
) -> None:
    (folder / "shots.yaml").write_text(HEAD + MANY, "utf-8")
    for verb in ("plan", "status"):
        lines = tables_of(screen(verb, "shots.yaml"))
        assert len(lines) == 1 + 5 + 1
        assert lines[-1] == f"to see each take: kfpipe {verb} shots.yaml --takes, or -s SHOT"
        assert len(tables_of(kfpipe(verb, "shots.yaml").out)) == 1 + 40
        assert len(tables_of(screen(verb, "shots.yaml", "--takes"))) >= 1 + 40
    assert len(kfpipe("plan", "shots.yaml", "--json").json["takes"]) == 40


def test_colours_are_for_terminals_alone(folder: Path, screen: Screen, kfpipe: Call, emulator: Emulator) -> None:
    kfpipe("run", "shots.yaml", "-s", "kitten")
    kfpipe("pick", "shots.yaml", "kitten", "kitten")
    shown = screen("status", "shots.yaml")
    assert "\x1b[32mrendered\x1b[0m" in shown
    assert "\x1b[32myes\x1b[0m" in shown
    for plain in (screen("status", "shots.yaml", NO_COLOR="1"), kfpipe("status", "shots.yaml").out):
        assert "rendered" in plain
        assert "\x1b" not in plain


def test_a_plan_on_a_terminal_loads_no_library_that_draws(folder: Path) -> None:
    code = (
        "import sys, kfpipe.cli, kfpipe.cli.output.streams as streams\n"
        "streams.is_screen = lambda stream: True\n"
        "try: kfpipe.cli.main(['plan', 'shots.yaml'])\n"
        "finally: sys.exit(sorted({'rich.live', 'rich.console', 'httpx', 'jsonschema'} & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
