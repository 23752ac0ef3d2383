"""`kfpipe ci check`: every manifest and lockfile of a repository, and the pre-commit hook that calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kfpipe.lock.lockfile import save
from kfpipe.lock.states import EMPTY
from tests.cli.conftest import HEAD, SHOTS, Call, Git, clone_at
from tests.support.places import ROOT

MARKERS = '<<<<<<< ours\n  "picked": {}\n=======\n>>>>>>> theirs\n'
HOOKS = ROOT / ".pre-commit-hooks.yaml"


@pytest.fixture
def git(folder: Path) -> Git:
    """A repository with a manifest, its lockfile, a YAML file of somebody else, and a manifest that git ignores."""
    save(folder / "shots.lock.json", EMPTY)
    (folder / "compose.yaml").write_text("services: {}\n", "utf-8")
    (folder / "own.yaml").write_text("kfpipe: 99\n", "utf-8")
    (folder / ".gitignore").write_text("own.yaml\n", "utf-8")
    git = clone_at(folder)
    git("init", "-q")
    git("add", "--all")
    return git


def test_all_that_git_tracks_is_checked_and_nothing_else(git: Git, kfpipe: Call) -> None:
    ended = kfpipe("ci", "check")
    assert (ended.code, ended.out) == (0, "1 manifest, 1 lockfile: no problems\n")


def test_all_problems_of_all_files_are_told_at_once(folder: Path, git: Git, kfpipe: Call) -> None:
    (folder / "shots.yaml").write_text((HEAD + SHOTS).replace("id: kitten", "id: kitten, tag: x"), "utf-8")
    (folder / "shots.lock.json").write_text(MARKERS, "utf-8")
    (folder / "north.yaml").write_text(f"{HEAD}shots:\n{MARKERS}", "utf-8")
    git("add", "--all")
    ended = kfpipe("ci", "check")
    assert ended.code == 2
    places = [line.split(": ")[0] for line in ended.err.splitlines() if not line.startswith("  ")]
    assert [place.split(":")[0] for place in places] == ["north.yaml", "shots.yaml", "shots.lock.json"]
    problems = kfpipe("ci", "check", "--json").json["problems"]
    assert [f"{one['file']}:{one['line']}" for one in problems[:2]] == ["north.yaml:7", "shots.yaml:6"]


def test_a_part_of_a_manifest_is_checked_in_its_place_and_a_circle_is_found(
    folder: Path, git: Git, kfpipe: Call
) -> None:
    bare = f"kfpipe: 1\n{SHOTS.replace('kitten', 'cat').replace('monster', 'ogre')}"
    (folder / "scene.yaml").write_text(bare, "utf-8")  # by itself it has no provider, and no model
    (folder / "film.yaml").write_text(f"{HEAD}include: [scene.yaml]\n", "utf-8")
    git("add", "--all")
    assert kfpipe("ci", "check", "--json").json["manifests"] == ["film.yaml", "shots.yaml"]
    (folder / "scene.yaml").write_text(f"{bare}include: [film.yaml]\n", "utf-8")
    circle = kfpipe("ci", "check")
    assert (circle.code, "in a circle" in circle.err) == (2, True)


def test_files_and_folders_can_be_named_and_must_be_there(folder: Path, git: Git, kfpipe: Call) -> None:
    (folder / "old").mkdir()
    (folder / "old/north.yaml").write_text("kfpipe: 99\n", "utf-8")
    git("add", "--all")
    assert kfpipe("ci", "check").code == kfpipe("ci", "check", "old").code == 2
    assert kfpipe("ci", "check", "shots.yaml").out == "1 manifest, 0 lockfiles: no problems\n"
    ended = kfpipe("ci", "check", "nowhere")
    assert (ended.code, "nowhere" in ended.err) == (2, True)


def test_the_hook_passes_a_sound_repository_and_fails_a_broken_one(folder: Path, git: Git, tmp_path: Path) -> None:
    """Called by pre-commit itself. It would build kfpipe from its own clone, which takes minutes: it is told not to."""
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    tool = tmp_path / "tool"
    tool.mkdir()
    text = HOOKS.read_text("utf-8")
    assert "language: python" in text
    entry = f"entry: {sys.executable} -m kfpipe ci check"
    text = text.replace("language: python", "language: system").replace("entry: kfpipe ci check", entry)
    (tool / HOOKS.name).write_text(text, "utf-8")
    (folder / ".gitignore").write_text("own.yaml\ntool\nhome\n", "utf-8")
    git("add", "--all")
    clone_at(tool)("init", "-q")
    clone_at(tool)("add", "--all")
    clone_at(tool)("commit", "-q", "-m", "Add the hook")
    words = [sys.executable, "-m", "pre_commit", "try-repo", str(tool), "kfpipe"]
    environment = {**os.environ, "PRE_COMMIT_HOME": str(folder / "home")}

    def hook() -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    passed = hook()
    assert (passed.returncode, "Passed" in passed.stdout) == (0, True), passed.stdout + passed.stderr
    (folder / "shots.yaml").write_text((HEAD + SHOTS).replace("id: kitten", "id: kitten, tag: x"), "utf-8")
    (folder / "shots.lock.json").write_text(MARKERS, "utf-8")
    git("add", "--all")
    failed = hook()
    assert failed.returncode == 1
    assert "shots.yaml:6:" in failed.stdout and "shots.lock.json" in failed.stdout
