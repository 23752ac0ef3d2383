"""Manifests that cannot be read, or are not laid out as a manifest, each beside the exact text that a person gets.

After a deliberate change of a message: `python tests/manifest/test_broken_manifests.py` writes the expected texts anew;
review the difference.
"""

import shutil
import tempfile
from contextlib import chdir
from pathlib import Path

import pytest

from kfpipe import project
from kfpipe.cli.output.messages import problem_lines
from kfpipe.errors import Problem, Refused

MANIFESTS = Path(__file__).parent / "broken"
CASES = sorted(path.stem for path in MANIFESTS.glob("*.yaml"))


@pytest.mark.parametrize("name", CASES)
def test_a_broken_manifest_is_told_with_its_place_and_a_way_out(name: str, tmp_path: Path) -> None:
    assert told(name, tmp_path) == expected_file(name).read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_every_problem_says_how_to_go_on(name: str, tmp_path: Path) -> None:
    for problem in problems(name, tmp_path):
        assert problem.fix, problem.what


def told(name: str, folder: Path) -> str:
    """What a person reads about a manifest, line by line."""
    return "".join(f"{line}\n" for problem in problems(name, folder) for line in problem_lines(problem))


def problems(name: str, folder: Path) -> tuple[Problem, ...]:
    """All that loading a manifest has to say: what it was refused for, or else its warnings."""
    shutil.copy(MANIFESTS / f"{name}.yaml", folder)
    with chdir(folder):
        try:
            return project.load(Path(f"{name}.yaml")).warnings
        except Refused as refused:
            return refused.problems


def expected_file(name: str) -> Path:
    return MANIFESTS / f"{name}.expected"


def write_expected_texts() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in CASES:
            expected_file(name).write_text(told(name, Path(folder)), "utf-8")


if __name__ == "__main__":
    write_expected_texts()
