"""Manifests and prompts as people's editors leave them, and what else stands beside them."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest

from kfpipe.errors import Refused
from kfpipe.lock.tidy import LockPlace
from tests.promises.field.loading import problems, takes


@pytest.mark.parametrize("case", ["same-stem"])
@pytest.mark.parametrize("manifest", ["shots.yaml", "shots.yml"])
def test_two_manifests_of_one_stem_are_refused_before_they_share_a_lockfile(project: Path, manifest: str) -> None:
    (problem,) = problems(project, manifest)
    assert "'shots.yaml' and 'shots.yml'" in problem.what
    assert "rename one of the two" in (problem.fix or "")
    (project / "shots.lock.json").write_text("{}", "utf-8")
    with chdir(project), pytest.raises(Refused, match="share the lockfile"):
        LockPlace.of(Path(manifest))
    (project / "shots.yml").rename(project / "dogs.yml")
    assert [take.id for take in (*takes(project), *takes(project, "dogs.yml"))] == ["kitten", "dog"]
