"""Manifests that cannot be read, or are not laid out as a manifest: each with the exact text that a person gets.

A case is one file of `broken/`: the manifest, a line `---- expected ----`, the text. After a deliberate change of a
message, `python -m tests.manifest.test_broken_manifests` writes the expected texts again; review the difference.
"""

import tempfile
from contextlib import chdir
from pathlib import Path
from typing import Final

import pytest

from kfpipe import project
from kfpipe.cli.output.messages import problem_lines
from kfpipe.errors import Problem, Refused
from tests.support import golden
from tests.support.golden import Case

CASES: Final = golden.load(Path(__file__).parent / "broken")

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@each_case
def test_a_broken_manifest_is_reported_with_its_place_and_a_way_out(case: Case, tmp_path: Path) -> None:
    assert reported(case, tmp_path) == case.expected


@each_case
def test_every_problem_says_how_to_fix_it(case: Case, tmp_path: Path) -> None:
    for problem in problems(case, tmp_path):
        assert problem.fix, problem.what


def reported(case: Case, folder: Path) -> str:
    """What a person reads about a manifest, line by line."""
    return "".join(f"{line}\n" for problem in problems(case, folder) for line in problem_lines(problem))


def problems(case: Case, folder: Path) -> tuple[Problem, ...]:
    """All that loading a manifest has to say: what it was refused for, or else its warnings."""
    (folder / case.name).write_bytes(case.source)
    with chdir(folder):
        try:
            return project.load(Path(case.name)).warnings
        except Refused as refused:
            return refused.problems


def write_expected_texts() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES.values():
            case.write(reported(case, Path(folder)))


if __name__ == "__main__":
    write_expected_texts()
