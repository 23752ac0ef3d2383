"""kfpipe from Python, by its public names alone: what it agrees to spend, and what it tells."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

import kfpipe
from kfpipe import environment
from kfpipe.errors import ExitCode
from kfpipe.events import Event, RunFinished, RunStarted, TakeRendered, TakeSubmitted
from tests.runner.conftest import DEFAULTS, Studio

PAID = DEFAULTS.replace("{name: emulator}", "{name: dashscope}")
BUDGET = "budget: {max_cost: 1, currency: USD}\n"
TWO = "shots:\n- {id: kitten, prompt: A kitten looks up.}\n- {id: walk, prompt: It walks away.}\n"
COST = Decimal("0.40")


@pytest.fixture(autouse=True)
def account(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests go to the emulator, with a key that it takes."""
    monkeypatch.chdir(studio.folder)
    monkeypatch.setenv(environment.BASE_URL, studio.emulator.base_url)
    monkeypatch.setenv(environment.API_KEY, "sk-anything")


def load() -> kfpipe.Project:
    return kfpipe.load("shots.yaml")


# ---- names -------------------------------------------------------------------------------------------------------


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(kfpipe, name) is not None for name in kfpipe.__all__)
    assert dir(kfpipe) == sorted(kfpipe.__all__)
    with pytest.raises(AttributeError, match="no attribute 'rnu'"):
        kfpipe.rnu  # type: ignore[attr-defined]  # noqa: B018


# ---- money -------------------------------------------------------------------------------------------------------


def test_a_run_that_nobody_has_agreed_to_pay_for_sends_nothing(studio: Studio) -> None:
    studio.write(TWO, PAID)
    with pytest.raises(kfpipe.OverBudget, match=r"would cost 0\.40 USD, but no budget is set"):
        kfpipe.run(load())
    assert studio.billed() == 0


def test_a_run_that_would_cost_more_than_was_agreed_sends_nothing(studio: Studio) -> None:
    studio.write(TWO, f"{PAID}{BUDGET}")
    with pytest.raises(kfpipe.OverBudget, match=r"would cost 0\.40 USD, but the budget is 0\.39 USD"):
        kfpipe.run(load(), max_cost=Decimal("0.39"))
    assert studio.billed() == 0


def test_a_price_that_nobody_knows_is_over_any_budget(studio: Studio) -> None:
    studio.write(TWO, PAID.replace("wan2.7-i2v, duration: 2", "wan2.2-kf2v-flash"))
    with pytest.raises(kfpipe.OverBudget, match="an unknown amount"):
        kfpipe.run(load(), max_cost=Decimal(100))
    assert studio.billed() == 0


@pytest.mark.parametrize(
    ("head", "max_cost"), [(PAID, COST), (f"{PAID}budget: {{max_cost: 1, currency: USD}}\n", None)]
)
def test_what_was_agreed_to_is_rendered(studio: Studio, head: str, max_cost: Decimal | None) -> None:
    studio.write(TWO, head)
    told: list[Event] = []
    finished = kfpipe.run(load(), max_cost=max_cost, emit=told.append)
    assert (finished.rendered, finished.spent, finished.exit_code) == (2, COST, ExitCode.OK)
    assert isinstance(told[0], RunStarted)
    assert told[-1] == finished
    assert studio.billed() == len(kfpipe.records(load())) == 2


def test_a_run_may_be_in_any_thread(studio: Studio) -> None:
    studio.write(TWO)
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(kfpipe.run, load()).result().rendered == 2


# ---- the stream --------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_events_of_a_run_arrive_in_order_and_end_with_its_end(studio: Studio) -> None:
    studio.write(TWO)
    async with kfpipe.running(load()) as events:
        told = [event async for event in events]
    assert isinstance(told[0], RunStarted)
    assert sum(isinstance(event, TakeRendered) for event in told) == 2
    assert isinstance(told[-1], RunFinished)
    assert studio.clips() == {"renders/kitten.mp4", "renders/walk.mp4"}


@pytest.mark.anyio
async def test_a_run_with_nothing_to_do_shows_its_end_all_the_same(studio: Studio) -> None:
    studio.write(TWO)
    await studio.run()
    async with kfpipe.running(load()) as events:
        (end,) = [event async for event in events]
    assert isinstance(end, RunFinished)
    assert (end.kept, end.exit_code) == (2, ExitCode.OK)


@pytest.mark.anyio
async def test_who_stops_listening_loses_nothing_and_pays_nothing_twice(studio: Studio) -> None:
    studio.write(TWO)
    async with kfpipe.running(load()) as events:
        async for event in events:
            if isinstance(event, TakeSubmitted):
                break
    assert not studio.clips()
    finished = await studio.run()
    assert finished.exit_code is ExitCode.OK
    assert studio.billed() == 2


@pytest.mark.anyio
async def test_a_refused_account_is_reported_as_such(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.write(TWO, PAID)
    monkeypatch.setenv(environment.API_KEY, "no-key")
    with pytest.raises(kfpipe.AccountRefused):
        async with kfpipe.running(load(), max_cost=COST) as events:
            _ = [event async for event in events]


@pytest.mark.anyio
async def test_an_error_of_the_listener_is_its_own(studio: Studio) -> None:
    studio.write(TWO)
    with pytest.raises(ZeroDivisionError):
        async with kfpipe.running(load()) as events:
            async for _ in events:
                1 / 0  # noqa: B018
