"""The development environment, pinned: `python -m tests.pins` renews `constraints.txt`.

It holds one release of everything that the extra `dev` brings and that building the package takes, for every Python
and system at once. uv works that out, and is needed for nothing else: pip reads the file.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PINS = ROOT / "constraints.txt"

_HEAD = "# The releases that kfpipe is developed and checked with. `python -m tests.pins` writes this file anew.\n"


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def renewed() -> str:
    """The pins that are right today: the newest releases that pyproject.toml allows and that go together."""
    project = pyproject()
    oldest = re.search(r">=\s*([\d.]+)", project["project"]["requires-python"])
    assert oldest is not None
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
        command = [python, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--universal"]
        command += ["--python-version", oldest[1], "--extra", "dev", "pyproject.toml", "-"]
        builders = "\n".join(project["build-system"]["requires"])
        found = subprocess.run(command, cwd=ROOT, input=builders, stdout=subprocess.PIPE, check=True, encoding="utf-8")
    return _HEAD + found.stdout


if __name__ == "__main__":
    PINS.write_text(renewed(), "utf-8")
