"""Ctrl-C, a polite kill and a closed terminal end a run in good order, wherever it is, and cost nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kfpipe.emulator import Emulator
from kfpipe.lock import lockfile
from kfpipe.lock.states import Rendered
from tests.support import stills
from tests.support.manifests import PAID
from tests.support.processes import Running

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal to one process")

MANIFEST = (
    PAID
    + """\
shots:
  - {id: kitten, prompt: A kitten looks up., matrix: {seed: [1, 2]}}
  - {id: monster, prompt: A monster looks down.}
"""
)

TAKES = 3

RUNS_LONG = {"run_s": 7200}
SLOW_TO_SUBMIT = {"faults": [{"on": "submit", "nth": 2, "do": "hang", "seconds": 60, "when": "after"}]}
SLOW_TO_DOWNLOAD = {"faults": [{"on": "download", "do": "slow", "bytes_per_second": 50}]}

ORDERLY_S = 5.0
AT_ONCE_S = 1.0
LENIENCE = 3.0
"""The bounds of the contract hold on a machine that has time for it; this one may be busy."""

Start = Callable[[], Running]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shots.yaml").write_text(MANIFEST, "utf-8")
    stills.save(tmp_path, stills.PAIR)
    return tmp_path


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    settings: Mapping[str, Any] = getattr(request, "param", {})
    usual = {"factor": 200, "queue_s": 0, "run_s": (20, 60), "film": "tiny", "enforces_rates": False}
    with Emulator(**{**usual, **settings}) as running:
        yield running


@pytest.fixture
def variables(emulator: Emulator) -> dict[str, str]:
    """The environment of a run that goes to the emulator."""
    there = {"DASHSCOPE_HTTP_BASE_URL": emulator.base_url, "DASHSCOPE_API_KEY": "sk-test"}
    return {**os.environ, **there, "TERM": "xterm"}


@pytest.fixture
def start(folder: Path, variables: dict[str, str]) -> Iterator[Start]:
    """`start()`: a run of the project as a process of its own."""
    started: list[Running] = []

    def run() -> Running:
        started.append(Running("run", "shots.yaml", cwd=folder, env=variables))
        return started[-1]

    yield run
    for process in started:
        process.kill()


def wait_for(emulator: Emulator, phase: str, count: int) -> None:
    """Return when the service has had so many requests of this phase."""
    deadline_s = time.monotonic() + 60
    while sum(entry["phase"] == phase for entry in emulator.requests()) < count:
        assert time.monotonic() < deadline_s, f"there was no {phase}"
        time.sleep(0.02)


def check_that_the_next_run_finishes(start: Start, folder: Path, emulator: Emulator) -> None:
    """Nothing is billed but one clip a take, and every take has its own."""
    emulator.forgive()
    emulator.clock.advance(7200)
    process = start()
    output = process.communicate(timeout=60)
    assert process.returncode == 0, output
    lock = lockfile.load(folder / "shots.lock.json")
    entries = lock.requests.values()
    billed = sorted(charge.task_id for charge in emulator.bill().charges)
    assert billed == sorted(entry.task.task_id for entry in entries if isinstance(entry, Rendered))
    assert len(billed) == TAKES
    assert len(list(folder.rglob("*.mp4"))) == TAKES


@pytest.mark.parametrize(
    ("emulator", "phase", "count", "number"),
    [
        pytest.param(SLOW_TO_SUBMIT, "submit", 2, signal.SIGINT, id="submitting-SIGINT"),
        pytest.param(SLOW_TO_DOWNLOAD, "download", 1, signal.SIGINT, id="downloading-SIGINT"),
        pytest.param(RUNS_LONG, "query", 4, signal.SIGTERM, id="polling-SIGTERM"),
    ],
    indirect=["emulator"],
)
def test_the_first_signal_ends_a_run_in_good_order(
    start: Start, folder: Path, emulator: Emulator, phase: str, count: int, number: int
) -> None:
    process = start()
    wait_for(emulator, phase, count)
    process.send_signal(number)
    output = "".join(process.communicate(timeout=ORDERLY_S * LENIENCE))
    assert process.returncode == 130, output
    assert "interrupted: nothing is lost" in output
    check_that_the_next_run_finishes(start, folder, emulator)


@pytest.mark.parametrize(
    ("emulator", "phase", "count"),
    [
        pytest.param(SLOW_TO_SUBMIT, "submit", 2, id="submitting"),
        pytest.param(SLOW_TO_DOWNLOAD, "download", 2, id="downloading"),
    ],
    indirect=["emulator"],
)
def test_the_second_signal_ends_a_run_at_once(
    start: Start, folder: Path, emulator: Emulator, phase: str, count: int
) -> None:
    process = start()
    wait_for(emulator, phase, count)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=AT_ONCE_S * LENIENCE)
    assert process.returncode in (130, -signal.SIGINT), output  # a shell says 130 to both
    check_that_the_next_run_finishes(start, folder, emulator)


@pytest.mark.parametrize("emulator", [RUNS_LONG], indirect=True, ids=["polling"])
def test_a_closed_terminal_ends_a_run_in_good_order(
    start: Start, folder: Path, emulator: Emulator, variables: dict[str, str]
) -> None:
    import fcntl
    import pty
    import termios

    here, there = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kfpipe", "run", "shots.yaml"],
        cwd=folder,
        env=variables,
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(there)
    wait_for(emulator, "query", 4)
    os.close(here)
    assert process.wait(timeout=ORDERLY_S * LENIENCE) in (130, 1)  # 1: the last words found nobody
    check_that_the_next_run_finishes(start, folder, emulator)


@pytest.mark.parametrize("emulator", [RUNS_LONG], indirect=True, ids=["polling"])
def test_a_run_on_a_laptop_that_slept_continues_where_it_was(start: Start, folder: Path, emulator: Emulator) -> None:
    process = start()
    wait_for(emulator, "query", 4)
    process.send_signal(signal.SIGSTOP)
    emulator.clock.advance(7200)
    time.sleep(0.5)
    process.send_signal(signal.SIGCONT)
    output = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert len(emulator.bill().charges) == TAKES
