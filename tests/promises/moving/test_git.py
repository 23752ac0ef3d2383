"""Git moves the lockfile under a run, or two runs meet in it: nothing is paid twice, and nothing is forgotten."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.promises.moving.world import World

TWO = """\
shots:
- {id: kitten, prompt: A kitten looks up.}
- {id: dog, prompt: A dog looks up., first_frame: frames/c.png}
"""
KITTEN = "shots:\n- {id: kitten, prompt: A kitten looks up.}\n"

pytestmark = pytest.mark.parametrize("world", [{"run_s": 600}], indirect=True)


def test_a_colleagues_lockfile_that_is_pulled_after_a_kill_buries_nothing(world: World, tmp_path: Path) -> None:
    world.write(TWO)
    world.under_git()
    colleague = world.clone(tmp_path / "colleague")
    colleague.run("-s", "dog")
    colleague.commit("Render the dog")
    world.killed(tasks=2)
    world.git("pull", "-q", str(colleague.folder), "main")
    assert world.actions()["kitten"] == "follow"
    world.run(ends=None)
    rendered = {entry["task_id"] for entry in world.requests().values() if entry["state"] == "rendered"}
    assert rendered == {charge.task_id for charge in world.emulator.bill().charges}
    assert "no problems" in world.kfpipe("lock", "check", "shots.yaml")
    assert world.run()["spent"] == "0"


@pytest.mark.parametrize("ours", [True, False], ids=["into ours", "into theirs"])
def test_a_task_under_way_on_one_side_of_a_merge_is_followed_after_it(world: World, tmp_path: Path, ours: bool) -> None:
    world.write(TWO)
    world.under_git()
    colleague = world.clone(tmp_path / "colleague")
    world.run("--detach", "-s", "kitten", ends=None)
    world.commit("Ask for the kitten")
    colleague.run("-s", "dog")
    colleague.commit("Render the dog")
    one, other = (world, colleague) if ours else (colleague, world)
    one.git("pull", "-q", "--no-rebase", "--no-edit", str(other.folder), "main")
    assert "no problems" in one.kfpipe("lock", "check", "shots.yaml")
    assert one.actions()["kitten"] == "follow"
    one.run(ends=None)
    rendered = {entry["task_id"] for entry in one.requests().values() if entry["state"] == "rendered"}
    assert rendered == {charge.task_id for charge in world.emulator.bill().charges}
    assert len(rendered) == 2


def test_branches_that_are_merged_both_ways_have_the_same_bytes(world: World, tmp_path: Path) -> None:
    world.write(TWO)
    world.under_git()
    colleague = world.clone(tmp_path / "colleague")
    world.run("-s", "kitten")
    world.commit("Render the kitten")
    colleague.run("-s", "dog")
    colleague.commit("Render the dog")
    base, ours, theirs = (tmp_path / name for name in ("base.json", "ours.json", "theirs.json"))
    merged = []
    for one, other in ((world, colleague), (colleague, world)):
        base.write_bytes(b"")
        ours.write_bytes((one.folder / "shots.lock.json").read_bytes())
        theirs.write_bytes((other.folder / "shots.lock.json").read_bytes())
        world.kfpipe("lock", "merge", str(base), str(ours), str(theirs))
        merged.append(ours.read_bytes())
    assert merged[0] == merged[1]
    assert len(json.loads(merged[0])["requests"]) == 2


def test_an_older_lockfile_that_is_checked_out_during_a_run_loses_nothing(world: World) -> None:
    world.write(KITTEN)
    world.under_git()
    world.write(TWO)
    process = world.start("run", "shots.yaml")
    world.wait_for(lambda: len(world.emulator.account.tasks()) == 2, process)
    world.git("stash", "-q")
    world.git("checkout", "-q", "main")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    world.git("stash", "pop")
    assert set(world.actions().values()) == {"follow"}
    world.run()
    world.check(bills=2)


def test_a_lockfile_that_was_checked_out_after_a_run_is_joined_with_the_journal(world: World) -> None:
    world.write(KITTEN)
    world.under_git()
    world.run("--detach", ends=None)
    world.commit("Ask for the kitten")
    world.write(TWO)
    world.run()
    world.git("checkout", "-q", "--", "shots.lock.json")
    world.check(bills=2)


def test_an_old_journal_turns_nothing_back(world: World) -> None:
    world.write(KITTEN)
    world.killed()
    journal = world.folder / ".kfpipe" / "shots.journal"
    backup = journal.read_bytes()
    world.run()
    cost = [entry["cost"] for entry in world.requests().values()]
    journal.write_bytes(backup)
    assert world.actions() == {"kitten": "keep"}
    world.run()
    assert [entry["cost"] for entry in world.requests().values()] == cost
    world.check(bills=1)


def test_a_merge_that_git_left_half_done_is_joined_by_one_command(world: World, tmp_path: Path) -> None:
    world.write(TWO)
    world.git("init", "-q")
    (world.folder / ".gitignore").write_text(".kfpipe/\nrenders/\n", "utf-8")
    world.commit("Begin")
    world.git("clone", "-q", str(world.folder), str(tmp_path / "colleague"))
    colleague = World(folder=tmp_path / "colleague", emulator=world.emulator)
    world.run("-s", "kitten")
    world.commit("Render the kitten")
    colleague.run("-s", "dog")
    colleague.commit("Render the dog")
    assert "CONFLICT" in world.git("pull", "-q", "--no-rebase", str(colleague.folder), "main", check=False)
    told = world.kfpipe("plan", "shots.yaml", ends=2)
    assert "kfpipe lock fmt" in told
    world.kfpipe("lock", "fmt", "shots.lock.json")
    assert world.actions() == {"kitten": "keep", "dog": "download"}
    world.run()
    world.check(bills=2)
