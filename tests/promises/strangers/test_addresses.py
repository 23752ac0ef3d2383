"""A clone whose `.env` names an address does not get the key that its visitor has exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.provider.conftest import Stub
from tests.support.processes import ended


@pytest.mark.parametrize(
    "words", [["run", "shots.yaml", "--max-cost", "9"], ["plan", "shots.yaml"], ["doctor", "--online"]]
)
def test_an_exported_key_never_goes_to_an_address_from_a_strangers_file(
    folder: Path, variables: dict[str, str], stub: Stub, words: list[str]
) -> None:
    del variables["DASHSCOPE_HTTP_BASE_URL"]
    (folder / ".env").write_text(f"DASHSCOPE_HTTP_BASE_URL={stub.base_url}\n", "utf-8")
    done = ended(*words, cwd=folder, env=variables)
    assert stub.heard == []
    assert done.returncode in (1, 2)
    assert stub.base_url in done.stdout + done.stderr
    assert "export DASHSCOPE_HTTP_BASE_URL" in done.stdout + done.stderr


def test_a_rehearsal_needs_no_key_and_minds_no_address(folder: Path, variables: dict[str, str], stub: Stub) -> None:
    del variables["DASHSCOPE_HTTP_BASE_URL"]
    (folder / ".env").write_text("DASHSCOPE_HTTP_BASE_URL=https://gateway.example/api/v1\n", "utf-8")
    done = ended("plan", "shots.yaml", "--emulator", cwd=folder, env=variables)
    assert done.returncode == 0, done.stderr
    assert "gateway.example" not in done.stdout
