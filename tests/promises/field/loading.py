"""What `kfpipe validate` says of a project, without a process of its own."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

from kfpipe import project as projects
from kfpipe.cli.output.messages import problem_lines
from kfpipe.domain import Take
from kfpipe.errors import Problem, Refused


def takes(folder: Path, manifest: str = "shots.yaml") -> tuple[Take, ...]:
    """The takes of a manifest that is accepted."""
    with chdir(folder):
        return projects.load(Path(manifest)).takes


def problems(folder: Path, manifest: str = "shots.yaml") -> tuple[Problem, ...]:
    """What a manifest is refused for, or else its warnings."""
    with chdir(folder):
        try:
            return projects.load(Path(manifest)).warnings
        except Refused as refused:
            return refused.problems


def told(folder: Path, manifest: str = "shots.yaml") -> str:
    """The same as it stands on the screen."""
    return "\n".join(line for problem in problems(folder, manifest) for line in problem_lines(problem))
