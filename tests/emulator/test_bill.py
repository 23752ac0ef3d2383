"""What was made is billed once, by the price list of the region."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest

from kfpipe.emulator import Emulator
from kfpipe.emulator.model_file import shelf


@pytest.mark.parametrize(
    ("region", "model", "tier", "unit_price", "currency"),
    [
        ("emulator", "wan2.7-i2v-2026-04-25", "720P", "0.10", "USD"),
        ("emulator", "wan2.2-kf2v-flash", "480P", "0.015", "USD"),
        ("emulator", "wanx2.1-kf2v-plus", "720P", "0.10", "USD"),
        ("singapore", "wan2.2-kf2v-flash", "480P", None, "USD"),
        ("beijing", "wan2.2-kf2v-flash", "480P", "0.10", "CNY"),
    ],
)
def test_a_clip_costs_its_seconds_at_the_region_s_price(start, bodies, region, model, tier, unit_price, currency):
    caller = start(region=region)
    body = bodies.kf2v() if "kf2v" in model else bodies.wan27(duration=5)
    body = {**body, "model": model, "parameters": {**body["parameters"], "resolution": tier}}
    caller.finish(caller.make(body))
    (charge,) = caller.emulator.bill().charges
    assert (charge.seconds, charge.resolution, charge.currency) == (5, tier, currency)
    assert charge.unit_price == (None if unit_price is None else Decimal(unit_price))
    assert charge.amount == (None if unit_price is None else 5 * Decimal(unit_price))


@pytest.mark.parametrize(
    ("region", "model", "prices", "currency"),
    [
        ("singapore", "wan2.7-i2v-2026-04-25", (None, "0.10", "0.15"), "USD"),
        ("singapore", "wan2.1-kf2v-plus", (None, "0.10", None), "USD"),
        ("singapore", "wan3.0-video", ("0.05", "0.10", "0.20"), "USD"),
        ("singapore", "wan3.0-video-prime", ("0.068", "0.14", "0.28"), "USD"),
        ("beijing", "wan2.7-i2v", (None, "0.60", "1.00"), "CNY"),
        ("beijing", "wanx2.1-kf2v-plus", (None, "0.70", None), "CNY"),
        ("beijing", "wan3.0-video", ("0.30", "0.60", "1.20"), "CNY"),
        ("beijing", "wan3.0-video-prime", ("0.45", "0.90", "1.80"), "CNY"),
        ("tokyo", "wan3.0-video", ("0.30", "0.60", "1.20"), "CNY"),
        ("virginia", "wan3.0-video-prime", ("0.45", "0.90", "1.80"), "CNY"),
    ],
)
def test_every_region_has_its_own_price_list(region, model, prices, currency):
    tariff = shelf().tariffs[region]
    assert model in shelf().models[region]
    found = [tariff.unit_price(model, tier) for tier in ("480P", "720P", "1080P")]
    assert (found, tariff.currency) == ([price and Decimal(price) for price in prices], currency)


def test_only_success_is_billed_and_even_if_nobody_asked(start, bodies):
    caller = start(queue_s=100, run_s=100, limits={"concurrent_tasks": 9})
    made, canceled = caller.make(bodies.kf2v()), caller.make(bodies.kf2v(seed=2))
    caller.make({"model": "wan2.2-kf2v-flash", "input": {}})
    assert caller.emulator.bill().charges == ()
    caller.http.post(f"tasks/{canceled}/cancel")
    caller.finish(canceled)
    bill = caller.http.get(f"{caller.emulator.origin}/emulator/bill").json()
    assert [charge["task_id"] for charge in bill["tasks"]] == [made]
    assert bill["tasks"][0]["amount"] == bill["total"] == "0.075"
    assert bill["tasks"][0]["prompt"] == "A lamp goes on."


def test_what_was_paid_for_twice_shows(caller, bodies):
    for _ in range(3):
        task_id = caller.make(bodies.kf2v())
    caller.make(bodies.kf2v(seed=2))
    caller.finish(task_id)
    bill = caller.http.get(f"{caller.emulator.origin}/emulator/bill").json()
    assert (bill["count"], bill["duplicate_count"], list(bill["duplicates"].values())) == (4, 2, [3])


def test_the_bill_stays_when_the_server_is_gone(bodies):
    headers = {"Authorization": "Bearer sk-x", "X-DashScope-Async": "enable"}
    with Emulator(film="tiny", queue_s=0, run_s=0) as emulator:
        url = f"{emulator.base_url}/services/aigc/image2video/video-synthesis"
        httpx.post(url, json=bodies.kf2v(), headers=headers).raise_for_status()
        emulator.account.tasks()[0].film.result(30)
    assert emulator.bill().total == Decimal("0.075")


def test_requests_are_on_record_without_any_key(caller, bodies):
    caller.submit(bodies.kf2v())
    caller.http.get("tasks", params={"page_size": 3})
    record = caller.http.get(f"{caller.emulator.origin}/emulator/requests")
    submitted, listed = record.json()["requests"]
    assert submitted["body"]["parameters"] == bodies.kf2v()["parameters"]
    assert "authorization" in submitted["header_names"]
    assert (listed["method"], listed["path"], listed["query"]) == ("GET", "/api/v1/tasks", {"page_size": "3"})
    assert "sk-" not in record.text
