"""Runs of some takes: what they do, and what they leave alone."""

from __future__ import annotations

import pytest

from kfpipe.errors import ExitCode
from kfpipe.events import TakeAdopted, TakeSubmitted
from kfpipe.lock.states import Rendered, Submitting, task_of
from kfpipe.plan.model import Action
from tests.runner.conftest import Studio

pytestmark = [pytest.mark.anyio, pytest.mark.whole_runs]

TWINS = "shots:\n- {id: cat, prompt: A cat looks up., matrix: {seed: [1, 2]}}\n"


async def test_a_selected_take_is_rendered_and_the_others_are_left_as_they_are(studio: Studio) -> None:
    studio.write(TWINS)
    finished = await studio.run(select="cat@seed=2".__eq__)
    assert (finished.rendered, finished.exit_code, studio.billed()) == (1, ExitCode.OK, 1)
    assert studio.lock.keys() == {"cat@seed=2"}


async def test_a_take_is_never_rendered_because_another_one_continues_from_it(studio: Studio) -> None:
    studio.write(
        "shots:\n- {id: kitten, prompt: A kitten looks up.}\n"
        "- {id: walk, prompt: It walks., first_frame: {render: kitten, frame: last}}\n"
    )
    finished = await studio.run(select="walk".__eq__)
    assert (finished.undecided, finished.exit_code, studio.billed()) == (1, ExitCode.INCOMPLETE, 0)
    assert (await studio.run(select="kitten".__eq__)).exit_code is ExitCode.OK
    assert (await studio.run(select="walk".__eq__)).exit_code is ExitCode.OK
    assert studio.billed() == 2


async def lose_the_answer_for(studio: Studio, take_id: str) -> None:
    """Leave a run while its request for the take is on the wire; the service has taken it."""
    studio.emulator.script({"on": "submit", "nth": 1, "do": "hang", "seconds": 30, "when": "after"})
    await studio.run_until(lambda: bool(studio.emulator.account.tasks()), select=take_id.__eq__)
    assert isinstance(studio.lock[take_id].entry, Submitting)
    studio.emulator.forgive()


async def test_a_take_that_is_rendered_with_a_new_seed_keeps_it(studio: Studio) -> None:
    studio.write("shots:\n- {id: cat, prompt: A cat looks up.}\n")
    await studio.run()
    first = studio.lock["cat"].entry.asked
    assert (await studio.run(rerender="cat", new_seed=True)).exit_code is ExitCode.OK
    second = studio.lock["cat"].entry.asked
    assert (second.reseeds, second.parameters.seed == first.parameters.seed) == (first.fingerprint, False)
    (step,) = studio.plan().steps
    assert (step.action, step.take and step.take.request.parameters.seed) == (Action.KEEP, second.parameters.seed)
    assert ((await studio.run()).kept, studio.billed()) == (1, 2)


async def test_the_tasks_of_twins_are_told_apart_when_only_one_of_them_is_selected(studio: Studio) -> None:
    studio.write(TWINS)
    await lose_the_answer_for(studio, "cat@seed=1")
    studio.emulator.script({"on": "submit", "nth": 1, "do": "drop", "when": "after"})
    assert (await studio.run(select="cat@seed=2".__eq__)).exit_code is ExitCode.OK
    assert (await studio.run()).exit_code is ExitCode.OK
    tasks = {charge.task_id: charge.created for charge in studio.emulator.bill().charges}
    mine = [task_of(studio.lock[take_id].entry) for take_id in ("cat@seed=1", "cat@seed=2")]
    assert [task.task_id for task in mine if task is not None] == sorted(tasks, key=tasks.__getitem__)


async def test_what_is_left_alone_is_followed_by_the_next_whole_run(studio: Studio) -> None:
    studio.write(TWINS)
    await lose_the_answer_for(studio, "cat@seed=1")
    assert (await studio.run(select="cat@seed=2".__eq__)).exit_code is ExitCode.OK
    assert {step.take_id: step.action for step in studio.plan().work} == {"cat@seed=1": Action.ADOPT}
    assert (await studio.run()).exit_code is ExitCode.OK
    assert (len(studio.of(TakeAdopted)), len(studio.of(TakeSubmitted)), studio.billed()) == (1, 0, 2)
    assert all(isinstance(record.entry, Rendered) for record in studio.lock.values())
