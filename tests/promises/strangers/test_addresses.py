"""A clone whose `.env` names an address does not get the key that its visitor has exported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.provider.conftest import Stub
from tests.support.places import ROOT


@pytest.mark.parametrize(
    "words", [["run", "shots.yaml", "--max-cost", "9"], ["plan", "shots.yaml"], ["doctor", "--online"]]
)
def test_an_exported_key_never_goes_to_an_address_from_a_strangers_file(
    folder: Path, variables: dict[str, str], stub: Stub, words: list[str]
) -> None:
    del variables["DASHSCOPE_HTTP_BASE_URL"]
    (folder / ".env").write_text(f"DASHSCOPE_HTTP_BASE_URL={stub.base_url}\n", "utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "kfpipe", *words],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert stub.heard == []
    assert ended.returncode in (1, 2)
    assert stub.base_url in ended.stdout + ended.stderr
    assert "export DASHSCOPE_HTTP_BASE_URL" in ended.stdout + ended.stderr


def test_a_rehearsal_needs_no_key_and_minds_no_address(folder: Path, variables: dict[str, str], stub: Stub) -> None:
    del variables["DASHSCOPE_HTTP_BASE_URL"]
    (folder / ".env").write_text("DASHSCOPE_HTTP_BASE_URL=https://gateway.example/api/v1\n", "utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "kfpipe", "plan", "shots.yaml", "--emulator"],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "gateway.example" not in ended.stdout
