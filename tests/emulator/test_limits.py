"""Rates are strict over any second of real time, and refused requests make nothing."""

from __future__ import annotations

import pytest


def test_submissions_beyond_the_rate_are_throttled_and_counted(start, bodies):
    caller = start(enforces_rates=True)
    statuses = [caller.submit(bodies.kf2v(seed=seed)).status_code for seed in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert caller.submit(bodies.wan27()).status_code == 200, "the limit is the model's own"
    assert caller.emulator.account.throttled == {"submit": 2}
    assert len(caller.emulator.account.tasks()) == 3


def test_queries_lists_and_cancellations_share_one_rate(start):
    caller = start(enforces_rates=True, limits={"queries_per_second": 3})
    assert caller.http.get("tasks/x").status_code == 200
    assert caller.http.get("tasks").status_code == 200
    assert caller.http.post("tasks/x/cancel").status_code == 400
    throttled = [caller.http.get("tasks/x"), caller.http.get("tasks"), caller.http.post("tasks/x/cancel")]
    assert {response.status_code for response in throttled} == {429}
    assert throttled[0].json()["code"] == "Throttling.RateQuota"
    assert "output" not in throttled[0].json()


def test_limits_can_be_raised(start, bodies):
    caller = start(enforces_rates=True, limits={"submissions_per_second": 1000})
    assert [caller.submit(bodies.kf2v(seed=seed)).status_code for seed in range(6)] == [200] * 6


def test_a_misspelt_limit_is_refused(start):
    with pytest.raises(ValueError, match="submission_per_second"):
        start(limits={"submission_per_second": 5})
