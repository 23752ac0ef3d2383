"""kfpipe from Python, by its public names alone: what it agrees to spend, and what it tells."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
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
THREE = (
    "shots:\n"
    "- {id: kitten, tags: [hero], prompt: A kitten looks up.}\n"
    "- {id: walk, tags: [hero], prompt: It walks away.}\n"
    "- {id: roof, prompt: Lamps light up.}\n"
)


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


# ---- consent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "max_cost", "answer"),
    [
        (PAID, None, kfpipe.Withheld(cap=COST)),
        (PAID, Decimal("0.39"), kfpipe.Withheld(cap=COST)),
        (PAID, COST, kfpipe.Granted(cap=COST)),
        (f"{PAID}{BUDGET}", None, kfpipe.Granted(cap=Decimal(1))),
        (f"{PAID}{BUDGET}", Decimal("0.39"), kfpipe.Withheld(cap=COST)),
        (PAID.replace("wan2.7-i2v, duration: 2", "wan2.2-kf2v-flash"), Decimal(100), kfpipe.Withheld(cap=None)),
        (DEFAULTS, Decimal("0.39"), kfpipe.Withheld(cap=COST)),
    ],
)
def test_consent_says_beforehand_what_a_run_does(
    studio: Studio, head: str, max_cost: Decimal | None, answer: kfpipe.Granted | kfpipe.Withheld
) -> None:
    studio.write(TWO, head)
    project = load()
    assert kfpipe.consent(project, kfpipe.plan(project), max_cost=max_cost) == answer
    if isinstance(answer, kfpipe.Granted):
        assert kfpipe.run(project, max_cost=max_cost).spent == COST
    else:
        with pytest.raises(kfpipe.OverBudget):
            kfpipe.run(project, max_cost=max_cost)
    assert studio.billed() == (2 if isinstance(answer, kfpipe.Granted) else 0)


def test_the_emulator_needs_no_consent_and_neither_does_what_is_done(studio: Studio) -> None:
    studio.write(TWO)
    assert kfpipe.consent(load(), kfpipe.plan(load())) == kfpipe.Granted(cap=None)
    studio.write(TWO, PAID)
    kfpipe.run(load(), max_cost=COST)
    assert kfpipe.consent(load(), kfpipe.plan(load())) == kfpipe.Granted(cap=Decimal(0))


# ---- some takes --------------------------------------------------------------------------------------------------


def test_takes_are_selected_by_tag_less_what_is_left_out(studio: Studio) -> None:
    studio.write(THREE)
    assert kfpipe.select(load(), "tag:hero", "!walk") == ("kitten",)
    assert kfpipe.select(load(), "!kitten") == ("walk", "roof")
    assert kfpipe.select(load(), "roof", "kitten") == ("kitten", "roof")
    finished = kfpipe.run(load(), select=("tag:hero", "!walk"))
    assert (finished.rendered, studio.billed(), set(kfpipe.records(load()))) == (1, 1, {"kitten"})
    assert kfpipe.select(load(), "state:rendered") == ("kitten",)
    assert not kfpipe.plan(load(), select=()).steps
    assert kfpipe.run(load(), select="!kitten").rendered == 2
    assert studio.billed() == 3


def test_a_take_that_has_left_the_manifest_is_selected_after_the_others(studio: Studio) -> None:
    studio.write(THREE)
    kfpipe.run(load(), select="kitten")
    studio.write(THREE.replace("id: kitten", "id: cat").replace("looks up", "looks down"))
    assert kfpipe.select(load(), "kitten", "roof") == ("roof", "kitten")


@pytest.mark.parametrize("selection", ["tag:hero", ["tag:hero"], ("kitten", "walk"), lambda take_id: take_id != "roof"])
def test_a_selection_is_a_selector_or_several_or_a_function(studio: Studio, selection: Any) -> None:
    studio.write(THREE)
    assert [step.take_id for step in kfpipe.plan(load(), select=selection).steps] == ["kitten", "walk"]
    kfpipe.run(load())
    again = kfpipe.plan(load(), rerender=selection)
    assert [step.take_id for step in again.work] == ["kitten", "walk"]
    assert kfpipe.run(load(), rerender=selection).rendered == 2
    assert studio.billed() == 5
    assert {one.take_id for one in kfpipe.verify(load(), select=selection)} == {"kitten", "walk"}


def test_a_take_is_picked_while_a_session_is_open(studio: Studio) -> None:
    studio.write(THREE)
    kfpipe.run(load())
    with kfpipe.session(load()):
        assert kfpipe.pick(load(), "kitten", "kitten")
        assert not kfpipe.pick(load(), "kitten", "kitten")
    assert kfpipe.records(load())["kitten"].picked
    assert kfpipe.pick(load(), "kitten", None)
    with pytest.raises(kfpipe.Refused):
        kfpipe.pick(load(), "kitten", "no such take")


def test_what_failed_is_tried_again_by_its_state(studio: Studio) -> None:
    studio.write(THREE)
    studio.emulator.script({"on": "submit", "prompt_contains": "Lamps", "do": "fail", "code": "DataInspectionFailed"})
    assert kfpipe.run(load()).failed == 1
    studio.emulator.forgive()
    assert kfpipe.run(load()).undecided == 1
    assert kfpipe.run(load(), retry="state:failed").rendered == 1
    assert studio.billed() == 3


def test_a_selector_that_names_nothing_is_refused(studio: Studio) -> None:
    studio.write(THREE)
    for unknown in ("kitteh", "tag:heros", "colour:red", "!kitteh"):
        with pytest.raises(kfpipe.Refused) as refused:
            kfpipe.select(load(), unknown)
        assert len(refused.value.problems) == 1
        for option in ("select", "retry", "rerender"):
            with pytest.raises(kfpipe.Refused):
                kfpipe.run(load(), **{option: unknown})  # type: ignore[arg-type]
    with pytest.raises(kfpipe.Refused, match="kitteh"):
        kfpipe.select(load(), "kitteh")
    assert studio.billed() == 0


# ---- in a notebook -----------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_on_an_event_loop_a_run_is_awaited(studio: Studio) -> None:
    studio.write(TWO)
    heard: list[Event] = []
    assert (await kfpipe.arun(load(), select="kitten", emit=heard.append)).rendered == 1
    assert isinstance(heard[-1], RunFinished)
    with pytest.raises(RuntimeError, match=r"await kfpipe\.arun\(\.\.\.\)"):
        kfpipe.run(load())
    with kfpipe.session(load()) as session, pytest.raises(kfpipe.KfpipeError, match=r"await session\.run_async"):
        session.run(session.plan(), cap=None, emit=heard.append)
    assert studio.billed() == 1


def test_tables_in_a_notebook_are_text_whatever_a_manifest_says(studio: Studio) -> None:
    studio.write(TWO)
    kfpipe.run(load())
    records = kfpipe.records(load())._repr_html_()
    assert records.count("<tr>") == 3 and "<td>kitten</td><td>rendered</td>" in records
    assert "<td>0.20 USD</td><td>renders/kitten.mp4</td>" in records
    studio.write(TWO.replace("looks up", "<img src=x onerror=alert(1)> looks up"))
    plan = kfpipe.plan(load())._repr_html_()
    assert "<img" not in plan and "&lt;img src=x" in plan
    assert "<td>walk</td><td>keep</td>" in plan


# ---- handing over ------------------------------------------------------------------------------------------------


def test_a_page_a_list_and_a_film_are_written_from_python(studio: Studio) -> None:
    studio.write(TWO + "film: {size: 64x36}\n")
    with pytest.raises(kfpipe.Refused, match="never rendered"):
        kfpipe.export(load(), "cut.edl")
    kfpipe.run(load())
    assert kfpipe.report(load(), "page.html").read_text("utf-8").count("<video") == 2
    assert kfpipe.report(load(), "page.zip", select="kitten").is_file()
    assert kfpipe.export(load(), "cut.edl", select="kitten").read_text("utf-8").count("FROM CLIP NAME") == 1
    assert kfpipe.export(load(), "film.mp4").stat().st_size > 1000
    with pytest.raises(kfpipe.Refused):
        kfpipe.export(load(), "film.docx")


def test_the_review_is_open_as_long_as_its_block_lasts(studio: Studio) -> None:
    studio.write(TWO)
    with kfpipe.review(load()) as address, httpx.Client(follow_redirects=True, trust_env=False) as browser:
        assert "<title>shots" in browser.get(address).text
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)


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
