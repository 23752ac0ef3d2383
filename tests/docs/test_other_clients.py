"""What the page on the emulator shows for other clients works, against a running emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kfpipe import environment
from kfpipe.emulator import Emulator
from tests.docs.conftest import Call
from tests.docs.pages import shown_file

ADDRESS = "http://127.0.0.1:8080"


def started(emulator: Emulator, *words: str, text: str) -> str:
    """What the program prints, once its address is that of `emulator`."""
    variables = {"DASHSCOPE_HTTP_BASE_URL": emulator.base_url, "DASHSCOPE_API_KEY": "sk-anything"}
    ended = subprocess.run(
        [*words, text.replace(ADDRESS, emulator.origin)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="bash and curl are not installed")
def test_the_curl_commands_make_a_task_and_read_the_bill(quick_emulator: Emulator) -> None:
    printed = started(
        quick_emulator, "bash", "-ec", text=shown_file("emulator.md", "film.sh").replace("curl", "echo;curl")
    )
    task, tasks, bill = map(json.loads, filter(None, printed.splitlines()))
    assert tasks["data"][0]["task_id"] == task["output"]["task_id"]
    assert {"tasks", "count", "seconds", "total", "duplicates", "duplicate_count"} <= bill.keys()


def test_the_official_sdk_gets_a_clip(quick_emulator: Emulator) -> None:
    status, link = started(quick_emulator, sys.executable, "-c", text=shown_file("emulator.md", "film.py")).split()
    assert status == "SUCCEEDED"
    assert link.startswith(quick_emulator.origin)


def test_the_manifest_asks_for_the_very_clips_that_the_script_asked_for(
    quick_emulator: Emulator, kfpipe: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "howto/from-sdk-scripts.md"
    started(quick_emulator, sys.executable, "-c", text=shown_file(page, "before.py"))
    assert not quick_emulator.bill().duplicates
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(environment.BASE_URL, quick_emulator.base_url)
    Path("shots.yaml").write_text(shown_file(page, "shots.yaml"), "utf-8")
    kfpipe(["run", "shots.yaml"])
    bill = quick_emulator.bill()
    assert (len(bill.charges), len(bill.duplicates)) == (4, 2)
