"""When a run that has its hands full looks clips over: later."""

from __future__ import annotations

import time

import anyio
import pytest
from anyio.lowlevel import checkpoint

from kfpipe.runner.examiner import time_to_spare

pytestmark = pytest.mark.anyio


async def _toil() -> None:
    """Keep the event loop busy, as much work does."""
    while True:
        time.sleep(0.02)  # noqa: ASYNC251  that is what it is for
        await checkpoint()


async def test_a_clip_waits_while_the_run_has_its_hands_full() -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(_toil)
        with anyio.move_on_after(2.0) as waited:
            await time_to_spare(lambda: False)
        group.cancel_scope.cancel()
    assert waited.cancelled_caught


async def test_a_clip_waits_no_more_when_it_is_all_that_is_left() -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(_toil)
        with anyio.fail_after(2.0):
            await time_to_spare(lambda: True)
        group.cancel_scope.cancel()
