"""What is put on record of a request as it ends: what it cost, and whether that can be known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from kfpipe import environment
from kfpipe.domain import TASK_LOST, TaskStatus
from kfpipe.errors import ExitCode
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.states import Entry, Lost, Submitted, task_of
from kfpipe.provider import TaskReport
from kfpipe.runner.lifecycle import result_by
from tests.runner.conftest import Studio
from tests.support.makers import NOW, asked, key, submitted

REPORT = TaskReport(task_id="task-1", status=TaskStatus.SUCCEEDED, video_url="https://results.example.com/clip.mp4")


@pytest.mark.parametrize(("billed", "cost"), [("4", "0.40"), ("5.5", "0.55"), (None, "0.50")])
def test_a_request_costs_what_the_service_has_billed_not_what_was_ordered(billed: str | None, cost: str) -> None:
    result = result_by(replace(REPORT, billed_seconds=None if billed is None else Decimal(billed)), asked(), NOW)
    assert result.cost == Decimal(cost)
    assert result.billed_seconds == Decimal(billed or 5)


@pytest.mark.anyio
async def test_of_a_task_that_the_service_has_forgotten_nobody_knows_whether_it_was_billed(studio: Studio) -> None:
    found = await after_25_hours(studio)
    assert isinstance(found, Lost)
    assert (found.failure.code, found.failure.billed) == (TASK_LOST, None)


@pytest.mark.anyio
@pytest.mark.parametrize("seconds", [-2 * 3600, None], ids=["its clock is two hours behind", "it does not say"])
async def test_a_task_is_not_lost_by_this_machines_clock(studio: Studio, seconds: int | None) -> None:
    studio.emulator.script({"on": "query", "do": "skew", "seconds": seconds, "times": 100})
    assert isinstance(await after_25_hours(studio), Submitted)


@pytest.mark.anyio
async def test_a_task_is_as_old_as_the_service_says(studio: Studio) -> None:
    studio.emulator.script({"on": "submit", "do": "skew", "seconds": 7200})
    studio.write("shots:\n- {id: kitten, prompt: A kitten looks up.}\n")
    await studio.run()
    task = task_of(studio.lock["kitten"].entry)
    assert task is not None
    assert task.submitted_at - environment.now() > timedelta(hours=1)


async def after_25_hours(studio: Studio) -> Entry:
    """What is on record of a task that the service does not know, a day and an hour after its submission."""
    studio.write("shots:\n- {id: kitten, prompt: A kitten looks up.}\n")
    project = studio.load()
    (take,) = project.takes
    long_ago = environment.now() - timedelta(hours=25)
    entry = submitted(take, region=project.region.name, account=None, asked_at=long_ago)
    with Ledger.open(project.paths, now=environment.now) as ledger:
        await ledger.record(key(), replace(entry, task=replace(entry.task, submitted_at=long_ago)))
    assert (await studio.run()).exit_code is ExitCode.INCOMPLETE
    return studio.lock["kitten"].entry


@pytest.mark.parametrize(
    ("model", "days"),
    [("wan2.7-i2v", 1), ("kling/kling-v3-video-generation", 30), ("pixverse/pixverse-v6-kf2v", 3650), ("gone", 1)],
)
def test_a_link_without_an_end_of_its_own_lasts_as_the_pages_of_its_model_say(model: str, days: int) -> None:
    assert result_by(REPORT, replace(asked(), model=model), NOW).url_expires_at == NOW + timedelta(days=days)
