"""The garbage collector rests for a while, and goes on."""

from __future__ import annotations

import gc

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
