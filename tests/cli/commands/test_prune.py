"""`kfpipe prune`: takes that left the manifest are out of the way, and on record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kfpipe.emulator import Emulator
from kfpipe.lock.lockfile import load, save
from kfpipe.lock.states import Entry, Lock, Rendered, name_of, spent
from kfpipe.media.placement import set_aside
from tests.cli.conftest import HEAD, Call

LOCK = "shots.lock.json"
KITTEN = "shots:\n  - {id: kitten, tags: [hero], prompt: A kitten looks up.}\n"


@pytest.fixture
def left(folder: Path, kfpipe: Call, emulator: Emulator) -> Path:
    """The folder, with two takes rendered, of which the monster has left the manifest since."""
    whole = (folder / "shots.yaml").read_text("utf-8")
    assert kfpipe("run", "shots.yaml").code == 0
    (folder / "whole.yaml").write_text(whole, "utf-8")
    (folder / "shots.yaml").write_text(HEAD + KITTEN, "utf-8")
    return folder


def entry_of(folder: Path, take_id: str) -> Entry:
    (entry,) = (entry for key, entry in load(folder / LOCK).requests.items() if name_of(key) == take_id)
    return entry


def clip_of(folder: Path, take_id: str) -> Path:
    entry = entry_of(folder, take_id)
    assert isinstance(entry, Rendered)
    return folder / entry.render.path


def test_without_yes_takes_are_listed_with_their_cost_and_nothing_moves(left: Path, kfpipe: Call) -> None:
    before = (left / LOCK).read_bytes()
    ended = kfpipe("prune", "shots.yaml")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "take     state         cost  file                 clip",
        "monster  rendered  USD 0.20  renders/monster.mp4  to move",
        "",
        "1 take no longer in the manifest, USD 0.20 on record: 1 clip to set aside",
        "next: kfpipe prune shots.yaml --yes",
    ]
    assert (left / LOCK).read_bytes() == before
    assert (left / "renders/monster.mp4").exists()


def test_with_yes_the_clip_moves_and_the_cost_stays_on_record(left: Path, kfpipe: Call) -> None:
    before, kitten = load(left / LOCK), entry_of(left, "kitten")
    ended = kfpipe("prune", "shots.yaml", "--yes")
    assert ended.code == 0
    assert ended.out.startswith("monster: renders/.previous/monster.")
    assert ended.out.endswith("1 clip set aside; all takes and their costs stay on record\n")
    assert not (left / "renders/monster.mp4").exists()
    assert clip_of(left, "monster").parent == left / "renders/.previous"
    assert kfpipe("verify", "shots.yaml").code == 0
    after = load(left / LOCK)
    assert entry_of(left, "kitten") == kitten
    assert spent(after.requests.values()) == spent(before.requests.values())
    again = kfpipe("prune", "shots.yaml", "--yes", "--json").json
    assert [(take["take"], take["clip"]) for take in again["takes"]] == [("monster", "set aside")]
    assert again["spent"] == {"USD": "0.20"}


def test_a_take_that_comes_back_is_rendered_already(left: Path, kfpipe: Call, emulator: Emulator) -> None:
    kfpipe("prune", "shots.yaml", "--yes")
    (left / "whole.yaml").replace(left / "shots.yaml")
    (step,) = kfpipe("plan", "shots.yaml", "-s", "monster", "--json").json["takes"]
    assert (step["action"], step["cost"]) == ("reuse", "0")
    assert kfpipe("run", "shots.yaml").code == 0
    assert (left / "renders/monster.mp4").is_file()
    assert kfpipe("run", "shots.yaml").out == "nothing to do: 2 takes rendered\n"
    assert len(emulator.bill().charges) == 2


def test_a_clip_with_other_bytes_is_left_alone(left: Path, kfpipe: Call) -> None:
    (left / "renders/monster.mp4").write_bytes(b"somebody's own")
    before = (left / LOCK).read_bytes()
    ended = kfpipe("prune", "shots.yaml", "--yes")
    assert ended.code == 1
    assert ended.out.startswith("monster: renders/monster.mp4 was not moved: not the file on record\n")
    assert (left / "renders/monster.mp4").read_bytes() == b"somebody's own"
    assert (left / LOCK).read_bytes() == before


def test_a_clip_behind_a_link_that_leads_out_of_the_project_is_left_alone(
    left: Path, kfpipe: Call, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (left / "renders/monster.mp4").replace(outside / "monster.mp4")
    (left / "link").symlink_to(outside)
    text = (left / LOCK).read_text("utf-8").replace("renders/monster.mp4", "link/monster.mp4")
    (left / LOCK).write_text(text, "utf-8")
    (left / ".kfpipe/shots.journal").unlink()
    assert kfpipe("prune", "shots.yaml", "--yes").code == 1
    assert (outside / "monster.mp4").exists()


def test_a_clip_that_was_moved_before_a_crash_is_found(left: Path, kfpipe: Call) -> None:
    entry = entry_of(left, "monster")
    assert isinstance(entry, Rendered)
    set_aside(left / entry.render.path, entry.render.sha256)
    assert kfpipe("prune", "shots.yaml", "--yes").code == 0
    assert clip_of(left, "monster").is_file()


def test_a_clip_that_is_gone_changes_nothing(left: Path, kfpipe: Call) -> None:
    (left / "renders/monster.mp4").unlink()
    ended = kfpipe("prune", "shots.yaml", "--yes")
    assert (ended.code, ended.out) == (0, "nothing to set aside; all takes and their costs stay on record\n")


def test_a_file_that_a_take_of_the_manifest_uses_stays(left: Path, kfpipe: Call) -> None:
    kitten, monster = entry_of(left, "kitten"), entry_of(left, "monster")
    assert isinstance(kitten, Rendered) and isinstance(monster, Rendered)
    requests = {"kitten/0000000001": kitten, "older/0000000001": replace(monster, render=kitten.render)}
    save(left / LOCK, Lock(requests=requests))
    (left / ".kfpipe/shots.journal").unlink()
    kfpipe("prune", "shots.yaml", "--yes")
    assert (left / "renders/kitten.mp4").exists()


def test_nothing_to_prune_is_told(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("prune", "shots.yaml").out == "nothing to prune: every take on record is in the manifest\n"
