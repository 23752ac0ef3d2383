"""A plan as a table, as sentences, and as JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from kfpipe.cli.output import table
from kfpipe.cli.views import plan as plan_view
from kfpipe.connection import Destination
from kfpipe.domain import TASK_LOST, Take
from kfpipe.lock.states import Lost
from kfpipe.media.facts import FileState
from kfpipe.plan.model import Plan
from tests.support.makers import (
    NOW,
    failed,
    key,
    parameters,
    record,
    rendered,
    request,
    result,
    submitted,
    take,
    unclear,
)
from tests.support.planned import planned, records_of

SERVICE = Destination(
    provider="dashscope",
    region="singapore",
    base_url="https://dashscope-intl.aliyuncs.com/api/v1",
    prices_as_of=date(2026, 11, 20),
)
EMULATOR = Destination(provider="emulator", region="emulator", base_url=None, prices_as_of=date(2026, 11, 20))

KITTEN = take("kitten")
MONSTER = take("monster", request=request(parameters=parameters(resolution="1080P")), size=None, tags=("hero",))
WALK = take("walk", request=request(model="wan2.2-kf2v-flash"), unit_price=None)
ROOF = take("roof")
GONE = take("gone", request=request(prompt="A street."))


def plan() -> Plan:
    """One take of each kind, a debt that no take asks for, and a request that is settled."""
    refused = failed(ROOF, code="DataInspectionFailed", message="Input may be improper.")
    records = {
        **records_of((KITTEN, rendered(KITTEN)), (ROOF, refused)),
        "gone": record(submitted(GONE), rendered(GONE), take_id="gone", is_wanted=False),
    }
    return planned([KITTEN, MONSTER, WALK, ROOF], records, {"kitten": FileState.MATCHES})


def test_the_table_shows_what_happens_to_each_take_and_why() -> None:
    way = "nothing was billed; `kfpipe run --retry roof --new-seed` or another wording may pass"
    inspected = f"its inspection rejected the prompt or a still; {way}"
    reasons = {"roof": f"failed: DataInspectionFailed: Input may be improper.; {inspected}"}
    gone = "its task was paid for; no take of the manifest asks for it"
    wide = len(reasons["roof"])
    assert table.lines(plan_view.table(plan())) == [
        f"take     action  {'why':{wide}}  model              size                              seconds      USD",
        f"gone     follow  {gone:{wide}}  wan2.7-i2v                                                 5",
        f"kitten   keep    {'rendered':{wide}}  wan2.7-i2v         1280x720                                5",
        f"monster  render  {'never rendered':{wide}}  "
        "wan2.7-i2v         1080P, shape of the remote frame        5     0.50",
        f"walk     render  {'never rendered':{wide}}  "
        "wan2.2-kf2v-flash  1280x720                                5  unknown",
        f"roof     decide  {reasons['roof']}  wan2.7-i2v         1280x720                                5",
    ]


def test_the_sums_name_missing_prices_and_where_requests_go() -> None:
    assert plan_view.summary(plan(), SERVICE) == [
        "4 takes: 2 to render, 1 rendered, 1 for you to decide",
        "  wan2.7-i2v: 1 clip, 5 s of video, USD 0.50",
        "  wan2.2-kf2v-flash: 1 clip, 5 s of video, price unknown",
        "  total: USD 0.50 and 1 clip at an unknown price",
        "  price unknown: give one with --price wan2.2-kf2v-flash:720P=AMOUNT or `prices:` in the manifest",
        "1 open request that no take asks for: 1 to follow",
        "1 request on record that no take asks for",
        "sent to https://dashscope-intl.aliyuncs.com/api/v1 (region singapore), prices as of 2026-11-20",
    ]
    owing = replace(plan(), under_way=Decimal("0.50"))
    assert "under way, and not billed yet: USD 0.50; at most USD 1.00 in all" in plan_view.summary(owing, SERVICE)
    assert plan_view.summary(plan(), EMULATOR)[-1] == "sent to the emulator: nothing is charged"


def test_what_a_budget_counts_is_said_where_the_manifest_has_lower_prices() -> None:
    cheap = take("cheap", unit_price=Decimal("0.0001"), cap_price=Decimal("0.60"))
    made = planned([cheap])
    note = "  a budget counts this as USD 3.00: the manifest's prices are lower than the published ones"
    assert note in plan_view.summary(made, SERVICE)


def command(verb: str, *words: str) -> str:
    return " ".join(["kfpipe", verb, "shots.yaml", *words])


def test_the_next_command_is_named() -> None:
    assert plan_view.next_steps(plan(), command) == [
        "next: kfpipe run shots.yaml",
        "to try again: kfpipe run shots.yaml --retry roof",
    ]


def undecided(*lost: Take, clips_gone: int) -> Plan:
    """A plan with takes whose answers were lost, and takes whose clips and links are."""
    gone = [take(f"gone{number}") for number in range(clips_gone)]
    dead = result(url_expires_at=NOW, video_url="https://results.example.com/clip.mp4")
    clips = ((one, rendered(one, of_result=dead)) for one in gone)
    return planned([*lost, *gone], records_of(*((one, unclear(one)) for one in lost), *clips))


def test_a_take_whose_answer_was_lost_shows_its_candidates_and_is_never_offered_for_a_retry() -> None:
    plan = undecided(KITTEN, clips_gone=1)
    assert plan.steps[0].reasons == ("its answer was lost", "one of these tasks may be its own: task-1, task-2")
    assert plan_view.next_steps(plan, command) == [
        "to settle lost answers: kfpipe reconcile shots.yaml",
        "if no backup has the clip, to render and pay again: kfpipe run shots.yaml --retry gone0",
    ]
    many = plan_view.next_steps(undecided(KITTEN, clips_gone=4), command)
    assert many[1].endswith("kfpipe run shots.yaml --retry state:rendered")
    assert plan_view.next_steps(undecided(clips_gone=4), command)[0].endswith(
        "kfpipe run shots.yaml --retry state:rendered"
    )


def test_no_retry_is_offered_where_the_clip_can_be_had_otherwise() -> None:
    away = records_of((KITTEN, submitted(KITTEN, region="beijing")))
    elsewhere = planned([KITTEN, ROOF], away, {"roof": FileState.STRAY})
    assert [step.action for step in elsewhere.steps] == ["decide", "decide"]
    assert plan_view.next_steps(elsewhere, command) == ["nothing to do until that is settled"]


def test_a_task_that_the_service_has_forgotten_is_asked_for_once_more_before_anything_is_paid() -> None:
    ended = failed(ROOF, code=TASK_LOST)
    forgotten = Lost(asked=ended.asked, task=ended.task, ended_at=ended.ended_at, failure=ended.failure)
    ask, pay = plan_view.next_steps(planned([ROOF], records_of((ROOF, forgotten))), command)
    assert ask.endswith("kfpipe reconcile shots.yaml")
    assert pay.endswith("perhaps pay again: kfpipe run shots.yaml --retry roof")


def test_a_plan_without_work_says_so() -> None:
    done = planned([KITTEN], records_of((KITTEN, rendered(KITTEN))), {"kitten": FileState.MATCHES})
    assert plan_view.next_steps(done, command) == ["nothing to do"]


def told(shown: Plan) -> dict[str, Any]:
    """What `plan --json` prints, with its takes made."""
    data = plan_view.as_json(shown, SERVICE, ())
    return {**data, "takes": [*data["takes"]]}


def test_json_has_every_take_in_manifest_order_with_the_promised_fields() -> None:
    data = told(plan())
    assert [step["take"] for step in data["takes"]] == ["kitten", "monster", "walk", "roof"]
    assert data["takes"][1] == {
        "take": "monster",
        "shot": "monster",
        "action": "render",
        "reasons": ["never rendered"],
        "model": "wan2.7-i2v",
        "resolution": "1080P",
        "seed": 7,
        "audio": None,
        "prompt": "A kitten looks up.",
        "width_px": None,
        "height_px": None,
        "seconds": 5,
        "unit_price": "0.10",
        "cost": "0.50",
        "currency": "USD",
        "tags": ["hero"],
        "waits_for": [],
        "prepared": [],
    }
    assert [step["cost"] for step in data["takes"]] == ["0", "0.50", None, "0"]


def test_json_has_the_debts_and_what_is_only_on_record_apart_from_the_takes() -> None:
    data = told(plan())
    account = {"host": "dashscope-intl.aliyuncs.com", "workspace": None, "key": "1c9b52aa04f1", "name": None}
    nobody = "no take of the manifest asks for it"
    debt = {"request": key("gone", 2), "take": "gone", "action": "follow", "account": account}
    settled = {"request": key("gone", 1), "take": "gone", "action": "retired", "account": account}
    assert data["debts"] == [{**debt, "reasons": ["its task was paid for", nobody]}]
    assert data["retired"] == [{**settled, "reasons": ["kept on record", nobody]}]


def test_json_has_a_debt_also_where_a_take_asks_for_it() -> None:
    unnoted = submitted(KITTEN, account=None)
    data = told(planned([KITTEN], records_of((KITTEN, unnoted))))
    assert [step["action"] for step in data["takes"]] == ["follow"]
    wanted = {"request": key("kitten"), "take": "kitten", "action": "follow", "account": None}
    assert data["debts"] == [{**wanted, "reasons": ["its task is running at the service"]}]


def test_json_totals_are_exact_text() -> None:
    totals = plan_view.as_json(plan(), SERVICE, ())["totals"]
    assert totals["models"][0] == {
        "model": "wan2.7-i2v",
        "takes": 3,
        "renders": 1,
        "seconds": 5,
        "cost": "0.50",
        "unpriced": 0,
    }
    del totals["models"]
    assert totals == {
        "currency": "USD",
        "cost": "0.50",
        "under_way": "0",
        "unpriced": 1,
        "seconds": 10,
        "takes": 4,
        "renders": 2,
    }
