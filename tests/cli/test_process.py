"""kfpipe as a process: a reader that goes away, a person at a terminal, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from kfpipe.emulator import Emulator
from tests.cli.conftest import HEAD, SHOTS, Call
from tests.support.terminals import at_a_terminal, needs_a_terminal

WORDS = [sys.executable, "-m", "kfpipe"]


def test_a_reader_that_goes_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([*WORDS, "models"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["models"], 1, "standard output: the disk is full; not all of the result was printed\n  fix: "),
        (["modles", "--json"], 2, "kfpipe: there is no command `modles`\n  fix: "),
    ],
)
def test_a_result_that_cannot_be_kept_is_told_and_is_no_bug(words: list[str], code: int, text: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*WORDS, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == code
    assert ended.stderr.startswith(text)
    assert "Traceback" not in ended.stderr and "ignored" not in ended.stderr


def test_text_that_the_stream_cannot_encode_is_escaped(folder: Path) -> None:
    (folder / "shots.yaml").write_text((HEAD + SHOTS).replace("id: kitten", "id: kitten, frame: \u00e9\u732b"), "utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run([*WORDS, "validate", "shots.yaml"], capture_output=True, env=environment, check=False)
    assert ended.returncode == 2
    assert b"Traceback" not in ended.stderr


@needs_a_terminal
@pytest.mark.parametrize(("answer", "code", "clips"), [("y", 0, 2), ("n", 3, 0), ("", 3, 0)])
def test_a_person_is_asked_before_money_is_spent(
    folder: Path, emulator: Emulator, answer: str, code: int, clips: int
) -> None:
    (folder / "shots.yaml").write_text(HEAD + "budget: {max_cost: 0.1, currency: USD}\n" + SHOTS, "utf-8")
    shown = at_a_terminal("run", "shots.yaml", typed=f"{answer}\n")
    assert shown.code == code
    assert "Render 2 clips for USD 0.40, USD 0.30 over the budget of USD 0.10? [y/N]" in shown.screen
    assert "2 takes: 2 to render" in shown.out
    assert len(emulator.bill().charges) == clips


@needs_a_terminal
def test_a_screen_shows_what_is_done_and_is_left_clean(folder: Path, emulator: Emulator) -> None:
    shown = at_a_terminal("run", "shots.yaml", TERM="xterm", NO_COLOR="1", COLUMNS="100")
    screen = shown.screen
    assert shown.code == 0
    assert "kitten: rendered (" in screen
    assert not re.search(r"\x1b\[[\d;]*m", screen), "NO_COLOR asks for plain text"
    assert screen.rfind("\x1b[?25h") > screen.rfind("\x1b[?25l"), "the cursor is back"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal to one process")
def test_ctrl_c_notes_running_tasks_and_the_next_run_continues_with_them(folder: Path, kfpipe: Call) -> None:
    with Emulator(factor=1, queue_s=0, run_s=3600, film="tiny", enforces_rates=False) as emulator:
        environment = {**os.environ, "DASHSCOPE_HTTP_BASE_URL": emulator.base_url}
        process = subprocess.Popen(
            [*WORDS, "run", "shots.yaml"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert process.stderr is not None
        submitted = 0
        while submitted < 2:
            submitted += "submitted" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "stopping: no more submissions; 2 tasks under way for up to USD 0.40, on record for the next run" in err
        assert out.splitlines()[-2:] == [
            "interrupted: nothing is lost; tasks under way are on record",
            "next: kfpipe run shots.yaml",
        ]
        emulator.clock.advance(3600)
        again = subprocess.run([*WORDS, "run", "shots.yaml"], capture_output=True, env=environment, check=False)
        assert again.returncode == 0
        assert len(emulator.bill().charges) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal to one process")
def test_an_emulator_says_where_it_is_and_leaves_quietly() -> None:
    process = subprocess.Popen(
        [*WORDS, "emulate", "--port", "0", "--clock", "100"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    answer = httpx.get(f"{base_url}/tasks/none", headers={"Authorization": "Bearer sk-test"}, trust_env=False)
    assert "output" in answer.json()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err
