"""Streams that take nothing: closed ones, full devices, readers and terminals that leave. Paid work goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.promises.moving.world import World

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="its shell closes no streams"),
    pytest.mark.parametrize("case", ["closed-streams"]),
]

KFPIPE: Final = f"exec {sys.executable} -m kfpipe"
on_linux = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")


def shell(world: World, line: str, **variables: str) -> tuple[int, str, str]:
    """How a line of the shell ends, with `kfpipe` for its first word: exit code, stdout, stderr."""
    ended = subprocess.run(
        ["sh", "-c", f"{KFPIPE} {line}"],
        cwd=world.folder,
        env={**world.environment(), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    told = ended.stdout + ended.stderr
    assert "Traceback" not in told and "this is a bug" not in told
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        (">&-", "standard output: it is closed; not all of the result was printed\n"),
        pytest.param(">/dev/full", "standard output: the disk is full; not all of the result", marks=on_linux),
        ("| true", ""),
    ],
)
def test_a_run_ends_as_its_work_did_wherever_its_result_goes(world: World, stream: str, told: str) -> None:
    code, _, err = shell(world, f"run shots.yaml {stream}")
    assert code == 0
    assert err.count(told) == 1 or not told
    world.check(bills=1)


def test_a_run_without_a_place_for_its_messages_says_so_beside_its_result(world: World) -> None:
    code, out, _ = shell(world, "run shots.yaml 2>&-")
    assert code == 0
    assert out.splitlines()[0].startswith("1 clip rendered in ")
    assert out.splitlines()[-1] == "standard error: it is closed; not all messages were printed"
    world.check(bills=1)


def test_all_streams_closed_still_pay_once_and_leave_a_sound_record(world: World) -> None:
    assert shell(world, "run shots.yaml <&- >&- 2>&-") == (0, "", "")
    world.check(bills=1)


@pytest.mark.parametrize(
    "line",
    ["plan shots.yaml >&-", *(pytest.param(f"{words} >/dev/full", marks=on_linux) for words in ("plan --json", "-h"))],
)
def test_a_command_that_only_prints_says_why_it_has_failed(world: World, line: str) -> None:
    code, _, err = shell(world, line.replace("plan --json", "plan shots.yaml --json"))
    assert code == 1
    assert err.startswith("standard output: ")
    assert err.count("\n") == 2


def test_a_plan_needs_no_place_for_messages_and_a_refusal_finds_one(world: World) -> None:
    code, out, _ = shell(world, "plan shots.yaml 2>&-")
    assert (code, out.splitlines()[-1]) == (0, "next: kfpipe run shots.yaml")
    assert shell(world, "plan shot.yaml 2>&-")[:2] == (
        2,
        "shot.yaml: there is no such file\n  fix: did you mean `shots.yaml`?\n",
    )
    code, _, err = shell(world, "plan shot.yaml --json >&-")
    assert (code, err.splitlines()[0]) == (2, "shot.yaml: there is no such file")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_json_is_json_in_every_encoding(world: World, encoding: str) -> None:
    shots = world.folder / "shots.yaml"
    prompt = "Un chat r\u00eave \u9ed1\u732b \U0001f408."
    shots.write_text(shots.read_text("utf-8").replace("A black kitten looks up.", prompt), "utf-8")
    code, out, _ = shell(world, "plan shots.yaml --json", PYTHONIOENCODING=encoding)
    assert (code, json.loads(out)["takes"][0]["prompt"]) == (0, prompt)
    assert shell(world, "plan shots.yaml", PYTHONIOENCODING=encoding, COLUMNS="1", TERM="dumb")[0] == 0


def test_a_terminal_that_goes_away_ends_a_run_like_a_polite_kill_and_not_under_nohup(world: World) -> None:
    world.emulator.script({"on": "query", "do": "patch", "fields": {"output": {"task_status": "RUNNING"}}})
    process = world.start("run", "shots.yaml")
    world.wait_for(lambda: world._submitted("shots.yaml"), process)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=30)
    assert process.returncode == 130
    world.emulator.forgive()
    nohup = subprocess.Popen(
        ["sh", "-c", f"trap '' HUP; kill -HUP $$; {KFPIPE} run shots.yaml"],
        cwd=world.folder,
        env=world.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert nohup.stderr is not None
    nohup.stderr.readline()
    os.kill(nohup.pid, signal.SIGHUP)
    out, err = nohup.communicate(timeout=30)
    assert nohup.returncode == 0, out + err
    world.check(bills=1)
