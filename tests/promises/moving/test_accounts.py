"""Another key, another address: the debts of one account are left alone by another, and never paid again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kfpipe.emulator import Emulator
from tests.promises.moving.world import World

KITTEN = "shots:\n- {id: kitten, prompt: A kitten looks up.}\n"
KEYS = {"sk-ours": "ours", "sk-ours-too": "ours", "sk-theirs": "theirs"}
LOST = {"on": "submit", "nth": 1, "do": "drop", "when": "after"}

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


@pytest.mark.parametrize("world", [{"accounts": KEYS}], indirect=True)
def test_a_lost_answer_is_not_looked_for_in_another_account(world: World) -> None:
    world.write(KITTEN)
    world.emulator.script(LOST, {"on": "list", "do": "answer", "status": 503})
    world.variables["KFPIPE_LIST_PATIENCE"] = "60"
    process = world.start("run", "shots.yaml")
    world.wait_for(
        lambda: len(world.emulator.bill("ours").charges) + len(world.emulator.accounts["ours"].tasks()) > 0, process
    )
    process.kill()
    process.communicate()
    world.emulator.forgive()
    del world.variables["KFPIPE_LIST_PATIENCE"]
    world.key = "sk-theirs"
    world.run(ends=4)
    assert not world.emulator.accounts["theirs"].tasks()
    world.key = "sk-ours"
    world.run()
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


@SLOW
def test_a_person_can_say_that_it_is_the_same_account(world: World) -> None:
    world.write(KITTEN)
    world.killed()
    world.key = "sk-theirs"
    world.run("--same-account", ends=None)
    assert world.actions() == {"kitten": "follow"}
    world.key = "sk-ours"
    world.run()
    world.check(bills=1)
