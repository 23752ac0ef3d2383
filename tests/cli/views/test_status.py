"""What is on record, as a table and as sentences."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from kfpipe.cli.output import table
from kfpipe.cli.views import status as status_view
from kfpipe.domain import Trim
from kfpipe.lock.join import Requests
from kfpipe.lock.records import Neighbour, Record
from kfpipe.lock.states import Entry
from kfpipe.plan.selection import nominees
from tests.support.makers import (
    failed,
    key,
    record,
    render,
    rendered,
    request,
    result,
    submitted,
    submitting,
    succeeded,
    take,
    unclear,
)
from tests.support.planned import on_record

KITTEN, MONSTER, ROOF, WALK = take("kitten"), take("monster"), take("roof"), take("walk")
EARLIER = take("monster", request=request(prompt="Earlier words."))


def records() -> dict[str, Record]:
    return {
        "kitten": on_record(KITTEN, rendered(KITTEN, number=2), rendered(KITTEN)),
        "monster": on_record(MONSTER, submitted(EARLIER, number=3)),
        "roof": on_record(ROOF, failed(ROOF, number=4, code="DataInspectionFailed")),
        "gone": record(rendered(take("gone"), number=5), take_id="gone", is_wanted=False),
    }


def spent_text(*entries: Entry) -> str:
    return status_view.summary(
        nominees([], {name: record(entry, take_id=name) for name, entry in zip("abc", entries, strict=False)})
    )[1]


def test_notes_and_trims_are_shown_once_for_a_shot() -> None:
    trim, notes = Trim(start_s=Decimal("0.50")), "Client: Acme\nCalmer."
    takes = [take(f"cat@seed={seed}", trim=trim, notes=notes) for seed in (1, 2)]
    shown = status_view.notes(nominees([*takes, KITTEN], {}))
    assert shown == ["cat: trimmed, 0.5 to end", "cat: Client: Acme", "  Calmer."]


def test_each_take_is_shown_with_all_that_is_known_of_it() -> None:
    shown = table.lines(status_view.table(nominees([KITTEN, MONSTER, ROOF, WALK], records())))
    assert [line.removesuffix("  2026-11-22 11:55Z") for line in shown] == [
        "take     state                                request     task        cost  file                when",
        "kitten   rendered                             0000000002  task-2  USD 0.50  renders/kitten.mp4",
        "monster  submitted, changed in the manifest   0000000001  task-3"
        "                                2026-11-22 11:50Z",
        "roof     failed: DataInspectionFailed         0000000001  task-4                              ",
        "walk     not rendered",
        "gone     rendered, no longer in the manifest  0000000001  task-5  USD 0.50  renders/kitten.mp4",
    ]


def test_every_state_has_its_row() -> None:
    entries = [submitting(KITTEN), unclear(KITTEN), submitted(KITTEN), succeeded(KITTEN), rendered(KITTEN)]
    rows = [status_view.table(nominees([KITTEN], {"kitten": record(entry)})).rows[0] for entry in entries]
    assert [row[1] for row in rows] == ["submitting", "answer lost", "submitted", "not downloaded", "rendered"]
    assert all(row[-1].startswith("2026-11-22") for row in rows)


def test_the_sum_counts_every_task_ever_paid_for() -> None:
    assert status_view.summary(nominees([KITTEN, MONSTER, ROOF, WALK], records())) == [
        "5 takes: 1 failed, 2 rendered, 1 submitted, 1 not rendered",
        "spent so far: USD 1.50; under way: up to USD 0.50",
    ]


def test_money_that_was_only_played_with_is_told_apart() -> None:
    assert spent_text(rendered(region="emulator")) == "spent so far: nothing (USD 0.50 of play money)"
    assert spent_text(rendered(), rendered(number=2, currency="CNY")) == "spent so far: CNY 0.50 and USD 0.50"


def test_a_bill_that_nobody_can_price_is_mentioned() -> None:
    unpriced = rendered(number=2, of_result=result(cost=None))
    assert spent_text(rendered(), unpriced) == "spent so far: USD 0.50, and 1 clip at an unknown price"


def test_json_tells_why_a_take_failed() -> None:
    (row,) = status_view.takes_json(nominees([ROOF], {"roof": records()["roof"]}))
    assert row == {
        "take": "roof",
        "state": "failed",
        "in_manifest": True,
        "changed": False,
        "picked": False,
        "picked_earlier": False,
        "trim": None,
        "notes": None,
        "request": key("roof"),
        "task_id": "task-4",
        "seconds": 5,
        "billed_seconds": None,
        "cost": None,
        "currency": "USD",
        "file": None,
        "remarks": [],
        "fidelity": None,
        "drifts": False,
        "at": "2026-11-22T11:55:00.000Z",
        "tasks": 1,
        "failure": {
            "code": "DataInspectionFailed",
            "message": "it broke",
            "request_id": "request-2",
            "billed": False,
        },
        "approved": None,
    }


def test_costs_are_exact_text_in_json() -> None:
    paid = {"kitten": record(rendered(KITTEN, of_result=result(cost=Decimal("0.0750"))))}
    assert status_view.as_json(nominees([KITTEN], paid), in_full=False)["spent"] == {"USD": "0.0750"}


def test_requests_that_may_be_billed_are_not_passed_over_in_silence() -> None:
    doubtful = {"roof": record(unclear(ROOF), take_id="roof"), "kitten": record(rendered(KITTEN), unclear(KITTEN))}
    assert (
        status_view.summary(nominees([ROOF, KITTEN], doubtful))[1]
        == "spent so far: USD 0.50, and 2 requests that may be billed"
    )


def test_the_history_has_a_line_for_each_request_and_its_costs_add_up() -> None:
    earlier = rendered(EARLIER, number=2, of_result=result(cost=Decimal("0.30"), billed_seconds=Decimal("3.0")))
    paid = {
        "kitten": on_record(KITTEN, rendered(KITTEN), picked=True),
        "monster": on_record(MONSTER, failed(MONSTER, number=3), earlier, unclear(EARLIER)),
    }
    shown = nominees([KITTEN, MONSTER, WALK], paid)
    assert table.lines(status_view.history(shown)) == [
        "take     state                  picked  request             task    seconds      cost  when",
        "kitten   rendered               yes     kitten/0000000001   task-1        5  USD 0.50  2026-11-22 11:55Z",
        "monster  earlier: rendered              monster/0000000001  task-2        3  USD 0.30  2026-11-22 11:55Z",
        "monster  earlier: answer lost           monster/0000000002                             2026-11-22 11:50Z",
        "monster  failed: InternalError          monster/0000000003  task-3                     2026-11-22 11:55Z",
        "walk     not rendered",
    ]
    assert status_view.summary(shown)[1] == "spent so far: USD 0.80, and 1 request that may be billed"
    told = status_view.as_json(shown, in_full=True)
    takes = [*told["takes"]]
    costs = [Decimal(one["cost"]) for take in takes for one in take["history"] if one["cost"]]
    assert sum(costs) == Decimal(told["spent"]["USD"])
    assert [[one["request"] for one in take["history"]] for take in takes] == [
        [key("kitten")],
        [key("monster", 1), key("monster", 2), key("monster", 3)],
        [],
    ]
    assert [take["request"] for take in takes] == [key("kitten"), key("monster", 3), None]


def test_the_picked_take_is_marked() -> None:
    (row,) = status_view.table(nominees([KITTEN], {"kitten": record(rendered(KITTEN), picked=True)})).rows
    assert row[:3] == ("kitten", "rendered", "yes")
    earlier = {"kitten": record(rendered(KITTEN), picked=True, picked_earlier=True)}
    assert status_view.table(nominees([KITTEN], earlier)).rows[0][2] == "yes, on an older clip"


def test_a_request_from_another_name_or_another_lockfile_is_told_of() -> None:
    renamed = {"kitten": record(rendered(KITTEN), take_id="cat")}
    (row,) = status_view.table(nominees([KITTEN], renamed)).rows
    assert row[1] == "rendered, asked for as cat"
    place = Neighbour(name="other.lock.json", folder=Path(), requests=Requests())
    borrowed = {"kitten": record(rendered(KITTEN), place=place)}
    (row,) = status_view.table(nominees([KITTEN], borrowed)).rows
    assert row[1] == "rendered, on record in other.lock.json"


def test_what_is_not_as_it_was_asked_for_is_told_with_the_take() -> None:
    odd = record(rendered(KITTEN, of_render=render(remarks=("no sound",))))
    shown = nominees([KITTEN, WALK], {"kitten": odd})
    assert status_view.table(shown).rows[0][1] == "rendered, 1 remark"
    assert status_view.remarks(shown) == ["kept, though not quite as asked for: 1 clip", "  kitten: no sound"]
    assert [take["remarks"] for take in status_view.takes_json(shown)] == [["no sound"], []]
    assert status_view.remarks(shown[1:]) == []


def test_a_request_that_two_takes_share_is_counted_once() -> None:
    doubtful = record(unclear(KITTEN))
    told = status_view.summary(nominees([KITTEN, WALK], {"kitten": doubtful, "walk": doubtful}))
    assert told[1] == "spent so far: nothing, and 1 request that may be billed"
