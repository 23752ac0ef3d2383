"""Small projects that people had, each with the edit that made them pay twice."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.promises.moving.world import World


def edit(world: World, after: str) -> None:
    shutil.copyfile(world.folder / after, world.folder / "shots.yaml")


EDITS: Final = {
    "rename-shot-id": [("after.yaml", 0)],
    "matrix-shrink": [("after.yaml", 0), ("after2.yaml", 0)],
    "matrix-include-priority": [("after.yaml", 0), ("after2.yaml", 0)],
    "sequence-insert-keyframe": [("after.yaml", 1)],
    "presigned-url": [("after.yaml", 0)],
}
"""By project: the manifests after the edit, and how many new clips each asks for."""


@pytest.mark.parametrize(
    ("case", "after", "new"), [(case, *edited) for case, edits in EDITS.items() for edited in edits]
)
def test_an_edit_pays_for_nothing_that_is_on_record(world: World, case: str, after: str, new: int) -> None:
    world.run()
    bills = len(world.emulator.bill().charges)
    edit(world, after)
    actions = list(world.actions().values())
    assert (actions.count("render"), set(actions) <= {"keep", "reuse", "render"}) == (new, True)
    world.run()
    assert len(world.emulator.bill().charges) == bills + new
    assert world.run()["spent"] == "0"


@pytest.mark.parametrize("case", ["matrix-shrink"])
@pytest.mark.parametrize("after", ["after.yaml", "after2.yaml"])
def test_a_pick_goes_along_with_its_clip(world: World, case: str, after: str) -> None:
    world.run()
    world.kfpipe("pick", "shots.yaml", "kitten", "seed=2")
    edit(world, after)
    (take,) = (take for take in world.run()["takes"] if take["in_manifest"])
    assert (take["take"], take["picked"]) == ("kitten", True)


@pytest.mark.parametrize("case", ["killed-then-manifest-renamed"])
def test_the_task_of_a_manifest_that_was_renamed_after_a_kill_comes_home(world: World, case: str) -> None:
    world.emulator.script({"on": "submit", "do": "vanish", "seconds": 400})  # it goes on for two seconds
    world.killed()
    (world.folder / "shots.yaml").rename(world.folder / "film.yaml")
    assert world.actions("film.yaml") == {"kitten": "follow"}
    world.run(manifest="film.yaml")
    world.check(bills=1, manifests=("film.yaml",))


@pytest.mark.parametrize("case", ["csv-multiline-autocrlf"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_line_ends_in_a_table_ask_for_nothing_new(world: World, case: str, ending: bytes) -> None:
    world.run()
    table = world.folder / "list.csv"
    table.write_bytes(table.read_bytes().replace(b"\n", ending))
    assert set(world.actions().values()) == {"keep"}
    assert len(world.emulator.bill().charges) == 2


@pytest.mark.parametrize("case", ["csv-multiline-autocrlf"])
def test_a_clone_with_the_line_ends_of_windows_asks_for_nothing_new(world: World, case: str, tmp_path: Path) -> None:
    world.git("init", "-q")
    world.run()
    (world.folder / ".gitignore").write_text(".kfpipe/\nrenders/\n", "utf-8")
    world.commit()
    world.git("clone", "-q", "-c", "core.autocrlf=true", str(world.folder), str(tmp_path / "clone"))
    shutil.copytree(world.folder / "renders", tmp_path / "clone" / "renders")
    clone = World(folder=tmp_path / "clone", emulator=world.emulator)
    assert b"\r\n" in (clone.folder / "list.csv").read_bytes()
    assert set(clone.actions().values()) == {"keep"}


@pytest.mark.parametrize("case", ["lfs-pointer-clip"])
def test_a_pointer_in_place_of_a_clip_is_known_for_what_it_is(world: World, case: str) -> None:
    world.run()
    lockfile, clip = world.folder / "shots.lock.json", world.folder / "renders/kitten.mp4"
    content = clip.read_bytes()
    (entry,) = world.requests().values()
    expired = lockfile.read_text("utf-8").replace(entry["url_expires_at"], "2020-01-01T00:00:00.000Z")
    lockfile.write_text(expired.replace(entry["video_url"], entry["video_url"].partition("?")[0]), "utf-8")
    (world.folder / ".kfpipe" / "shots.journal").unlink()
    digest = hashlib.sha256(content).hexdigest()
    clip.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n", "utf-8")
    pointer = clip.read_bytes()
    told = world.kfpipe("plan", "shots.yaml") + world.kfpipe("verify", "shots.yaml", ends=1)
    assert told.count("Git LFS pointer") >= 2
    assert "git lfs pull" in told
    assert "--retry" not in told
    world.run(ends=1)
    assert clip.read_bytes() == pointer
    assert not (clip.parent / ".previous").exists()
    store = world.folder / ".git/lfs/objects" / digest[:2] / digest[2:4]
    store.mkdir(parents=True)
    (store / digest).write_bytes(content)
    world.run()
    assert clip.read_bytes() == content
    assert len(world.emulator.bill().charges) == 1
