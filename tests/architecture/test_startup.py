"""Start-up: what only reads a manifest loads no HTTP, no video decoder, no server, no screen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from kfpipe.emulator import Emulator

HEAVY: Final = ("anyio", "av", "httpx", "jsonschema", "opentelemetry", "rich", "starlette", "uvicorn")
"""Packages for sending, decoding, serving, drawing, and for explaining what a schema refuses."""

MANIFESTS: Final = ("quickstart.yaml", "first-last-frame.yaml")

_PROGRAM: Final = """
import atexit, sys
atexit.register(lambda: print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr))
"""
_COMMAND: Final = "from kfpipe.cli import main; main(sys.argv[1:])"
_PLANNING: Final = "import kfpipe; kfpipe.plan(kfpipe.load('quickstart.yaml'))"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example manifests with their stills, as somebody has copied them."""
    shipped = Path(__file__).parents[2] / "manifests"
    return shutil.copytree(shipped, tmp_path / "project", ignore=shutil.ignore_patterns(".*", "renders", "*.lock.json"))


def test_reading_and_planning_load_nothing_heavy(folder: Path) -> None:
    calls = [["--help"], *([verb, manifest] for verb in ("validate", "plan", "status") for manifest in MANIFESTS)]
    assert not (wrong := _offenders(folder, calls)), "\n".join(wrong)


def test_nor_do_they_with_rendered_clips_on_record(folder: Path) -> None:
    with Emulator(film="tiny", factor=100, queue_s=0, run_s=1, enforces_rates=False) as emulator:
        loaded = _loaded(folder, ["run", "quickstart.yaml"], DASHSCOPE_HTTP_BASE_URL=emulator.base_url)
    assert "httpx" in loaded  # or nothing would be shown by its absence
    assert "opentelemetry" not in loaded  # nobody has switched it on
    calls = [[verb, "quickstart.yaml"] for verb in ("validate", "plan", "status")]
    assert not (wrong := _offenders(folder, calls)), "\n".join(wrong)


def test_nor_does_planning_from_python(folder: Path) -> None:
    wrong = _ran(folder, [_PROGRAM + _PLANNING]) & ({*HEAVY} - {"anyio"})  # `kfpipe.running` needs a loop
    assert not wrong, f"planning from Python loads {', '.join(sorted(wrong))}"


def _offenders(folder: Path, calls: list[list[str]]) -> list[str]:
    """What each call loads that it should not, a line a call."""
    loaded = {" ".join(call): _loaded(folder, call) & set(HEAVY) for call in calls}
    return [f"kfpipe {call} loads {', '.join(sorted(names))}" for call, names in loaded.items() if names]


def _loaded(folder: Path, call: list[str], **environment: str) -> set[str]:
    """The packages that a command has loaded when it ends."""
    return _ran(folder, [_PROGRAM + _COMMAND, *call], **environment)


def _ran(folder: Path, words: list[str], **environment: str) -> set[str]:
    """The packages that `python -c WORDS` has loaded when it ends. Fails when the program did."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("DASHSCOPE", "KFPIPE"))}
    ended = subprocess.run(
        [sys.executable, "-c", *words],
        cwd=folder,
        env={**variables, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    loaded = set(ended.stderr.splitlines()[-1].split())
    assert "kfpipe" in loaded, ended.stderr
    return loaded
