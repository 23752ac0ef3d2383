"""Many takes on a screen: a row for each shot, with counts, the reason that they share, and what they cost."""

from __future__ import annotations

from dataclasses import replace

from kfpipe.cli.output.tone import Tone
from kfpipe.cli.views import plan as plan_view
from kfpipe.cli.views import plan_by_shot, status_by_shot
from kfpipe.cli.views import status as status_view
from kfpipe.cli.views.groups import MOST_ROWS
from kfpipe.domain import Take
from kfpipe.lock.records import Record
from kfpipe.media.facts import FileState
from kfpipe.plan.model import Plan
from kfpipe.plan.selection import nominees
from tests.support.makers import failed, rendered, submitted, take
from tests.support.planned import on_record, planned


def shot(name: str, count: int) -> list[Take]:
    return [take(f"{name}@seed={seed}") for seed in range(1, count + 1)]


KITTEN, MONSTER = shot("kitten", 12), shot("monster", 20)
STREETS = [take(f"street_{number:02}") for number in range(1, 41)]
TAKES = [*KITTEN, *MONSTER, *STREETS]


def records() -> dict[str, Record]:
    kept = {one.id: on_record(one, rendered(one)) for one in KITTEN[:2]}
    refused = {one.id: on_record(one, failed(one, code="DataInspectionFailed", message="No.")) for one in MONSTER[:1]}
    return kept | refused


def plan(takes: list[Take] = TAKES) -> Plan:
    files = {one.id: FileState.MATCHES for one in KITTEN[:2]}
    return planned(takes, records(), files)


def command(*words: str) -> str:
    return " ".join(["kfpipe", words[0], "shots.yaml", *words[1:]])


def test_a_plan_of_many_takes_has_a_row_for_each_shot() -> None:
    refused = (
        "failed: DataInspectionFailed: No.; its inspection rejected the prompt, a still or the finished clip; "
        "nothing was billed; `kfpipe run --retry monster@seed=1 --new-seed` or another wording may pass"
    )
    assert plan_by_shot.table(plan()).rows == (
        ("kitten", "12", "render 10, keep 2", "never rendered", "wan2.7-i2v", "5.00"),
        ("monster", "20", "render 19, decide 1", f"{refused} | never rendered", "wan2.7-i2v", "9.50"),
        ("street_01 ... street_40", "40", "render", "never rendered", "wan2.7-i2v", "20.00"),
    )


def test_a_shot_with_something_to_decide_stands_out() -> None:
    assert plan_by_shot.table(plan()).tones == (None, Tone.DECIDE, None)


def test_debts_that_no_take_asks_for_have_rows_of_their_own_before_all_others() -> None:
    old = submitted(take("kitten@seed=1", fingerprint="f" * 64), number=3)
    owed = planned(TAKES, {**records(), "kitten@seed=1": on_record(KITTEN[0], old)})
    first, second, *_ = plan_by_shot.table(owed).rows
    assert first == (
        "kitten@seed=1",
        "1",
        "follow",
        "its task was paid for; no take of the manifest asks for it",
        "wan2.7-i2v",
        "",
    )
    assert second[:2] == ("kitten", "12")


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
    picked = on_record(KITTEN[1], rendered(KITTEN[1], number=2), picked=True)
    shown = nominees(TAKES, {**records(), KITTEN[1].id: picked})
    assert status_by_shot.table(shown).rows == (
        ("kitten", "12", "not rendered 10, rendered 2", "seed=2", "USD 1.00", "2026-11-22 11:55Z"),
        ("monster", "20", "not rendered 19, failed: DataInspectionFailed 1", "", "", "2026-11-22 11:55Z"),
        ("street_01 ... street_40", "40", "not rendered", "", "", ""),
    )
    earlier = nominees(TAKES, {**records(), KITTEN[1].id: replace(picked, picked_earlier=True)})
    assert status_by_shot.table(earlier).rows[0][3] == "seed=2, on an older clip"
    assert status_by_shot.table(shown).tones == (None, Tone.FAILED, None)
    assert status_by_shot.all_takes(shown, command)[0].startswith("to see each take: kfpipe status shots.yaml --takes")
    assert status_by_shot.table(shown[:5]) == status_view.table(shown[:5])
