"""Waits and rates at the numbers where they change."""

from __future__ import annotations

import pytest

from kfpipe.provider.codes import ThrottleKind
from kfpipe.runner.pacing import RECOVERY_S, WINDOW_S, Allowance, Pacer, backoff_s


def test_the_wait_doubles_from_one_second_to_a_minute() -> None:
    assert [backoff_s(attempt, None, 1.0) for attempt in range(1, 10)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_jitter_takes_up_to_half_of_the_wait() -> None:
    assert backoff_s(4, None, 0.0) == 4
    assert backoff_s(4, None, 0.5) == 6


def test_the_services_own_wish_wins_when_it_is_longer() -> None:
    assert backoff_s(1, 120.0, 0.0) == 120
    assert backoff_s(7, 1.0, 0.0) == 30


def test_an_absurd_wish_does_not_put_a_run_to_sleep_for_days() -> None:
    assert backoff_s(1, 1e9, 0.0) == 3600


def test_the_hundredth_attempt_can_still_be_computed() -> None:
    assert backoff_s(10_000, None, 0.0) == 30


def test_an_allowance_is_whole_until_someone_complains() -> None:
    assert Allowance.full(5.0).at(0.0) == 5


def test_an_allowance_grows_back_while_it_is_calm() -> None:
    lowered = Allowance.full(6.0).lowered(100.0, to=3.0, until_s=100.0)
    assert lowered.at(100.0) == 3
    assert lowered.at(100.0 + RECOVERY_S / 4) == pytest.approx(4.5)
    assert lowered.at(100.0 + RECOVERY_S) == 6


def test_complaints_made_together_count_once() -> None:
    once = Allowance.full(8.0).lowered(100.0, to=4.0, until_s=100.0)
    assert once.lowered(100.5, to=2.0, until_s=100.5).at(100.5) == 4
    assert once.lowered(102.0, to=2.0, until_s=102.0).at(102.0) == 2


def test_the_first_requests_are_spaced_as_well() -> None:
    pacer = Pacer(5.0)
    assert pacer.wait_s(10.0) == 0
    pacer.sent(10.0)
    assert pacer.wait_s(10.0) == pytest.approx(0.2, abs=0.01)


def test_a_place_stays_taken_until_a_window_after_the_answer() -> None:
    pacer = Pacer(1.0)
    pacer.sent(10.0)
    assert pacer.wait_s(50.0) is None
    pacer.answered(50.0)
    assert pacer.wait_s(50.0) == pytest.approx(WINDOW_S)
    assert pacer.wait_s(50.0 + WINDOW_S) == 0


def test_a_limit_below_one_still_lets_requests_out() -> None:
    pacer = Pacer(0.5)
    pacer.sent(10.0)
    pacer.answered(10.1)
    assert pacer.wait_s(10.1) == pytest.approx(1.9, abs=0.01)


def test_the_services_wish_is_waited_for_and_then_the_rate_is_lower() -> None:
    pacer = Pacer(8.0)
    pacer.throttled(10.0, ThrottleKind.RATE, 3.0)
    assert pacer.wait_s(10.0) == pytest.approx(3.0)
    assert pacer.rate_per_s(13.0) == pytest.approx(4.0)
    assert pacer.rate_per_s(13.0 + RECOVERY_S) == 8


def test_a_burst_slows_down_further_than_a_rate_and_a_quota_not_at_all() -> None:
    def rate_after(kind: ThrottleKind) -> float:
        pacer = Pacer(8.0)
        pacer.throttled(10.0, kind, None)
        return pacer.rate_per_s(10.0)

    assert rate_after(ThrottleKind.BURST) < rate_after(ThrottleKind.RATE) < rate_after(ThrottleKind.QUOTA) == 8


def test_however_often_the_service_complains_requests_continue() -> None:
    pacer = Pacer(8.0)
    for minute in range(100):
        pacer.throttled(60.0 + 2 * minute, ThrottleKind.BURST, None)
    assert pacer.rate_per_s(400.0) >= 0.125


def test_of_harmless_requests_as_many_go_on_as_were_answered() -> None:
    """One refusal among fifty requests is no reason to halve the rate; one without any answer is."""
    pacer = Pacer(100.0, harmless=True)
    for _ in range(49):
        pacer.sent(10.0)
        pacer.answered(10.1)
    pacer.throttled(10.2, ThrottleKind.RATE, None)
    assert pacer.rate_per_s(10.2) == pytest.approx(98)
    pacer.throttled(20.0, ThrottleKind.RATE, None)
    assert pacer.rate_per_s(20.0) == pytest.approx(50)


def test_after_a_delay_requests_catch_up_at_twice_the_rate_for_a_while() -> None:
    pacer, now_s, sent = Pacer(10.0), 10.0, 0
    pacer.sent(now_s)
    now_s = 10.4
    while now_s < 11.0:
        if pacer.wait_s(now_s) == 0:
            pacer.sent(now_s)
            pacer.answered(now_s)
            sent += 1
        now_s += 0.001
    assert sent == 9, "with the first one ten in a second, as if nothing had been late"
