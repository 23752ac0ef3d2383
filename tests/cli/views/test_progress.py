"""Where a run stands, and the lines that tell it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from kfpipe.cli.views.progress import Progress, advanced, totals, transition
from kfpipe.domain import TaskStatus
from kfpipe.events import (
    Event,
    Interrupted,
    Paused,
    Resumed,
    RunStarted,
    Slowed,
    TakeAdopted,
    TakeFailed,
    TakePostponed,
    TakeProgressed,
    TakeRendered,
    TakeSubmitted,
    TakeSucceeded,
)

STARTED = RunStarted(takes=5, work=4, cost=Decimal("2.00"), currency="USD")
SUBMITTED = TakeSubmitted(take_id="kitten", task_id="1d37e05a")
WAITING = TakeProgressed(take_id="kitten", status=TaskStatus.PENDING)
RUNNING = TakeProgressed(take_id="kitten", status=TaskStatus.RUNNING)
SUCCEEDED = TakeSucceeded(
    take_id="kitten", asked_seconds=5, billed_seconds=Decimal(5), cost=Decimal("0.50"), currency="USD"
)
RENDERED = TakeRendered(take_id="kitten", path="renders/kitten.mp4", size_bytes=1_200_000)
FAILED = TakeFailed(take_id="roof", code="InternalError", message="Try again.", request_id="7f3a91", retried=True)


def after(*events: Event, now_s: float = 30.0) -> Progress:
    progress = Progress(started_s=0.0)
    for event in events:
        progress = advanced(progress, event, now_s)
    return progress


def told(*events: Event) -> list[str]:
    progress, lines = Progress(started_s=0.0), []
    for event in events:
        line = transition(event, progress)
        progress = advanced(progress, event, 1.0)
        lines += [line] if line is not None else []
    return lines


def test_a_take_is_told_step_by_step_with_its_cost_at_the_end() -> None:
    assert told(STARTED, SUBMITTED, WAITING, RUNNING, SUCCEEDED, RENDERED) == [
        "4 takes to do: USD 2.00",
        "kitten: submitted, task 1d37e05a",
        "kitten: rendering",
        "kitten: rendered renders/kitten.mp4 (1.2 MB, USD 0.50)",
    ]


def test_a_clip_that_is_billed_for_another_length_says_so() -> None:
    assert told(STARTED, replace(SUCCEEDED, billed_seconds=Decimal(7), cost=Decimal("0.70"))) == [
        "4 takes to do: USD 2.00",
        "kitten: billed for 7 s, not the 5 s asked for",
    ]


def test_troubles_are_told_with_code_message_and_request() -> None:
    assert told(
        FAILED,
        TakePostponed(take_id="walk", reason="it would exceed the budget"),
        TakeAdopted(take_id="road", task_id="ab12"),
        Slowed(what="submissions", wait_s=2.4),
        Paused(reason="the service cannot be reached"),
        Resumed(after_s=75.0),
        Interrupted(running=2),
    ) == [
        "roof: failed: InternalError: Try again. (request 7f3a91); trying again",
        "walk: left for the next run: it would exceed the budget",
        "road: found at the service, task ab12",
        "slowing down: submissions, for 2 s",
        "waiting: the service cannot be reached",
        "continuing after 1 min 15 s",
        "stopping: no more submissions; 2 tasks under way, on record for the next run; "
        "`kfpipe cancel` calls off what still waits",
    ]


def test_the_totals_tell_how_far_how_much_how_fast_and_how_long_still() -> None:
    progress = after(STARTED, SUBMITTED, RUNNING, SUCCEEDED, RENDERED)
    assert totals(progress, 30.0) == "1/4 takes · USD 0.50 · 2.0 clips/min · about 1 min 30 s left"


def test_before_the_first_clip_no_time_is_guessed() -> None:
    assert totals(after(STARTED, SUBMITTED), 5.0) == "0/4 takes · USD 0.00"


def test_a_failure_that_is_tried_again_is_none_yet() -> None:
    assert after(STARTED, FAILED).failed == 0
    assert totals(after(STARTED, TakeFailed(take_id="a", code="X", message="y", request_id=None)), 1.0) == (
        "1/4 takes · USD 0.00 · 1 failed"
    )


def test_a_slower_pace_is_shown_as_long_as_it_lasts() -> None:
    progress = after(STARTED, Slowed(what="queries", wait_s=10.0), now_s=0.0)
    assert totals(progress, 5.0).endswith("slowed down by the service")
    assert totals(progress, 11.0) == "0/4 takes · USD 0.00"


def test_a_pause_is_shown_as_long_as_it_lasts() -> None:
    progress = after(STARTED, Paused(reason="no network"))
    assert totals(progress, 5.0) == "0/4 takes · USD 0.00 · waiting: no network"
    assert totals(advanced(progress, Resumed(after_s=9.0), 9.0), 9.0) == "0/4 takes · USD 0.00"


def test_a_take_keeps_its_age_while_its_state_stays() -> None:
    progress = advanced(after(SUBMITTED, now_s=1.0), WAITING, 7.0)
    assert (progress.active["kitten"].state, progress.active["kitten"].since_s) == ("queued", 1.0)
    progress = advanced(progress, RUNNING, 9.0)
    assert (progress.active["kitten"].state, progress.active["kitten"].since_s) == ("rendering", 9.0)
    assert advanced(progress, RENDERED, 9.0).active == {}


def test_what_is_not_as_it_was_asked_for_is_told_with_the_clip() -> None:
    odd = replace(RENDERED, remarks=("no sound", "4.2 s long"))
    assert transition(odd, after()) == "kitten: rendered renders/kitten.mp4 (1.2 MB); no sound; 4.2 s long"
