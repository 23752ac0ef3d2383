"""Whole runs against the emulator: what is on disk, on record and on the bill afterwards."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import anyio
import pytest

from kfpipe import api
from kfpipe.emulator import Emulator
from kfpipe.errors import AccountRefused, ExitCode
from kfpipe.events import TakeAdopted, TakeFailed, TakePostponed, TakeSubmitted
from kfpipe.files.durable import sha256_of
from kfpipe.lock.records import entries
from kfpipe.lock.states import Failed, Rendered, Submitting, spent, task_of
from kfpipe.media import placement
from kfpipe.plan.model import Action
from tests.runner.conftest import DEFAULTS, Studio

pytestmark = [pytest.mark.anyio, pytest.mark.whole_runs]

FOUR = "shots:\n- {id: kitten, prompt: A kitten looks up., matrix: {seed: [1, 2, 3]}}\n- {id: street, prompt: Lamps.}\n"
ONE = "shots:\n- {id: kitten, prompt: A kitten looks up.}\n"


TURNED = ONE.replace("up.", "up., first_frame: b.png, last_frame: a.png")


async def test_a_run_pays_for_each_take_once_and_a_second_one_does_nothing(studio: Studio) -> None:
    studio.write(FOUR)
    finished = await studio.run()
    assert (finished.rendered, finished.exit_code) == (4, ExitCode.OK)
    assert studio.billed() == 4
    assert studio.clips() == {f"renders/kitten@seed={seed}.mp4" for seed in (1, 2, 3)} | {"renders/street.mp4"}

    before, requests = studio.lockfile.read_bytes(), len(studio.emulator.requests())
    again = await studio.run()
    assert (again.rendered, again.kept, again.exit_code) == (0, 4, ExitCode.OK)
    assert studio.lockfile.read_bytes() == before
    assert len(studio.emulator.requests()) == requests


async def test_the_costs_on_record_are_the_emulators_bill_to_the_last_digit(studio: Studio) -> None:
    studio.write(FOUR)
    finished = await studio.run()
    assert finished.spent == studio.emulator.bill().total == spent(entries(studio.lock))["USD"] == Decimal("0.80")


async def test_a_clip_is_compared_with_the_stills_it_was_given(studio: Studio) -> None:
    studio.write(ONE)
    await studio.run()
    entry = studio.lock["kitten"].entry
    assert isinstance(entry, Rendered) and entry.render.fidelity is not None
    assert Decimal("0.90") < min(entry.render.fidelity.first or 0, entry.render.fidelity.last or 0) <= 1


@pytest.mark.parametrize(
    "act",
    [
        {"do": "drop", "when": "after"},
        {"do": "answer", "when": "after", "status": 500, "code": "InternalError"},
        {"do": "html", "when": "after"},
        {"do": "garble"},
    ],
    ids=lambda act: act["do"],
)
async def test_a_lost_answer_is_looked_up_and_never_paid_for_again(studio: Studio, act: dict[str, object]) -> None:
    studio.write(FOUR)
    studio.emulator.script({"on": "submit", "nth": 2, **act})
    finished = await studio.run()
    assert (finished.rendered, finished.exit_code) == (4, ExitCode.OK)
    assert studio.billed() == 4
    assert len(studio.of(TakeAdopted)) == 1
    assert len(studio.of(TakeSubmitted)) == 3


async def test_a_task_whose_answer_comes_late_is_not_taken_for_a_strangers(studio: Studio) -> None:
    """Another request's answer is lost, and its list shows a task that ends before the answer about it arrives."""
    studio.write("shots: [{id: kitten, prompt: A kitten.}, {id: monster, prompt: A monster.}]\n")
    studio.emulator.script(
        {"on": "submit", "nth": 1, "prompt_contains": "kitten", "do": "drop", "when": "after"},
        {"on": "submit", "nth": 1, "prompt_contains": "monster", "do": "hang", "seconds": 1.5, "when": "after"},
    )
    finished = await studio.run()
    assert (finished.rendered, studio.billed(), finished.exit_code) == (2, 2, ExitCode.OK)
    assert [event.take_id for event in studio.of(TakeAdopted)] == ["kitten"]


