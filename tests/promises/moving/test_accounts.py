"""Another key, another address: the debts of one account are left alone by another, and never paid again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kfpipe.emulator import Emulator
from tests.promises.moving.world import World

KITTEN = "shots:\n- {id: kitten, prompt: A kitten looks up.}\n"
KEYS = {"sk-ours": "ours", "sk-ours-too": "ours", "sk-theirs": "theirs"}
LOST = {"on": "submit", "nth": 1, "do": "hang", "seconds": 60, "when": "after"}

SLOW = pytest.mark.parametrize("world", [{"run_s": 600, "accounts": KEYS}], indirect=True)


@pytest.fixture
def elsewhere() -> Iterator[Emulator]:
    """Another service, which knows nothing of ours."""
    with Emulator(factor=200, film="tiny", enforces_rates=False) as emulator:
        yield emulator


@SLOW
def test_another_key_leaves_a_task_under_way_alone(world: World) -> None:
    world.write(KITTEN)
    world.killed()
    world.key = "sk-theirs"
    world.run(ends=4)
    (step,) = world.plan()["takes"]
    assert step["action"] == "decide"
    assert any("another account" in reason for reason in step["reasons"])
    world.key = "sk-ours"
    world.run()
    world.check(bills=1)


@SLOW
def test_a_new_key_of_the_same_account_is_recognised_by_a_task_of_ours(world: World) -> None:
    world.write(KITTEN)
    world.killed()
    world.key = "sk-ours-too"
    world.run()
    world.check(bills=1)


OURS = pytest.mark.parametrize("world", [{"accounts": KEYS}], indirect=True)


def killed_without_an_answer(world: World) -> None:
    """A run is killed while it waits for an answer that is lost: the task is made, and not on record."""
    world.emulator.script(LOST)
    process = world.start("run", "shots.yaml")
    world.wait_for(lambda: world.emulator.accounts["ours"].tasks(), process)
    process.kill()
    process.communicate()


@OURS
def test_a_lost_answer_is_not_looked_for_in_another_account(world: World) -> None:
    world.write(KITTEN)
    killed_without_an_answer(world)
    world.key = "sk-theirs"
    world.run(ends=4)
    assert not world.emulator.accounts["theirs"].tasks()
    world.key = "sk-ours"
    world.run()
    world.check(bills=1)


@OURS
def test_a_person_can_say_that_it_is_the_same_account(world: World) -> None:
    world.write(KITTEN)
    killed_without_an_answer(world)
    world.key = "sk-ours-too"
    world.run(ends=4)
    world.run("--same-account")
    world.check(bills=1)


@SLOW
def test_another_address_leaves_a_task_under_way_alone(world: World, elsewhere: Emulator) -> None:
    world.write(KITTEN)
    world.killed()
    home, world.emulator = world.emulator, elsewhere
    world.run(ends=4)
    assert not elsewhere.account.tasks()
    world.emulator = home
    world.run()
    world.check(bills=1)


@pytest.mark.parametrize("world", [{"accounts": {"sk-acme": "acme", "sk-ours": "ours"}}], indirect=True)
def test_a_named_account_has_a_key_of_its_own_and_never_the_unnamed_one(world: World) -> None:
    world.write(KITTEN)
    path = world.folder / "shots.yaml"
    path.write_text(path.read_text("utf-8").replace("region: singapore", "region: singapore, account: acme"), "utf-8")
    told = world.run(ends=4)
    assert "DASHSCOPE_API_KEY_ACME" in str(told)
    assert not world.emulator.accounts["ours"].tasks()
    world.variables["DASHSCOPE_API_KEY_ACME"] = "sk-acme"
    world.run()
    assert len(world.emulator.bill("acme").charges) == 1
    (entry,) = world.requests().values()
    assert entry["account"]["name"] == "acme"
    assert "sk-acme" not in (world.folder / "shots.lock.json").read_text("utf-8")


@pytest.mark.parametrize("world", [{"queue_s": 50_000, "accounts": KEYS}], indirect=True)
def test_cancelling_knows_a_new_key_of_the_account_and_leaves_those_of_others_alone(world: World) -> None:
    world.write(KITTEN)
    world.killed()
    world.key = "sk-theirs"
    assert "kitten: left alone: it was asked for with another account" in world.kfpipe("cancel", "shots.yaml", ends=1)
    world.key = "sk-ours-too"
    assert "kitten: canceled" in world.kfpipe("cancel", "shots.yaml")
