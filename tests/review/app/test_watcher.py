"""The board keeps up with manifest, records and clips, and outlives what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kfpipe import api
from kfpipe import project as projects
from kfpipe.errors import Refused
from kfpipe.plan.model import UNKNOWN
from kfpipe.review.app.watcher import Watcher
from tests.review.app.conftest import HEAD, SHOTS


def watching(folder: Path) -> Watcher:
    manifest = folder / "shots.yaml"
    return Watcher(manifest, lambda bring: projects.load(manifest, bring=bring), lambda _: UNKNOWN)


@pytest.fixture
def watcher(clips: Path) -> Watcher:
    (clips / "shots.yaml").write_text(HEAD + SHOTS, "utf-8")
    return watching(clips)


def test_nothing_new_is_the_same_value(watcher: Watcher) -> None:
    assert watcher.look() is watcher.look()


def test_a_pick_from_elsewhere_changes_its_shot_alone(watcher: Watcher) -> None:
    before = watcher.look()
    assert api.pick(watcher.project, "kitten", "kitten@seed=2")
    now = watcher.look()
    assert {name for name in now.shots if now.changed[name] > before.revision} == {"kitten"}
    assert [take["is_picked"] for take in now.shots["kitten"]["takes"]] == [False, True, False]
    api.pick(watcher.project, "kitten", None)


def test_a_changed_prompt_shows_the_clip_and_says_what_has_changed(watcher: Watcher, clips: Path) -> None:
    (clips / "shots.yaml").write_text(HEAD + SHOTS.replace("A monster waits", "A monster sleeps"), "utf-8")
    take = watcher.look().shots["monster"]["takes"][0]
    assert take["is_changed"] and take["clip"] and take["action"] == "render" and "prompt" in " ".join(take["reasons"])


def test_a_manifest_that_has_become_invalid_is_told_beside_the_last_good_state(watcher: Watcher, clips: Path) -> None:
    (clips / "shots.yaml").write_text(HEAD + SHOTS.replace("prompt: A monster", "promt: A monster"), "utf-8")
    broken = watcher.look()
    assert "shots.yaml:9:" in broken.problems[0] and "promt" in broken.problems[0] and len(broken.shots) == 3
    (clips / "shots.yaml").write_text(HEAD + SHOTS, "utf-8")
    assert watcher.look().problems == ()


def test_a_manifest_that_is_gone_is_told_and_comes_back(watcher: Watcher, clips: Path) -> None:
    (clips / "shots.yaml").rename(clips / "away.yaml")
    assert "shots.yaml" in watcher.look().problems[0] and len(watcher.look().shots) == 3
    (clips / "away.yaml").rename(clips / "shots.yaml")
    assert watcher.look().problems == ()


UNREADABLE = {
    "of another version": (lambda content: content.replace(b'"kfpipe_lock": 2', b'"kfpipe_lock": 99'), "99"),
    "cut off": (lambda content: content[: len(content) // 2], "this is not JSON"),
    "empty": (lambda _: b"", "shots.lock.json"),
    "torn, one side cut off": (lambda content: _torn(content, content[:300]), "shots.lock.json"),
    "no text": (lambda _: bytes(range(256)), "shots.lock.json"),
}


def _torn(ours: bytes, theirs: bytes) -> bytes:
    """What git leaves where two sides cannot be joined."""
    return b"<<<<<<< HEAD\n" + ours + b"=======\n" + theirs + b">>>>>>> theirs\n"


@pytest.mark.parametrize(("damage", "told"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_lockfile_that_cannot_be_read_is_told_and_begins_nothing(
    watcher: Watcher, clips: Path, damage: Callable[[bytes], bytes], told: str
) -> None:
    lockfile = clips / "shots.lock.json"
    content = lockfile.read_bytes()
    lockfile.write_bytes(damage(content))
    broken = watcher.look()
    assert told in broken.problems[0] and broken.is_stale and len(broken.shots) == 3
    with pytest.raises(Refused):
        api.pick(watcher.project, "kitten", "kitten@seed=2")
    with pytest.raises(Refused):
        watching(clips)
    lockfile.write_bytes(content)
    assert watcher.look().problems == ()


def test_both_sides_of_a_merge_conflict_are_shown_and_a_pick_joins_them(watcher: Watcher, clips: Path) -> None:
    lockfile = clips / "shots.lock.json"
    content = lockfile.read_bytes()
    lockfile.write_bytes(_torn(content, content))
    torn = watcher.look()
    assert "merge conflict" in torn.problems[0] and not torn.is_stale
    assert all(take["clip"] for shot in torn.shots.values() for take in shot["takes"])
    assert api.pick(watcher.project, "kitten", "kitten@seed=2")
    assert watcher.look().problems == () and b"<<<<" not in lockfile.read_bytes()
    lockfile.write_bytes(content)


def test_a_project_of_another_version_is_told_and_begins_nothing(watcher: Watcher, clips: Path) -> None:
    (clips / "shots.yaml").write_text((HEAD + SHOTS).replace("kfpipe: 1", "kfpipe: 2"), "utf-8")
    assert "shots.yaml:1:" in watcher.look().problems[0] and watcher.now.is_stale
    with pytest.raises(Refused):
        watching(clips)
    (clips / "shots.yaml").write_text(HEAD + SHOTS, "utf-8")
    assert watcher.look().problems == ()


def test_a_clip_that_is_gone_is_told_of_its_take(watcher: Watcher, clips: Path) -> None:
    clip = clips / "renders" / "monster.mp4"
    content = clip.read_bytes()
    clip.unlink()
    take = watcher.look().shots["monster"]["takes"][0]
    assert take["clip"] is None and "not where it was put" in take["trouble"]
    clip.write_bytes(content)
    assert watcher.look().shots["monster"]["takes"][0]["clip"]