async def test_twins_are_never_on_the_wire_together(studio: Studio) -> None:
    studio.write(FOUR)
    studio.emulator.script({"on": "submit", "do": "hang", "seconds": 0.3})
    waiting: list[int] = []

    def count_twins(event: object) -> None:
        if isinstance(event, TakeSubmitted):
            entries = studio.ledger.requests.values()
            kittens = (entry for entry in entries if entry.asked.prompt == "A kitten looks up.")
            waiting.append(sum(isinstance(kitten, Submitting) for kitten in kittens))

    assert (await studio.run(emit=count_twins)).exit_code is ExitCode.OK
    assert len(waiting) == 4
    assert max(waiting) <= 1


async def test_a_submission_that_never_arrived_is_made_again(studio: Studio) -> None:
    studio.write(FOUR)
    studio.emulator.script({"on": "submit", "nth": 2, "do": "drop", "when": "before"})
    finished = await studio.run()
    assert (finished.rendered, studio.billed()) == (4, 4)
    assert len(studio.of(TakeSubmitted)) == 4


async def test_an_intent_without_an_answer_is_adopted_by_the_next_run(studio: Studio) -> None:
    studio.write(FOUR)
    studio.emulator.script({"on": "submit", "nth": 1, "do": "hang", "seconds": 30, "when": "after"})

    await studio.run_until(lambda: len(studio.unanswered()) == 1 and bool(studio.of(TakeSubmitted)))
    (left,) = studio.unanswered()
    assert {step.take_id: step.action for step in studio.plan().steps}[left] is Action.ADOPT
    finished = await studio.run()
    assert finished.exit_code is ExitCode.OK
    assert [event.take_id for event in studio.of(TakeAdopted)] == [left]
    assert studio.billed() == 4


async def test_a_failure_that_may_pass_is_tried_again_and_stays_on_record(studio: Studio) -> None:
    studio.write(ONE)
    studio.emulator.script({"on": "submit", "nth": 1, "do": "fail", "code": "InternalError.Algo"})
    finished = await studio.run()
    assert (finished.rendered, studio.billed()) == (1, 1)
    record = studio.lock["kitten"]
    assert isinstance(record.entry, Rendered)
    assert [type(entry) for entry in record.previous] == [Failed]
    assert [event.retried for event in studio.of(TakeFailed)] == [True]


async def test_a_lasting_failure_stops_no_other_take_and_waits_for_a_decision(studio: Studio) -> None:
    studio.write(FOUR)
    studio.emulator.script(
        {"on": "submit", "prompt_contains": "Lamps", "do": "fail", "code": "DataInspectionFailed", "message": "no"}
    )
    finished = await studio.run()
    assert (finished.rendered, finished.failed, finished.exit_code) == (3, 1, ExitCode.INCOMPLETE)
    (step,) = studio.plan().undecided
    assert step.take_id == "street"
    assert (await studio.run()).undecided == 1
    studio.emulator.forgive()
    assert (await studio.run(retry=lambda take_id: take_id == "street")).exit_code is ExitCode.OK
    assert studio.billed() == 4


async def test_throttling_is_waited_out(studio: Studio) -> None:
    studio.write(FOUR)
    refusal = {"status": 429, "code": "Throttling.RateQuota", "message": "slower"}
    studio.emulator.script({"on": "submit", "times": 2, "do": "answer", **refusal})
    studio.emulator.script({"on": "query", "times": 2, "do": "answer", **refusal})
    finished = await studio.run()
    assert (finished.rendered, studio.billed()) == (4, 4)


async def test_the_cap_holds_while_running(studio: Studio) -> None:
    studio.write(FOUR)
    finished = await studio.run(cap=Decimal("0.45"))
    assert (finished.rendered, finished.unfinished, finished.exit_code) == (2, 2, ExitCode.OVER_BUDGET)
    assert finished.spent == studio.emulator.bill().total == Decimal("0.40")
    assert len(studio.of(TakePostponed)) == 2
    assert (await studio.run()).exit_code is ExitCode.OK
    assert studio.billed() == 4


async def test_what_a_task_may_cost_that_nobody_knows_the_end_of_stays_set_aside(studio: Studio) -> None:
    studio.write(FOUR, head=DEFAULTS.replace("concurrent_tasks: 4", "concurrent_tasks: 1"))
    studio.emulator.script({"on": "query", "do": "answer", "status": 400, "code": "Brand.New"})
    assert (await studio.run(cap=Decimal("0.30"))).exit_code is ExitCode.OVER_BUDGET
    assert len(studio.emulator.account.tasks()) == 1


