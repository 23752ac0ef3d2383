"""`kfpipe status --watch`, beside the run of another process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kfpipe.emulator import Emulator
from tests.cli.conftest import Call
from tests.cli.test_process import WORDS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal to one process")


@pytest.fixture
def emulator(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Where runs go; its renders take an hour."""
    with Emulator(factor=1, queue_s=0, run_s=3600, film="tiny", enforces_rates=False) as running:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", running.base_url)
        yield running


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*WORDS, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def run(emulator: Emulator) -> Iterator[subprocess.Popen[str]]:
    """A run whose two tasks are at the service."""
    process = started("run", "shots.yaml")
    submitted = 0
    while submitted < 2:
        assert process.stderr is not None
        submitted += "submitted" in process.stderr.readline()
    yield process
    process.kill()
    process.communicate()


def first_rows(watching: subprocess.Popen[str]) -> list[str]:
    assert watching.stdout is not None
    title, *rows = (watching.stdout.readline() for _ in range(3))
    assert title.startswith("take")
    return rows


def test_what_changes_is_told_until_the_run_is_over(run: subprocess.Popen[str], emulator: Emulator) -> None:
    watching = started("status", "shots.yaml", "--watch")
    assert [re.split(" {2,}", row)[:2] for row in first_rows(watching)] == [
        ["kitten", "submitted"],
        ["monster", "submitted"],
    ]
    emulator.clock.advance(3600)
    out, err = watching.communicate(timeout=60)
    run.wait(timeout=60)
    assert (watching.returncode, err) == (0, "")
    assert out.splitlines()[-2:] == ["2 takes: 2 rendered", "spent so far: nothing (USD 0.40 of play money)"]


def test_ctrl_c_ends_the_watch_and_not_the_run(run: subprocess.Popen[str]) -> None:
    watching = started("status", "shots.yaml", "--watch", "-s", "kitten")
    assert watching.stdout is not None
    assert watching.stdout.readline().startswith("take")
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=60)
    assert (watching.returncode, err.strip()) == (130, "interrupted")
    assert run.poll() is None


def test_a_screen_is_redrawn_and_left_with_the_last_state(run: subprocess.Popen[str], emulator: Emulator) -> None:
    import pty

    here, there = pty.openpty()
    watching = subprocess.Popen(
        [*WORDS, "status", "shots.yaml", "--watch"],
        stdout=there,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "120"},
    )
    os.close(there)
    screen = os.read(here, 65536).decode()
    while "2 submitted" not in screen:
        screen += os.read(here, 65536).decode()
    emulator.clock.advance(3600)
    while "2 takes: 2 rendered" not in screen or "spent so far" not in screen.rpartition("2 takes: 2 rendered")[2]:
        screen += os.read(here, 65536).decode()
    assert watching.wait(timeout=60) == 0
    assert watching.stderr is not None and watching.stderr.read() == b""
    watching.stderr.close()
    os.close(here)


def test_without_a_run_the_record_is_shown_once(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("status", "shots.yaml", "--watch").out == kfpipe("status", "shots.yaml").out
    (folder / ".kfpipe").mkdir(exist_ok=True)
    (folder / ".kfpipe" / "shots.holder.json").write_text("{}", "utf-8")  # left by a run that was killed
    assert kfpipe("status", "shots.yaml", "--watch").code == 0
    assert kfpipe("status", "shots.yaml", "--watch", "--json").code == 2
