"""A service that doubts, delivers something else, re-sends, or shows less than it has: one bill, and nothing lost."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.promises.moving.world import HEAD, World

KITTEN = "shots:\n- {id: kitten, prompt: A kitten looks up.}\n"

SURPRISES = {
    "another shape": ({"width_px": 560, "height_px": 560}, "560x560"),
    "another length": ({"seconds": 4}, "4 s"),
    "another codec": ({"format": "hevc"}, "HEVC"),
    "another container": ({"format": "webm"}, "WebM"),
}


@pytest.mark.parametrize(("film", "remark"), SURPRISES.values(), ids=SURPRISES.keys())
def test_a_whole_clip_that_is_not_as_predicted_is_kept_with_a_remark(
    world: World, film: dict[str, object], remark: str
) -> None:
    world.write(KITTEN)
    world.emulator.script({"on": "submit", "do": "film", **film})
    world.run()
    (entry,) = world.requests().values()
    assert any(remark in told for told in entry["render"]["remarks"])
    assert sum(request["phase"] == "download" for request in world.emulator.requests()) == 1
    world.check(bills=1)


def test_what_is_no_video_is_kept_and_left_to_a_person(world: World) -> None:
    world.write(KITTEN)
    world.emulator.script({"on": "submit", "do": "film", "format": "noise"})
    world.run(ends=1)
    (refused,) = (world.folder / "renders/.refused").iterdir()
    assert refused.stat().st_size > 0
    (step,) = world.plan()["takes"]
    assert step["action"] == "decide"
    assert any(".refused" in reason for reason in step["reasons"])
    assert len(world.emulator.bill().charges) == 1


def test_unknown_for_minutes_is_waited_for(world: World) -> None:
    world.write(KITTEN)
    world.emulator.script({"on": "submit", "do": "vanish", "seconds": 1200})  # six seconds of this clock
    world.run()
    world.check(bills=1)


def test_a_cancel_that_is_confirmed_and_comes_too_late_is_no_cancel(world: World) -> None:
    world.write(KITTEN)
    world.run("--detach", ends=None)
    world.emulator.script({"on": "cancel", "do": "answer", "status": 200})
    world.kfpipe("cancel", "shots.yaml", ends=1)
    world.run()
    world.check(bills=1)


@pytest.mark.parametrize("when", [{"status": 429}, {"status": 408}], ids=["429", "408"])
def test_a_gateways_refusal_after_the_task_was_made_is_looked_up(world: World, when: dict[str, int]) -> None:
    world.write(KITTEN)
    world.emulator.script({"on": "submit", "nth": 1, "do": "answer", "when": "after", **when})
    world.run()
    world.check(bills=1)


def test_a_gateway_that_sends_a_request_twice_is_found_out(world: World) -> None:
    world.write(KITTEN)
    world.emulator.script({"on": "submit", "nth": 1, "do": "resend"})
    world.run(ends=None)
    told = world.kfpipe("reconcile", "shots.yaml", ends=None)
    rendered = {entry["task_id"] for entry in world.requests().values() if entry["state"] == "rendered"}
    others = {charge.task_id for charge in world.emulator.bill().charges} - rendered
    assert len(rendered) == len(others) == 1
    assert others.pop() in told


@pytest.mark.parametrize("pace", [20, 3], ids=["others are sent meanwhile", "others are sent after the loss"])
def test_a_list_that_shows_nothing_proves_nothing(world: World, pace: int) -> None:
    shots = 'shots:\n- {id: kitten, prompt: "Kitten {{ seed }}.", matrix: {seed: [1, 2, 3]}}\n'
    world.write(shots, head=HEAD.replace("submissions_per_second: 20", f"submissions_per_second: {pace}"))
    world.variables["KFPIPE_LIST_PATIENCE"] = "2"
    world.emulator.script(
        {"on": "submit", "nth": 1, "do": "drop", "when": "after"},
        {"on": "list", "do": "blind", "times": 1000},
    )
    world.run(ends=1)
    assert len(world.emulator.account.tasks()) == 3
    world.emulator.forgive()
    world.run()
    world.check(bills=3)


def test_a_list_that_lags_is_read_until_it_shows_the_task(world: World) -> None:
    world.write(KITTEN)
    world.variables["KFPIPE_LIST_PATIENCE"] = "3"
    world.emulator.script(
        {"on": "submit", "nth": 1, "do": "drop", "when": "after"},
        {"on": "submit", "nth": 1, "do": "lag", "seconds": 300},
    )
    world.run()
    world.check(bills=1)


def test_a_strangers_prices_do_not_loosen_a_cap(world: World) -> None:
    head = HEAD.replace("max_cost: 100", "max_cost: 0.01") + "prices: {wan2.7-i2v: {720P: 0.0001, 1080P: 0.0001}}\n"
    world.write(KITTEN, head=head)
    world.run(ends=3)
    assert not world.emulator.account.tasks()


def test_a_cap_on_all_that_is_on_record_holds_over_runs(world: World) -> None:
    price = Decimal("0.10") * 2
    world.write(
        "shots:\n- {id: kitten, prompt: A kitten., matrix: {seed: [1, 2]}}\n",
        head=HEAD.replace("max_cost: 100", f"max_total: {price}"),
    )
    world.run("-s", "*seed=1", ends=None)
    world.run(ends=3)
    assert len(world.emulator.bill().charges) <= 1