@pytest.mark.parametrize("tasks_at_once", [1, 4], ids=["one after the other", "all at once"])
async def test_a_low_price_in_the_manifest_loosens_no_cap_while_the_run_goes_on(
    studio: Studio, tasks_at_once: int
) -> None:
    limits = DEFAULTS.replace("concurrent_tasks: 4", f"concurrent_tasks: {tasks_at_once}")
    studio.write(FOUR, head=f"{limits}prices: {{wan2.7-i2v: {{720P: 0.0001}}}}\n")
    finished = await studio.run(cap=Decimal("0.45"))
    assert (finished.rendered, finished.unfinished, finished.exit_code) == (2, 2, ExitCode.OVER_BUDGET)
    assert studio.emulator.bill().total == Decimal("0.40")


async def test_a_changed_frame_renders_one_take_and_keeps_the_older_clip(studio: Studio) -> None:
    studio.write(FOUR)
    await studio.run()
    older = studio.lock["street"].entry
    assert isinstance(older, Rendered)
    studio.write(FOUR.replace("Lamps.", "Lamps., last_frame: a.png"))
    assert [step.take_id for step in studio.plan().work] == ["street"]
    await studio.run()
    record = studio.lock["street"]
    assert record.previous == (older,)
    assert studio.billed() == 5
    assert f"renders/.previous/street.{older.render.sha256[:12]}.mp4" in studio.clips()


async def test_a_lost_file_is_fetched_again_for_nothing(studio: Studio) -> None:
    studio.write(ONE)
    await studio.run()
    (studio.folder / "renders/kitten.mp4").unlink()
    finished = await studio.run()
    assert (finished.rendered, finished.spent, studio.billed()) == (1, 0, 1)


@pytest.mark.parametrize("act", [{"do": "truncate", "after_bytes": 600}, {"do": "corrupt"}], ids=lambda act: act["do"])
async def test_a_damaged_download_is_fetched_again(studio: Studio, act: dict[str, object]) -> None:
    studio.write(ONE)
    studio.emulator.script({"on": "download", "nth": 1, **act})
    finished = await studio.run()
    assert (finished.rendered, studio.billed()) == (1, 1)
    assert studio.clips() == {"renders/kitten.mp4"}


async def test_a_download_that_breaks_off_is_continued_and_begins_once(studio: Studio) -> None:
    studio.write(ONE)
    studio.emulator.script({"on": "download", "nth": 1, "do": "truncate", "after_bytes": 600})
    await studio.run()
    downloads = [entry for entry in studio.emulator.requests() if entry["phase"] == "download"]
    assert ["range" in entry["header_names"] for entry in downloads] == [False, True]


async def test_a_refused_account_stops_the_run_before_anything_is_sent(studio: Studio) -> None:
    studio.write(FOUR)
    studio.emulator.script({"on": "list", "do": "answer", "status": 401, "code": "InvalidApiKey", "message": "no"})
    with pytest.raises(AccountRefused):
        await studio.run()
    assert not studio.lockfile.exists()
    assert {entry["phase"] for entry in studio.emulator.requests()} == {"list"}


async def test_an_overdue_account_stops_the_run_and_keeps_what_was_done(studio: Studio) -> None:
    studio.write(FOUR)
    studio.emulator.script(
        {"on": "submit", "nth": 3, "do": "answer", "status": 400, "code": "Arrearage", "message": "pay first"}
    )
    with pytest.raises(AccountRefused):
        await studio.run()
    assert (await studio.run()).exit_code is ExitCode.OK
    assert studio.billed() == 4


async def test_an_interrupted_run_leaves_its_tasks_to_the_next(studio: Studio) -> None:
    studio.write(FOUR)
    submitted = 0

    with api.session(api.load(studio.folder / "shots.yaml")) as session:
        assert session.plan().cost == Decimal("0.80")
    run_scope = anyio.CancelScope()

    def stop_after_two(event: object) -> None:
        nonlocal submitted
        submitted += isinstance(event, TakeSubmitted)
        if submitted == 2:
            run_scope.cancel()

    with run_scope:
        await studio.run(emit=stop_after_two)
    finished = await studio.run()
    assert finished.exit_code is ExitCode.OK
    assert studio.billed() == 4


