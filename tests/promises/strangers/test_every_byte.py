"""Every byte that kfpipe writes or prints, in every way it can end: the key is in none of them, and in no child."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from kfpipe.emulator import Emulator
from tests.promises.fuzz.bench import files_with
from tests.promises.fuzz.cases import KEY
from tests.promises.fuzz.service import Service
from tests.promises.strangers.conftest import Call
from tests.support.places import ROOT

WATCHED = """\
import os, sys
def heard(event, args):
    if event in ("os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.system", "pty.spawn"):
        os.write(2, f"CHILD {event}\\n".encode())
    elif event == "subprocess.Popen" and (args[3] is None or "DASHSCOPE_API_KEY" in args[3]):
        os.write(2, f"CHILD {args[:2]} inherits the environment\\n".encode())
sys.addaudithook(heard)
from kfpipe.cli import main
main(sys.argv[1:])
"""
"""kfpipe in a process that tells of every child it starts, but for those whose environment is known to be clean."""

COMMANDS = [
    ["plan", "shots.yaml", "--json"],
    ["run", "shots.yaml"],
    ["run", "shots.yaml", "--rerender", "*", "--max-cost", "9", "--json"],
    ["status", "shots.yaml"],
    ["run", "none.yaml"],
]


def run(folder: Path, words: list[str], variables: dict[str, str]) -> str:
    """All that the process said."""
    ended = subprocess.run(
        [sys.executable, "-c", WATCHED, *words],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT), "KFPIPE_DEBUG": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("source", ["the environment", "a file .env"])
def test_no_file_no_stream_and_no_child_gets_the_key(folder: Path, variables: dict[str, str], source: str) -> None:
    commands = COMMANDS
    if source == "a file .env":
        (folder / ".env").write_text(f"DASHSCOPE_API_KEY={variables.pop('DASHSCOPE_API_KEY')}\n", "utf-8")
        commands = COMMANDS[:2]
    with Emulator(factor=200, queue_s=0, run_s=5, film="tiny", enforces_rates=False) as emulator:
        variables["DASHSCOPE_HTTP_BASE_URL"] = emulator.base_url
        said = "".join(run(folder, words, variables) for words in commands)
    assert "2 clips rendered" in said
    assert KEY not in said
    assert "CHILD" not in said
    assert files_with(KEY, folder) == []


@pytest.mark.parametrize("number", range(4))
def test_a_service_that_echoes_the_key_everywhere_gets_it_nowhere(
    folder: Path, service: Service, kfpipe: Call, number: int
) -> None:
    service.begin(Random(number), 0.8)
    for words in (["run", "shots.yaml"], ["run", "shots.yaml", "--json"], ["status", "shots.yaml", "--json"]):
        kfpipe(*words, KFPIPE_DEBUG="1")
    assert files_with(KEY, folder) == []


def test_a_bugs_traceback_hides_a_key_that_stands_in_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key that does not look like one, and a bug whose message holds it."""
    from kfpipe.cli import main

    (folder / ".env").write_text("DASHSCOPE_API_KEY=embedded\n", "utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    monkeypatch.setenv("KFPIPE_DEBUG", "1")
    with pytest.raises(SystemExit) as leaving:
        main(["validate", "shots\0.yaml"])  # no system hands such a word over; it fails with "embedded null byte"
    said = capsys.readouterr()
    assert leaving.value.code == 70
    assert "Traceback" in said.err
    assert "embedded" not in said.err + said.out
