"""Wall clocks that jump, between runs and in the middle of one: nothing is paid for twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from kfpipe import environment
from kfpipe.errors import ExitCode
from kfpipe.events import Event, TakeSubmitted, TakeSucceeded
from kfpipe.lock.states import Succeeded
from kfpipe.plan.model import Action
from tests.promises.faults import hurry
from tests.runner.conftest import Studio, emulator, studio

__all__ = ["emulator", "studio"]

pytestmark = pytest.mark.anyio

FOUR = "shots:\n- {id: kitten, prompt: A kitten looks up., matrix: {seed: [1, 2, 3]}}\n- {id: street, prompt: Lamps.}\n"
AN_HOUR_BACK, A_DAY_AHEAD = timedelta(hours=-1), timedelta(days=1)
JUMPS = pytest.mark.parametrize("jump", [AN_HOUR_BACK, A_DAY_AHEAD], ids=["an hour back", "a day ahead"])
LOST_ANSWER = {"on": "submit", "nth": 2, "do": "hang", "seconds": 30, "when": "after"}


class WallClock:
    """The time of day, which is `wrong` by so much."""

    wrong = timedelta(0)

    def __call__(self) -> datetime:
        now = datetime.now(UTC) + self.wrong
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


@pytest.fixture
def anyio_backend() -> str:
    """One event loop is enough: neither asks the clock on the wall."""
    return "asyncio"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """The clock on the wall of everything that runs here; the service has its own."""
    clock = WallClock()
    monkeypatch.setattr(environment, "now", clock)
    return clock


def check_that_each_take_was_paid_once(studio: Studio) -> None:
    assert (studio.billed(), len(studio.clips())) == (4, 4)
    assert not studio.plan().work


@JUMPS
async def test_a_clock_that_jumps_between_runs_costs_nothing(studio: Studio, clock: WallClock, jump: timedelta) -> None:
    studio.write(FOUR)
    submitted = 0

    def stop_after_two(event: Event) -> None:
        nonlocal submitted
        submitted += isinstance(event, TakeSubmitted)
        if submitted == 2:
            scope.cancel()

    with anyio.CancelScope() as scope:
        await studio.run(emit=stop_after_two)
    clock.wrong = jump
    assert (await studio.run()).exit_code is ExitCode.OK
    check_that_each_take_was_paid_once(studio)


@JUMPS
async def test_a_clock_that_jumps_during_a_run_costs_nothing(studio: Studio, clock: WallClock, jump: timedelta) -> None:
    studio.write(FOUR)

    def jump_at_the_first_task(event: Event) -> None:
        if isinstance(event, TakeSubmitted):
            clock.wrong = jump

    assert (await studio.run(emit=jump_at_the_first_task)).exit_code is ExitCode.OK
    check_that_each_take_was_paid_once(studio)


@JUMPS
async def test_an_intent_without_an_answer_is_adopted_by_whatever_clock(
    studio: Studio, clock: WallClock, jump: timedelta
) -> None:
    studio.write(FOUR)
    studio.emulator.script(LOST_ANSWER)
    with anyio.move_on_after(1.0):
        await studio.run()
    clock.wrong = jump
    assert (await studio.run()).exit_code is ExitCode.OK
    check_that_each_take_was_paid_once(studio)


@pytest.mark.parametrize("wrong", [AN_HOUR_BACK, A_DAY_AHEAD], ids=["an hour late", "a day early"])
async def test_an_intent_written_by_a_wrong_clock_is_adopted(
    studio: Studio, clock: WallClock, wrong: timedelta
) -> None:
    studio.write(FOUR)
    studio.emulator.script(LOST_ANSWER)
    clock.wrong = wrong
    with anyio.move_on_after(1.0):
        await studio.run()
    clock.wrong = timedelta(0)
    assert (await studio.run()).exit_code is ExitCode.OK
    check_that_each_take_was_paid_once(studio)


async def test_a_link_that_is_dead_by_this_clock_alone_is_tried_all_the_same(studio: Studio, clock: WallClock) -> None:
    studio.write(FOUR)
    with anyio.CancelScope() as scope:
        await studio.run(emit=lambda event: scope.cancel() if isinstance(event, TakeSucceeded) else None)
    assert any(isinstance(record.entry, Succeeded) for record in studio.lock.values())
    clock.wrong = timedelta(days=2)
    assert (await studio.run()).exit_code is ExitCode.OK
    check_that_each_take_was_paid_once(studio)


@pytest.mark.parametrize("anyio_backend", [hurry.backend_of("asyncio")], ids=["asyncio"])
async def test_a_link_that_its_own_host_calls_dead_after_its_time_is_left_to_a_person(
    studio: Studio, clock: WallClock
) -> None:
    studio.submit_timeout_s = 60.0
    studio.write(FOUR)
    with anyio.CancelScope() as scope:
        await studio.run(emit=lambda event: scope.cancel() if isinstance(event, TakeSucceeded) else None)
    paid = next(take_id for take_id, record in studio.lock.items() if isinstance(record.entry, Succeeded))
    studio.emulator.script({"on": "download", "do": "expire"})
    clock.wrong = timedelta(days=2)
    assert (await studio.run()).exit_code is ExitCode.INCOMPLETE
    assert paid in [step.take_id for step in studio.plan().undecided]
    assert not [step for step in studio.plan().steps if step.action is Action.RENDER]