async def test_a_frame_that_changed_since_the_plan_is_not_sent(studio: Studio) -> None:
    studio.write(ONE)
    project = api.load(studio.folder / "shots.yaml")
    (studio.folder / "a.png").write_bytes((studio.folder / "b.png").read_bytes())
    with studio.session(project) as session:
        finished = await session.run_async(session.plan(), cap=None, emit=studio.events.append)
    assert finished.exit_code is ExitCode.INCOMPLETE
    assert "changed" in studio.of(TakePostponed)[0].reason
    assert studio.billed() == 0


async def test_every_field_of_the_contract_stands_in_the_lockfile(studio: Studio) -> None:
    studio.write(ONE)
    await studio.run()
    locked = json.loads(studio.lockfile.read_text("utf-8"))
    assert locked.keys() == {"kfpipe_lock", "requests", "picked"}
    ((key, entry),) = locked["requests"].items()
    assert re.fullmatch("kitten/[0-9a-f]{10}", key)
    assert set(entry) >= {
        "state", "fingerprint", "account", "model", "region", "seed", "parameters", "media", "asked_at", "task_id",
        "request_id", "submitted_at", "finished_at", "video_url", "url_expires_at", "actual_prompt", "render",
        "billed_seconds", "unit_price", "cost", "currency", "prompt", "failure", "candidates",
    }  # fmt: skip
    assert set(entry["render"]) >= {"path", "sha256", "bytes", "width", "height", "fps", "duration", "audio"}
    assert (entry["cost"], entry["unit_price"], entry["render"]["width"]) == ("0.20", "0.10", 1280)


@pytest.mark.parametrize("is_lost", [False, True], ids=["all answered", "an answer is lost"])
async def test_limits_that_the_service_enforces_are_never_exceeded(studio: Studio, is_lost: bool) -> None:
    limits = {"submissions_per_second": 10, "concurrent_tasks": 5, "queries_per_second": 20}
    head = DEFAULTS.replace(
        "limits: {submissions_per_second: 50, concurrent_tasks: 4, queries_per_second: 50}", f"limits: {limits}"
    )
    seeds = ", ".join(map(str, range(18)))
    studio.write(f"shots:\n- {{id: kitten, prompt: A kitten looks up., matrix: {{seed: [{seeds}]}}}}\n", head)
    with Emulator(factor=200, queue_s=0, run_s=(20, 60), film="tiny", limits=limits, over_limit="refuse") as strict:
        studio.emulator = strict
        if is_lost:
            strict.script({"on": "submit", "nth": 3, "do": "drop", "when": "after"})
        finished = await studio.run()
        assert (finished.rendered, strict.account.throttled.total()) == (18, 0)


async def run_another_manifest(studio: Studio) -> None:
    """It asks for another clip by the same prompt."""
    other_place = f"{DEFAULTS}output: {{dir: other}}\n{ONE}".replace("a.png", "b.png")
    (studio.folder / "other.yaml").write_text(other_place, "utf-8")
    with studio.session(api.load(studio.folder / "other.yaml")) as other:
        await other.run_async(other.plan(), cap=None, emit=lambda _: None)


async def test_a_neighbours_task_is_nobody_elses(studio: Studio) -> None:
    """Another manifest of the project rendered the same prompt, while ours was killed before its request left."""
    studio.write(ONE)
    studio.emulator.script({"on": "submit", "nth": 2, "do": "drop", "when": "before"})
    await run_another_manifest(studio)
    assert studio.billed() == 1
    await studio.run()
    assert studio.billed() == 2
    assert not studio.of(TakeAdopted)


async def test_what_a_neighbour_has_asked_for_since_is_not_taken_for_the_task_of_a_killed_run(studio: Studio) -> None:
    """Nothing is submitted before the list is read: all that is known of the neighbour is what its record says now."""
    studio.write(ONE)
    studio.emulator.script(
        {"on": "submit", "nth": 1, "do": "hang", "seconds": 30}, {"on": "submit", "nth": 1, "do": "drop"}
    )
    await studio.run_until(lambda: studio.has_asked)
    studio.emulator.forgive()
    assert isinstance(studio.lock["kitten"].entry, Submitting)
    await run_another_manifest(studio)
    assert (await studio.run()).exit_code is ExitCode.OK
    assert (studio.billed(), studio.of(TakeAdopted)) == (2, [])


