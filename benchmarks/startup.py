"""What a plan of four clips costs in processor time, as a ratio to importing the packages that it cannot do without.

    python benchmarks/startup.py [PAIRS]

The measure is `python -c "import click, yaml, jinja2"`. Both are processes of their own, run in turn, with all modules
compiled and all files in memory. The figure is the median of the pairs' ratios.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MEASURE = ["-c", "import click, yaml, jinja2"]
PLAN = ["-c", "from kfpipe.cli import main; main()", "plan", "quickstart.yaml"]  # as the installed command begins


def main(pairs: int = 15) -> None:
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        project = shutil.copytree(root / "manifests", Path(folder, "project"))
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        variables |= {"PYTHONPYCACHEPREFIX": str(Path(folder, "compiled")), "PYTHONPATH": str(root)}
        for arguments in (MEASURE, PLAN):
            _user_s(arguments, project, variables)  # compiles the modules, reads the stills
        figures = [(_user_s(MEASURE, project, variables), _user_s(PLAN, project, variables)) for _ in range(pairs)]
    measure, plan = (statistics.median(column) for column in zip(*figures, strict=True))
    ratio = statistics.median(plan_s / measure_s for measure_s, plan_s in figures)
    print(f"imports {measure * 1000:.0f} ms, plan {plan * 1000:.0f} ms, ratio {ratio:.2f} (median of {pairs} pairs)")


def _user_s(arguments: list[str], folder: Path, variables: dict[str, str]) -> float:
    """The seconds of processor time that the process spent outside of the system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([sys.executable, *arguments], cwd=folder, env=variables, stdout=subprocess.DEVNULL, check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
