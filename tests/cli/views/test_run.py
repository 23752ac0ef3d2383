"""How a run ended, in a few lines."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import PurePosixPath

import pytest

from kfpipe.cli.views import run as run_view
from kfpipe.cli.views.run import Whereabouts
from kfpipe.errors import ExitCode
from kfpipe.events import RunFinished
from tests.support.makers import asked, failed, render, rendered, result, take
from tests.support.planned import planned, records_of

FINISHED = RunFinished(
    rendered=5,
    kept=0,
    failed=0,
    undecided=0,
    under_way=0,
    unfinished=0,
    spent=Decimal("2.50"),
    currency="USD",
    unpriced=0,
    exit_code=ExitCode.OK,
)
PLACES = Whereabouts(clips=PurePosixPath("film/renders"), record=PurePosixPath("film/shots.lock.json"))


def lines(finished: RunFinished, *, is_charged: bool = True) -> list[str]:
    return run_view.lines(finished, PLACES, elapsed_s=78.0, is_charged=is_charged)


def test_a_good_run_takes_two_lines() -> None:
    assert lines(FINISHED) == [
        "5 clips rendered in 1 min 18 s: USD 2.50",
        "  clips in film/renders, lockfile film/shots.lock.json",
    ]


def test_whatever_is_not_rendered_is_counted() -> None:
    mixed = replace(FINISHED, rendered=1, kept=7, failed=2, unfinished=1, undecided=3, unpriced=1)
    assert lines(mixed) == [
        "1 clip rendered in 1 min 18 s: USD 2.50 and 1 clip at an unknown price",
        "  7 kept, 2 failed, 1 left for the next run, 3 for you to decide",
        "  clips in film/renders, lockfile film/shots.lock.json",
    ]


def test_the_emulator_charges_nothing() -> None:
    assert lines(FINISHED, is_charged=False)[0].endswith(": nothing charged (USD 2.50 of play money)")
    assert lines(replace(FINISHED, spent=Decimal(0)), is_charged=False)[0].endswith(": nothing charged")


def test_a_run_without_work_says_what_there_is() -> None:
    idle = replace(FINISHED, rendered=0, kept=5, spent=Decimal(0))
    assert run_view.nothing_to_do(idle) == "nothing to do: 5 takes rendered"
    assert run_view.nothing_to_do(replace(idle, undecided=1)) == "nothing to do: 5 takes rendered, 1 for you to decide"


def test_what_was_billed_for_another_length_is_named() -> None:
    kitten, monster = take("kitten"), take("monster")
    plan = planned([kitten, monster])
    long = rendered(kitten, of_result=result(billed_seconds=Decimal(7)))
    records = records_of((kitten, long), (monster, rendered(monster)))
    assert run_view.billed_otherwise(plan, records) == ["  kitten: billed for 7 s, not the 5 s asked for"]
    assert run_view.billed_otherwise(plan, {}) == []


def test_what_is_not_as_it_was_asked_for_is_counted_and_the_first_few_are_named() -> None:
    takes = [take(f"shot_{number}") for number in range(8)]
    odd = rendered(of_render=render(remarks=("4.2 s long, 5 s asked for", "no sound")))
    records = records_of(*((one, replace(odd, asked=asked(one))) for one in takes[:7]), (takes[7], rendered(takes[7])))
    told = run_view.remarks(planned(takes), records)
    assert told[:2] == [
        "kept, though not quite as asked for: 7 clips",
        "  shot_0: 4.2 s long, 5 s asked for; no sound",
    ]
    assert (len(told), told[-1]) == (7, "  and 2 more")
    assert run_view.remarks(planned(takes[7:]), records) == []


def test_many_undecided_takes_are_cut_short() -> None:
    takes = [take(f"shot_{number:02}") for number in range(12)]
    records = records_of(*((one, failed(one, code="InvalidParameter", message="no")) for one in takes))
    told = run_view.undecided(planned(takes, records))
    assert told[0] == "  shot_00: failed: InvalidParameter: no; it would fail again"
    assert (len(told), told[-1]) == (11, "  and 2 more")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (ExitCode.INTERRUPTED, ["interrupted: nothing is lost; tasks under way are on record"]),
        (ExitCode.OVER_BUDGET, ["stopped by the budget: raise `budget.max_cost`, or set --max-cost"]),
        (ExitCode.INCOMPLETE, []),
        (ExitCode.OK, []),
    ],
)
def test_an_early_end_has_its_reason(code: ExitCode, text: list[str]) -> None:
    assert run_view.ending(replace(FINISHED, exit_code=code)) == text


def test_a_detached_run_tells_first_what_it_has_left_at_the_service() -> None:
    left = replace(FINISHED, rendered=0, spent=Decimal(0), under_way=4, unfinished=2)
    assert lines(left) == [
        "4 tasks under way at the service, not billed yet",
        "  2 left for the next run",
    ]
    first, second, *_ = lines(replace(left, rendered=1))
    assert (first.partition(" in ")[0], second) == (
        "1 clip rendered",
        "4 tasks under way at the service, not billed yet",
    )
