"""`kfpipe cancel`: what waits is called off for nothing, what runs is left to the next run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from kfpipe import api
from kfpipe.emulator import Emulator
from kfpipe.events import Event, TakeSubmitted
from kfpipe.plan.model import Plan
from tests.cli.conftest import HEAD, SHOTS, Call

Serve = Callable[..., Emulator]


@pytest.fixture
def serve(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """`serve(queue_s=..., run_s=...)`: an emulator in real time, where runs go."""
    started: list[Emulator] = []

    def start(**pace: float) -> Emulator:
        emulator = Emulator(factor=1, film="tiny", enforces_rates=False, **pace)
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.__enter__().base_url)
        started.append(emulator)
        return emulator

    yield start
    for emulator in started:
        emulator.__exit__(None, None, None)


@contextmanager
def run_broken_off(folder: Path) -> Iterator[Plan]:
    """A run that ends as soon as all of its takes are submitted."""
    submitted: list[Event] = []

    async def run() -> None:
        def stop(event: Event) -> None:
            submitted.extend([event] if isinstance(event, TakeSubmitted) else [])
            if len(submitted) == len(plan.work):
                scope.cancel()

        with anyio.CancelScope() as scope:
            await session.run_async(plan, cap=None, emit=stop)

    with api.session(api.load(folder / "shots.yaml")) as session:
        plan = session.plan()
        anyio.run(run)
        yield plan


def leave_tasks(folder: Path) -> None:
    with run_broken_off(folder):
        pass


def test_what_waits_is_canceled_and_not_billed(folder: Path, kfpipe: Call, serve: Serve) -> None:
    emulator = serve(queue_s=3600, run_s=60)
    leave_tasks(folder)
    ended = kfpipe("cancel", "shots.yaml")
    assert ended.code == 0
    *takes, total, hint = ended.out.splitlines()
    assert [line.partition(" (")[0] for line in sorted(takes)] == ["kitten: canceled", "monster: canceled"]
    assert total == "2 tasks: 2 canceled"
    assert (
        hint == "  canceled tasks are not billed; the next run renders their takes, if they are still in the manifest"
    )
    emulator.clock.advance(7200)
    assert emulator.bill().charges == ()
    plan = kfpipe("plan", "shots.yaml", "--json").json
    assert {step["action"] for step in plan["takes"]} == {"render"}


def test_only_the_takes_that_are_named_are_canceled(folder: Path, kfpipe: Call, serve: Serve) -> None:
    serve(queue_s=3600, run_s=60)
    leave_tasks(folder)
    data = kfpipe("cancel", "shots.yaml", "-s", "tag:hero", "--json").json
    assert [(take["take"], take["outcome"]) for take in data["takes"]] == [("kitten", "canceled")]
    assert (data["unsettled"], data["exit_code"]) == ([], 0)
    states = {take["take"]: take["state"] for take in kfpipe("status", "shots.yaml", "--json").json["takes"]}
    assert states == {"kitten": "canceled", "monster": "submitted"}


def test_what_has_begun_keeps_rendering_and_the_next_run_downloads_it(folder: Path, kfpipe: Call, serve: Serve) -> None:
    emulator = serve(queue_s=0, run_s=3600)
    leave_tasks(folder)
    ended = kfpipe("cancel", "shots.yaml")
    assert ended.code == 1
    assert "kitten: already rendering; it will be billed (task " in ended.out
    assert ended.out.splitlines()[-2:] == [
        "2 tasks: 2 already rendering",
        "to get the clips of tasks that were not canceled: kfpipe run shots.yaml",
    ]
    emulator.clock.advance(3600)
    while "already rendering" in (ended := kfpipe("cancel", "shots.yaml")).out:
        continue  # the emulator still draws the clips
    assert (ended.code, ended.out.splitlines()[-2]) == (1, "2 tasks: 2 already finished")
    assert "monster: already finished (task " in ended.out
    assert kfpipe("run", "shots.yaml").code == 0
    assert len(emulator.bill().charges) == 2


def test_a_lost_answer_to_a_cancellation_is_asked_for_again(folder: Path, kfpipe: Call, serve: Serve) -> None:
    emulator = serve(queue_s=3600, run_s=60)
    leave_tasks(folder)
    emulator.script({"on": "cancel", "nth": 1, "do": "drop", "when": "after"})
    ended = kfpipe("cancel", "shots.yaml")
    assert (ended.code, ended.out.splitlines()[2]) == (0, "2 tasks: 2 canceled")


def test_a_take_that_left_the_manifest_is_canceled_too(folder: Path, kfpipe: Call, serve: Serve) -> None:
    serve(queue_s=3600, run_s=60)
    leave_tasks(folder)
    (folder / "shots.yaml").write_text(HEAD + SHOTS[: SHOTS.index("  - {id: monster")], "utf-8")
    assert kfpipe("cancel", "shots.yaml").out.count(": canceled (task ") == 2


def test_without_a_task_under_way_there_is_nothing_to_cancel(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    assert kfpipe("run", "shots.yaml").code == 0
    asked = len(emulator.requests())
    ended = kfpipe("cancel", "shots.yaml")
    assert (ended.code, ended.out) == (0, "nothing to cancel: no task is under way\n")
    assert len(emulator.requests()) == asked


def test_a_take_whose_task_nobody_knows_is_left_to_reconcile(twins: Path, kfpipe: Call) -> None:
    ended = kfpipe("cancel", "shots.yaml")
    assert ended.code == 1
    assert ended.out.splitlines()[1:] == [
        "cat@seed=1: the service's answer was lost, so its task is unknown",
        "cat@seed=2: the service's answer was lost, so its task is unknown",
        "to settle this: kfpipe reconcile shots.yaml",
    ]


def test_while_a_run_is_on_it_is_named_and_nothing_is_sent(folder: Path, kfpipe: Call, serve: Serve) -> None:
    emulator = serve(queue_s=3600, run_s=60)
    with run_broken_off(folder):
        asked = len(emulator.requests())
        ended = kfpipe("cancel", "shots.yaml")
        assert len(emulator.requests()) == asked
    assert ended.code == 2
    assert ended.err.startswith("shots.lock.json: another run is in progress: host ")