async def test_what_a_pull_brought_during_a_run_stays_on_record(studio: Studio) -> None:
    studio.write(FOUR)
    await studio.run()
    pulled = studio.lockfile.read_bytes()
    for path in (studio.lockfile, studio.load().paths.journal_path, *map(studio.folder.joinpath, studio.clips())):
        path.unlink()
    studio.write(f"{FOUR}- {{id: home, prompt: It comes home.}}\n")

    def pull_meanwhile(event: object) -> None:
        if isinstance(event, TakeSubmitted):
            studio.lockfile.write_bytes(pulled)

    await studio.run(emit=pull_meanwhile)
    tasks = {task.task_id for entry in studio.ledger.requests.values() if (task := task_of(entry)) is not None}
    assert tasks == {charge.task_id for charge in studio.emulator.bill().charges}
    assert len(studio.ledger.requests) == len(tasks) == 9


async def test_a_lockfile_that_git_has_taken_away_loses_nothing(studio: Studio) -> None:
    studio.write(FOUR)
    await studio.run()
    before = studio.ledger.requests
    studio.lockfile.unlink()
    assert [step.action for step in studio.plan().steps] == [Action.KEEP] * 4
    assert (await studio.run()).exit_code is ExitCode.OK
    assert (studio.ledger.requests, studio.lockfile.exists(), studio.billed()) == (before, True, 4)


async def test_a_change_that_is_undone_is_not_paid_for_again(studio: Studio) -> None:
    for shots in (ONE, TURNED):
        studio.write(shots)
        await studio.run()
    first, second = (task_of(entry) for entry in (*studio.lock["kitten"].previous, studio.lock["kitten"].entry))
    for shots, wanted, other in ((ONE, first, second), (TURNED, second, first), (ONE, first, second)):
        studio.write(shots)
        (step,) = studio.plan().steps
        assert (step.action, step.cost) == (Action.REUSE, 0)
        finished = await studio.run()
        assert (finished.kept, finished.exit_code, studio.billed()) == (1, ExitCode.OK, 2)
        record = studio.lock["kitten"]
        assert task_of(record.entry) == wanted
        assert [task_of(entry) for entry in record.previous] == [other]
        assert spent(entries(studio.lock)) == {"USD": studio.emulator.bill().total}
        assert [verified.condition for verified in api.verify(api.load(studio.folder / "shots.yaml"))] == ["sound"]
        assert [step.action for step in studio.plan().steps] == [Action.KEEP]
    assert len(studio.clips()) == 2


async def test_a_run_that_was_killed_while_it_put_a_clip_back_ends_it_the_next_time(studio: Studio) -> None:
    for shots in (ONE, TURNED):
        studio.write(shots)
        await studio.run()
    (aside,) = [studio.folder / path for path in studio.clips() if ".previous" in path]
    clip = studio.folder / "renders" / "kitten.mp4"
    placement.set_aside(clip, sha256_of(clip))
    aside.rename(clip)
    studio.write(ONE)
    assert (await studio.run()).exit_code is ExitCode.OK
    assert [step.action for step in studio.plan().steps] == [Action.KEEP]
    assert (len(studio.clips()), studio.billed()) == (2, 2)


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "damaged"])
async def test_an_earlier_clip_that_is_gone_or_damaged_is_fetched_again_for_nothing(
    studio: Studio, is_gone: bool
) -> None:
    for shots in (ONE, TURNED):
        studio.write(shots)
        await studio.run()
    (aside,) = [studio.folder / path for path in studio.clips() if ".previous" in path]
    if is_gone:
        aside.unlink()
    else:
        aside.write_bytes(aside.read_bytes()[:-1])
    studio.write(ONE)
    assert [(step.action, step.cost) for step in studio.plan().steps] == [(Action.DOWNLOAD, 0)]
    assert (await studio.run()).exit_code is ExitCode.OK
    assert [step.action for step in studio.plan().steps] == [Action.KEEP]
    assert studio.billed() == 2


async def test_what_continues_from_a_clip_continues_when_it_is_used_again(studio: Studio) -> None:
    chain = ONE + "- {id: walk, prompt: It walks., first_frame: {render: kitten, frame: last}}\n"
    for shots in (chain, chain.replace(ONE, TURNED), chain):
        studio.write(shots)
        assert (await studio.run()).exit_code is ExitCode.OK
    assert studio.billed() == 4
    assert [step.action for step in studio.plan().steps] == [Action.KEEP, Action.KEEP]


