"""Runs that leave their tasks at the service."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest

from kfpipe.emulator import Emulator
from kfpipe.errors import ExitCode
from kfpipe.events import RunFinished, TakeSubmitted
from kfpipe.lock.states import Rendered, Submitted
from tests.runner.conftest import Studio

pytestmark = [pytest.mark.anyio, pytest.mark.whole_runs]

SIX = "shots:\n- {id: cat, prompt: A cat looks up., matrix: {seed: [1, 2, 3, 4, 5, 6]}}\n"
TWO = "shots:\n- {id: cat, prompt: A cat looks up.}\n- {id: dog, prompt: A dog looks up.}\n"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Renders that take an hour."""
    with Emulator(factor=1, queue_s=0, run_s=3600, film="tiny", enforces_rates=False) as running:
        yield running


async def rendered_detached(studio: Studio, count: int) -> RunFinished:
    """The detached run that has downloaded the last of `count` clips; the emulator may still draw them."""
    rendered = 0
    while True:
        finished = await studio.run(detach=True)
        rendered += finished.rendered
        if rendered == count:
            return finished


async def test_a_detached_run_submits_all_that_is_due_and_a_later_one_follows(studio: Studio) -> None:
    studio.write(TWO)
    finished = await studio.run(detach=True)
    assert (finished.under_way, finished.unfinished, finished.spent) == (2, 0, 0)
    assert finished.exit_code is ExitCode.OK
    assert {type(record.entry) for record in studio.lock.values()} == {Submitted}
    studio.emulator.clock.advance(3600)
    assert (await studio.run()).rendered == 2
    assert (studio.of(TakeSubmitted), studio.billed()) == ([], 2)


async def test_a_detached_run_takes_no_more_places_than_there_are(studio: Studio) -> None:
    studio.write(SIX)
    for _ in range(2):
        finished = await studio.run(detach=True)
        assert (finished.under_way, finished.unfinished, finished.exit_code) == (4, 2, ExitCode.INCOMPLETE)
    studio.emulator.clock.advance(3600)
    await rendered_detached(studio, 4)
    finished = await studio.run(detach=True)
    assert (finished.kept, finished.under_way, finished.exit_code) == (4, 2, ExitCode.OK)
    studio.emulator.clock.advance(3600)
    await rendered_detached(studio, 2)
    assert studio.billed() == 6


async def test_what_continues_from_a_clip_is_left_for_a_run_that_has_it(studio: Studio) -> None:
    studio.write(f"{TWO}- {{id: walk, prompt: It walks., first_frame: {{render: cat, frame: last}}}}\n")
    finished = await studio.run(detach=True)
    assert (finished.under_way, finished.unfinished, finished.exit_code) == (2, 1, ExitCode.INCOMPLETE)


async def test_a_take_that_has_changed_under_way_is_asked_for_at_once_and_its_old_task_stays_a_debt(
    studio: Studio,
) -> None:
    studio.write(TWO)
    await studio.run(detach=True)
    (old,) = studio.keys("dog")
    studio.write(TWO.replace("A dog looks up", "A dog sleeps"))
    finished = await studio.run(detach=True)
    assert (finished.under_way, finished.unfinished, finished.exit_code) == (3, 0, ExitCode.OK)
    assert [event.take_id for event in studio.of(TakeSubmitted)] == ["dog"]
    studio.emulator.clock.advance(3600)
    await rendered_detached(studio, 3)
    aside = f"renders/.previous/{old.replace('/', '.')}.mp4"
    assert (studio.clips(), studio.billed()) == ({"renders/cat.mp4", "renders/dog.mp4", aside}, 3)
    assert all(isinstance(entry, Rendered) for entry in studio.ledger.requests.values())


async def test_a_task_that_may_be_the_own_one_is_not_waited_for(studio: Studio) -> None:
    studio.write(TWO)
    studio.emulator.script({"on": "submit", "nth": 1, "do": "drop", "when": "after"})
    for _ in range(2):
        with anyio.fail_after(30):
            finished = await studio.run(detach=True)
        assert (finished.under_way, finished.unfinished, finished.exit_code) == (2, 0, ExitCode.OK)
    studio.emulator.clock.advance(3600)
    await rendered_detached(studio, 2)
    assert studio.billed() == 2


async def test_an_answer_that_is_lost_is_looked_for_before_the_run_leaves(studio: Studio) -> None:
    studio.write(TWO)
    studio.emulator.script({"on": "submit", "nth": 1, "do": "drop", "when": "before"})
    finished = await studio.run(detach=True)
    assert (finished.under_way, finished.exit_code) == (2, ExitCode.OK)
    studio.emulator.clock.advance(3600)
    await rendered_detached(studio, 2)
    assert studio.billed() == 2
