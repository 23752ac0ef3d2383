"""`kfpipe review` from the terminal."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.cli.conftest import Call


def test_a_port_in_use_is_refused_with_what_to_do(folder: Path, kfpipe: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = kfpipe("review", "shots.yaml", "--no-open", "--port", str(port))
    assert ended.code == 2
    assert ended.err == f"--port: {port}: Address already in use\n  fix: leave it out to use a free port\n"


def test_a_manifest_that_is_wrong_is_refused_before_anything_is_served(folder: Path, kfpipe: Call) -> None:
    (folder / "shots.yaml").write_text("kfpipe: 1\nprovider: {name: emulator}\nshots: 7\n", "utf-8")
    ended = kfpipe("review", "shots.yaml", "--no-open", "--json")
    assert ended.code == 2 and ended.json["problems"][0]["line"] == 3


def test_the_first_line_is_the_address_also_where_there_is_no_browser(folder: Path) -> None:
    keys = {"DASHSCOPE_API_KEY": "sk-secret", "BROWSER": f"{folder}/no-such-browser %s"}
    words = [sys.executable, "-m", "kfpipe", "review", "shots.yaml"]
    with subprocess.Popen(
        words, cwd=folder, env={**os.environ, **keys}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        address = running.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:") and "/?token=" in address
        with httpx.Client(trust_env=False, follow_redirects=True) as client:
            page = client.get(address)
            assert page.status_code == 200 and "shots" in page.text
            board = client.get(address.partition("?")[0] + "api/board").text
        running.terminate()
        told = running.stderr.read()
        assert running.wait(20) == 0
    assert "no browser could be opened: open the address yourself" in told and "Traceback" not in told
    assert "sk-secret" not in page.text + board + told
