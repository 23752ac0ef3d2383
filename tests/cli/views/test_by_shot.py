"""Many takes on a screen: a row for each shot, with counts, the reason that they share, and what they cost."""

from __future__ import annotations

from kfpipe.cli.output.tone import Tone
from kfpipe.cli.views import plan as plan_view
from kfpipe.cli.views import plan_by_shot, status_by_shot
from kfpipe.cli.views import status as status_view
from kfpipe.cli.views.groups import MOST_ROWS
from kfpipe.domain import Take
from kfpipe.lock.states import Lock
from kfpipe.media.facts import DiskFacts, FileState
from kfpipe.plan.decide import make
from kfpipe.plan.model import Plan, PlanFacts
from kfpipe.plan.selection import nominees
from tests.support.makers import NOW, failed, record, rendered, take


def shot(name: str, count: int) -> list[Take]:
    return [take(f"{name}@seed={seed}") for seed in range(1, count + 1)]


KITTEN, MONSTER = shot("kitten", 12), shot("monster", 20)
STREETS = [take(f"street_{number:02}") for number in range(1, 41)]
TAKES = [*KITTEN, *MONSTER, *STREETS]


def lock() -> Lock:
    kept = {one.id: record(rendered(one)) for one in KITTEN[:2]}
    refused = {one.id: record(failed(one, code="DataInspectionFailed", message="No.")) for one in MONSTER[:1]}
    return kept | refused


def plan(takes: list[Take] = TAKES) -> Plan:
    files = {one.id: FileState.MATCHES for one in KITTEN[:2]}
    facts = PlanFacts(lock=lock(), disk=DiskFacts(clips=files), region="singapore", now=NOW)
    return make(takes, facts, currency="USD", output_dir="renders")


def command(*words: str) -> str:
    return " ".join(["kfpipe", words[0], "shots.yaml", *words[1:]])


def test_a_plan_of_many_takes_has_a_row_for_each_shot() -> None:
    refused = "failed: DataInspectionFailed: No.; it would fail again"
    assert plan_by_shot.table(plan()).rows == (
        ("kitten", "12", "render 10, keep 2", "never rendered", "wan2.7-i2v", "5.00"),
        ("monster", "20", "render 19, decide 1", f"{refused} | never rendered", "wan2.7-i2v", "9.50"),
        ("street_01 ... street_40", "40", "render", "never rendered", "wan2.7-i2v", "20.00"),
    )


def test_a_shot_with_something_to_decide_stands_out() -> None:
    assert plan_by_shot.table(plan()).tones == (None, Tone.DECIDE, None)


def test_the_way_to_see_each_take_is_named() -> None:
    assert plan_by_shot.all_takes(plan(), command) == ["to see each take: kfpipe plan shots.yaml --takes, or -s SHOT"]


def test_a_plan_of_few_takes_has_a_row_for_each() -> None:
    few = plan([*KITTEN, *MONSTER][:MOST_ROWS])
    assert plan_by_shot.table(few) == plan_view.table(few)
    assert plan_by_shot.all_takes(few, command) == []


def test_shots_that_differ_are_not_put_together() -> None:
    other = [take("roof"), *STREETS[:2], *KITTEN, *MONSTER]
    titles = [row[0] for row in plan_by_shot.table(plan(other)).rows]
    assert titles == ["roof ... street_02", "kitten", "monster"]
    priced = [take("roof", unit_price=None), *STREETS[:2], *KITTEN, *MONSTER]
    assert plan_by_shot.table(plan(priced)).rows[0][-1] == "unknown"


def test_the_record_of_many_takes_has_a_row_for_each_shot() -> None:
    records = lock()
    records[KITTEN[1].id] = record(rendered(KITTEN[1]), picked=True)
    shown = nominees(TAKES, records)
    assert status_by_shot.table(shown).rows == (
        ("kitten", "12", "not rendered 10, rendered 2", "seed=2", "USD 1.00", "2026-11-22 11:55Z"),
        ("monster", "20", "not rendered 19, failed: DataInspectionFailed 1", "", "", "2026-11-22 11:55Z"),
        ("street_01 ... street_40", "40", "not rendered", "", "", ""),
    )
    assert status_by_shot.table(shown).tones == (None, Tone.FAILED, None)
    assert status_by_shot.all_takes(shown, command)[0].startswith("to see each take: kfpipe status shots.yaml --takes")
    assert status_by_shot.table(shown[:5]) == status_view.table(shown[:5])