# ---- debts -------------------------------------------------------------------------------------------------------


TWINS = ONE.replace("up.}", "up., seed: 7}") + "- {id: copy, prompt: A kitten looks up., seed: 7}\n"


async def test_when_a_twin_fails_the_other_one_is_reported(studio: Studio) -> None:
    studio.write(TWINS)
    studio.emulator.script({"on": "submit", "do": "fail", "code": "DataInspectionFailed"})
    with anyio.fail_after(30):
        finished = await studio.run()
    assert (finished.failed, finished.unfinished, finished.exit_code) == (1, 1, ExitCode.INCOMPLETE)
    assert [event.take_id for event in studio.of(TakePostponed)] == ["copy"]
    studio.emulator.forgive()
    assert (await studio.run(retry=lambda _: True)).exit_code is ExitCode.OK
    assert (studio.clips(), studio.billed()) == ({"renders/kitten.mp4", "renders/copy.mp4"}, 1)


async def die_over_a_request(studio: Studio, select: str = "*", *, is_created: bool = True) -> None:
    """Leave a run as soon as its request has left, or has become a task; the answer will not come."""
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: studio.run(select=select))
        while not (studio.emulator.account.tasks() if is_created else studio.has_asked):  # noqa: ASYNC110  another process would not see an event either
            await anyio.sleep(0.05)
        group.cancel_scope.cancel()
    assert {type(entry) for entry in studio.ledger.requests.values()} == {Submitting}
    studio.emulator.forgive()


async def lost_and_unwanted(studio: Studio, *, is_created: bool) -> None:
    """A run dies over its request, and its take leaves the manifest."""
    studio.write(ONE)
    when = "after" if is_created else "before"
    studio.emulator.script({"on": "submit", "nth": 1, "do": "hang", "seconds": 30, "when": when})
    studio.emulator.script({"on": "submit", "nth": 1, "do": "drop", "when": when})
    await die_over_a_request(studio, is_created=is_created)
    studio.write("shots:\n- {id: street, prompt: Lamps.}\n")


async def test_a_debt_of_no_take_that_was_never_created_is_settled(studio: Studio) -> None:
    await lost_and_unwanted(studio, is_created=False)
    finished = await studio.run()
    assert (finished.rendered, finished.failed, finished.unfinished, finished.exit_code) == (1, 0, 0, ExitCode.OK)
    assert [type(studio.ledger.requests[key]) for key in studio.keys("kitten")] == [Failed]
    assert (studio.plan().work, studio.plan().debts, studio.billed()) == ((), (), 1)


async def test_a_debt_of_no_take_comes_home_to_a_place_aside(studio: Studio) -> None:
    await lost_and_unwanted(studio, is_created=True)
    (key,) = studio.keys("kitten")
    assert (await studio.run()).exit_code is ExitCode.OK
    assert studio.clips() == {"renders/street.mp4", f"renders/.previous/{key.replace('/', '.')}.mp4"}
    assert (studio.plan().work, studio.plan().debts, studio.billed()) == ((), (), 2)


async def test_a_request_that_never_arrived_is_no_failed_attempt(studio: Studio) -> None:
    studio.write(ONE.replace("up.}", "up., attempts: 2}"))
    studio.emulator.script(
        {"on": "submit", "nth": 1, "do": "drop"}, {"on": "submit", "nth": 2, "do": "fail", "code": "InternalError.Algo"}
    )
    finished = await studio.run()
    assert (finished.rendered, finished.exit_code, studio.billed()) == (1, ExitCode.OK, 1)
    codes = [entry.failure.code for entry in studio.ledger.requests.values() if isinstance(entry, Failed)]
    assert sorted(codes) == ["InternalError.Algo", "kfpipe.NeverCreated"]


@pytest.mark.parametrize("selection", ["*", "!kitten@seed=1"])
async def test_what_an_earlier_run_has_left_without_an_answer_counts_for_the_cap(
    studio: Studio, selection: str
) -> None:
    studio.write(FOUR)
    studio.emulator.script({"on": "submit", "nth": 1, "do": "hang", "seconds": 30, "when": "after"})
    await die_over_a_request(studio, "kitten@seed=1")
    finished = await studio.run(cap=Decimal("0.45"), select=selection)
    assert finished.exit_code is ExitCode.OVER_BUDGET
    assert studio.emulator.bill().total == Decimal("0.40")
