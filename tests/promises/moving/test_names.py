"""Names are labels: whatever takes, manifests and files are called, the same request is paid for once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.moving.world import HEAD, World

KITTEN = "shots:\n- {id: kitten, prompt: A kitten looks up.}\n"
GRID = "shots:\n- {id: kitten, prompt: 'A {{ sky }} sky.', matrix: {%s}}\n"

RENAMED = {
    "a shot": (KITTEN, KITTEN.replace("kitten,", "cat,"), 1),
    "two axes that change places": (
        GRID % "seed: [1, 2], sky: [red, blue]",
        GRID % "sky: [red, blue], seed: [1, 2]",
        4,
    ),
    "a seed that becomes an axis": (
        "shots:\n- {id: kitten, prompt: A kitten., seed: 42}\n",
        "shots:\n- {id: kitten, prompt: A kitten., matrix: {seed: [42]}}\n",
        1,
    ),
    "an axis that becomes a seed": (
        "shots:\n- {id: kitten, prompt: A kitten., matrix: {seed: [1, 2]}}\n",
        "shots:\n- {id: kitten, prompt: A kitten., seed: 2}\n",
        2,
    ),
    "a shot without a seed": (
        "shots:\n- {id: kitten, prompt: A kitten.}\n- {id: dog, prompt: A dog.}\n",
        "shots:\n- {id: dog2, prompt: A dog.}\n- {id: kitten2, prompt: A kitten.}\n",
        2,
    ),
    "two shots that change names": (
        "shots:\n- {id: kitten, prompt: A kitten.}\n- {id: dog, prompt: A dog.}\n",
        "shots:\n- {id: dog, prompt: A kitten.}\n- {id: kitten, prompt: A dog.}\n",
        2,
    ),
}


@pytest.mark.parametrize(("before", "after", "bills"), RENAMED.values(), ids=RENAMED.keys())
def test_a_new_name_is_no_new_request(world: World, before: str, after: str, bills: int) -> None:
    world.write(before)
    world.run()
    world.write(after)
    assert set(world.actions().values()) <= {"keep", "reuse"}
    moved = [step for step in world.plan()["takes"] if step["action"] == "reuse"]
    assert all(any("on record as" in reason for reason in step["reasons"]) for step in moved)
    world.run()
    world.check(bills=bills)


def test_a_keyframe_in_front_asks_for_one_clip_more(world: World) -> None:
    road = "sequences:\n- id: road\n  keyframes: [%s]\n  prompt: The road goes on.\n"
    head = HEAD.replace(", first_frame: frames/a.png, last_frame: frames/b.png", "")
    frames = [f"frames/{name}.png" for name in "abcd"]
    world.write(road % ", ".join(frames[1:]), head=head)
    world.run()
    world.write(road % ", ".join(frames), head=head)
    assert sorted(world.actions().values()) == ["render", "reuse", "reuse"]
    world.run()
    world.check(bills=3)


def test_a_scene_that_ran_alone_is_not_paid_again_through_an_include(world: World) -> None:
    world.write(KITTEN, "harbour.yaml")
    world.run(manifest="harbour.yaml")
    world.write("include: [harbour.yaml]\nshots:\n- {id: street, prompt: Lamps.}\n", "film.yaml")
    plan = {step["take"]: step for step in world.plan("film.yaml")["takes"]}
    (kitten,) = (step for take, step in plan.items() if take != "street")
    assert kitten["action"] == "reuse"
    assert any("harbour.lock.json" in reason for reason in kitten["reasons"])
    world.run(manifest="film.yaml")
    world.check(bills=2, manifests=("film.yaml", "harbour.yaml"))


def test_a_manifest_with_a_new_name_finds_what_it_has_paid_for(world: World) -> None:
    world.write(KITTEN)
    world.run()
    (world.folder / "shots.yaml").rename(world.folder / "film.yaml")
    (step,) = world.plan("film.yaml")["takes"]
    assert step["action"] == "reuse"
    assert any("shots.lock.json" in reason for reason in step["reasons"])
    world.run(manifest="film.yaml")
    world.check(bills=1, manifests=("film.yaml",))


@pytest.mark.parametrize("world", [{"run_s": 400}], indirect=True)
def test_the_task_of_a_killed_run_is_followed_under_the_manifests_new_name(world: World) -> None:
    world.write(KITTEN)
    world.killed()
    (world.folder / "shots.yaml").rename(world.folder / "film.yaml")
    assert world.actions("film.yaml") == {"kitten": "follow"}
    world.run(manifest="film.yaml")
    world.check(bills=1, manifests=("film.yaml",))


@pytest.mark.parametrize("world", [{"run_s": 400}], indirect=True)
def test_the_task_of_a_shot_that_was_renamed_meanwhile_is_followed(world: World) -> None:
    world.write(KITTEN)
    world.killed()
    world.write(KITTEN.replace("kitten,", "cat,"))
    assert world.actions() == {"cat": "follow"}
    world.run()
    world.check(bills=1)


@pytest.mark.parametrize("world", [{"run_s": 400}], indirect=True)
def test_the_task_of_a_prompt_that_was_changed_meanwhile_is_brought_home(world: World) -> None:
    world.write(KITTEN)
    world.killed()
    world.write(KITTEN.replace("looks up", "looks down"))
    plan = world.plan()
    assert [(step["take"], step["action"]) for step in plan["takes"]] == [("kitten", "render")]
    assert [(debt["take"], debt["action"]) for debt in plan["debts"]] == [("kitten", "follow")]
    world.run()
    world.check(bills=2)


def test_two_takes_of_one_request_are_paid_for_once(world: World) -> None:
    world.write("shots:\n- {id: one, prompt: A kitten., seed: 7}\n- {id: two, prompt: A kitten., seed: 7}\n")
    world.run()
    clips = [Path(world.folder, "renders", f"{name}.mp4").read_bytes() for name in ("one", "two")]
    assert clips[0] == clips[1]
    world.check(bills=1)


def test_a_clip_that_was_moved_by_hand_is_brought_back(world: World) -> None:
    world.write(KITTEN)
    world.run()
    (world.folder / "renders/best").mkdir()
    (world.folder / "renders/kitten.mp4").rename(world.folder / "renders/best/the one.mp4")
    assert world.actions() == {"kitten": "reuse"}
    world.run()
    world.check(bills=1)


def test_another_output_folder_gets_the_clips_that_are_here(world: World) -> None:
    world.write(KITTEN)
    world.run()
    world.write(KITTEN, head=HEAD + "output: {dir: clips}\n")
    assert world.actions() == {"kitten": "reuse"}
    world.run()
    world.check(bills=1)
