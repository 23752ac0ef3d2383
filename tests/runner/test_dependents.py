"""Who is released when a clip has come home, and who is turned away when it will not come."""

from __future__ import annotations

from kfpipe.plan.model import Step
from kfpipe.runner.dependents import Dependents
from tests.support.makers import step


def names(steps: list[Step]) -> list[str]:
    return [one.take_id for one in steps]


def test_a_take_leaves_when_the_last_clip_it_waits_for_is_here() -> None:
    room = Dependents([step("a"), step("b"), step("c", "a", "b"), step("d", "a")])
    assert names(room.arrived("a")) == ["d"]
    assert names(room.arrived("b")) == ["c"]
    assert names(room.missed("c")) == []


def test_a_clip_that_is_here_already_is_not_waited_for() -> None:
    room = Dependents([step("b"), step("c", "rendered-before", "b")])
    assert names(room.arrived("b")) == ["c"]


def test_a_missing_clip_turns_away_all_that_hang_on_it() -> None:
    room = Dependents([step("a"), step("b", "a"), step("c", "b"), step("d", "a", "e"), step("e")])
    assert sorted(names(room.missed("a"))) == ["b", "c", "d"]
    assert names(room.arrived("e")) == []


def test_nobody_leaves_twice() -> None:
    room = Dependents([step("a"), step("b", "a")])
    assert names(room.missed("a")) == ["b"]
    assert names(room.arrived("a")) == []
    assert names(room.missed("b")) == []
