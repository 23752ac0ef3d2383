"""Rates are strict over any second of real time, and refused requests make nothing."""

from __future__ import annotations

import pytest

from kfpipe.emulator.model_file import shelf
from kfpipe.emulator.rate_limit import RateLimit


def test_no_second_holds_more_than_the_limit_wherever_it_starts():
    now_s = iter([100.0, 100.5, 100.9, 101.0, 101.4, 101.5, 101.6])
    limit = RateLimit(2, lambda: next(now_s))
    assert [limit.admits() for _ in range(7)] == [True, True, False, True, False, True, False]


def test_submissions_beyond_the_rate_are_throttled_and_counted(start, bodies):
    caller = start(enforces_rates=True)
    caller.emulator.clock.stop()  # or a slow machine might not send four in a second
    statuses = [caller.submit(bodies.kf2v(seed=seed)).status_code for seed in range(4)]
    assert statuses == [200, 200, 429, 429]
    assert caller.submit(bodies.wan27()).status_code == 200, "the limit is the model's own"
    assert caller.emulator.account.throttled == {"submit": 2}
    assert len(caller.emulator.account.tasks()) == 3


def test_queries_lists_and_cancellations_share_one_rate(start):
    caller = start(enforces_rates=True, limits={"queries_per_second": 3})
    caller.emulator.clock.stop()
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


def test_a_task_that_may_not_even_wait_is_refused_and_not_made(start, bodies):
    caller = start(limits={"concurrent_tasks": 1, "queued_tasks": 2}, queue_s=0, run_s=100)
    statuses = [caller.submit(bodies.kf2v(seed=seed)).status_code for seed in range(3)]
    refused = caller.submit(bodies.kf2v(seed=4))
    assert (statuses, refused.status_code, refused.json()["code"]) == ([200] * 3, 429, "Throttling")
    assert caller.submit(bodies.wan27()).status_code == 200, "the queue is the model's own"
    assert len(caller.emulator.account.tasks()) == 4
    assert caller.emulator.account.throttled == {"submit": 1}


def test_as_many_tasks_may_wait_as_the_service_documents():
    waiting = {name: model.limits.queued_tasks for name, model in shelf().models["emulator"].items()}
    assert {name: count for name, count in waiting.items() if count != 500} == {
        "wan3.0-video": 200,
        "wan3.0-video-prime": 200,
    }


def test_the_list_of_models_has_their_prices_and_counts_as_nothing(start, bodies):
    caller = start(region="beijing", enforces_rates=True)
    for _ in range(25):
        answer = caller.http.get("models")
    output = answer.json()["output"]
    assert (output["total"], output["page_no"], output["page_size"]) == (26, 1, 100)
    entries = {entry["model"]: entry for entry in output["models"]}
    assert entries["wan2.7-i2v"] == {
        "model": "wan2.7-i2v",
        "equivalent_snapshot": "wan2.7-i2v-2026-04-25",
        "prices": [
            {"range_name": "720P", "price": "0.60", "price_unit": "per second", "currency": "CNY"},
            {"range_name": "1080P", "price": "1.00", "price_unit": "per second", "currency": "CNY"},
        ],
        "inference_offline_info": {"offline_time": None},
    }
    assert "wanx2.1-kf2v-plus" in entries
    priced = [(price["range_name"], price["price"]) for price in entries["pixverse/pixverse-v6-kf2v"]["prices"]]
    assert priced[:2] == [("360P", "0.15"), ("360P with sound", "0.21")]
    page = caller.http.get("models/", params={"page_no": 2, "page_size": 20}).json()["output"]
    assert [entry["model"] for entry in page["models"]] == list(entries)[20:]
    assert caller.submit(bodies.kf2v()).status_code == 200
    assert caller.emulator.bill().charges == ()


def test_the_limits_of_a_model_are_those_the_account_is_held_to(start):
    caller = start(limits={"queued_tasks": 7})
    answer = caller.http.get("models/limits", params={"model": "wan2.1-kf2v-plus"}).json()
    assert answer["output"] == {
        "model": "wan2.1-kf2v-plus",
        "request_limit": 1,
        "request_limit_period": 1,
        "async_user_queue_limit": 7,
        "async_user_concurrency_limit": 2,
        "workspace_limit": None,
    }
    unknown = caller.http.get("models/limits", params={"model": "wan9"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ModelNotFound")
    for path in ("models", "models/limits?model=wan2.7-i2v"):
        assert caller.http.get(path, headers={"Authorization": "Bearer token"}).status_code == 401
