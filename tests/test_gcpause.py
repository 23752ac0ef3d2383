"""The garbage collector rests for a while, and goes on."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from kfpipe import gcpause


@gcpause.paused()
def rests(trouble: Exception | None = None) -> bool:
    if trouble is not None:
        raise trouble
    return not gc.isenabled()


def test_the_collector_rests_for_as_long_as_the_function_lasts() -> None:
    assert rests()
    assert gc.isenabled()


def test_the_collector_continues_after_an_error() -> None:
    with pytest.raises(ValueError, match="broken"):
        rests(ValueError("broken"))
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        assert rests()
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.fixture
def thawed() -> Iterator[None]:
    """A process in which nothing is frozen yet; the tests have frozen what they begin with."""
    had = gc.get_freeze_count()
    gc.unfreeze()
    yield
    gc.unfreeze()
    if had:
        gc.freeze()


@pytest.mark.usefixtures("thawed")
def test_what_was_made_meanwhile_is_long_lived_and_can_still_be_collected() -> None:
    with gcpause.paused():
        cycle: list[object] = []
        cycle.append(cycle)
        many = [[] for _ in range(gcpause.MUCH + 1)]  # type: ignore[var-annotated]
    assert many
    assert any(held is cycle for held in gc.get_objects(generation=2))
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("thawed")
def test_what_the_host_has_frozen_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    with gcpause.paused():
        many = [[] for _ in range(gcpause.MUCH + 1)]  # type: ignore[var-annotated]
    assert many
    assert gc.get_freeze_count() == frozen > 0
