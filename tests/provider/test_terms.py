"""What an account is told of its models, in the shapes that are known and in some that are not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kfpipe.errors import ServiceUnclear
from kfpipe.provider.terms import ListedLimits, listed_models, model_limits

FLAT = {"range_name": "720P", "price": "0.1", "price_unit": "per second", "currency": "USD"}


@pytest.mark.parametrize(
    ("prices", "found"),
    [
        ([FLAT], [("720P", "0.1", "USD")]),
        ([FLAT | {"price": Decimal("0.10"), "price_unit": "USD/second", "currency": None}], [("720P", "0.10", "USD")]),
        ([FLAT | {"currency": "", "range_name": "video (1080p, with sound)"}], [("1080P", "0.1", None)]),
        ([{"range_name": "720P", "prices": [{"type": "video", "price": "0.6", "price_unit": "元/秒"}]}],
         [("720P", "0.6", "CNY")]),
        ([{"range_name": "", "prices": [{"type": "video_720P", "price": 1}]}], [("720P", "1", None)]),
        ([{"range_name": "any", "prices": [{"price_name": "480P", "price": 1}]}], [("480P", "1", None)]),
        (FLAT, [("720P", "0.1", "USD")]),
        ([FLAT | {"price_unit": "per million tokens"}], []),
        ([FLAT | {"price": "-1"}, FLAT | {"price": "1e9"}, FLAT | {"price": True}, FLAT | {"price": "free"}], []),
        ([None, 7, "720P", [], {}], []),
        (None, []),
    ],
)  # fmt: skip
def test_a_price_is_read_where_it_is_plain(prices: Any, found: list[tuple[str, str, str | None]]) -> None:
    ((model,), total) = listed_models({"output": {"models": [{"model": "wan", "prices": prices}], "total": "1"}})
    assert [(one.resolution, str(one.amount), one.currency) for one in model.prices] == found
    assert total == 1


@pytest.mark.parametrize("holder", ["output", "data"])
def test_the_list_may_lie_under_either_name(holder: str) -> None:
    assert listed_models({holder: {"models": [{"model": "wan"}]}})[0][0].name == "wan"


@pytest.mark.parametrize(
    ("info", "told"),
    [
        (None, None),
        ({"offline_time": None}, None),
        ({"offline_time": "2027-01-31"}, "2027-01-31"),
        ({"offlineTime": 1801353600000}, "1801353600000"),
        ({"global": {"offline_time": "2027-01-31"}}, "2027-01-31"),
        ("2027-01-31", None),
        ([], None),
    ],
)
def test_the_day_of_a_models_end_is_told_in_the_services_own_words(info: Any, told: str | None) -> None:
    ((model,), _) = listed_models({"output": {"models": [{"model": "wan", "inference_offline_info": info}]}})
    assert model.offline_at == told


OWN = {
    "request_limit": 5,
    "request_limit_period": "1",
    "async_user_queue_limit": Decimal("500.0"),
    "async_user_concurrency_limit": 5,
}
READ = ListedLimits(rate=(5, 1), concurrent_tasks=5, queued_tasks=500)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"model": "wan", **OWN, "workspace_limit": None}, READ),
        ({"quotas": [{"model": "other", "model_limit": {}}, {"model": "wan", "model_limit": OWN}]}, READ),
        ({"model_limit": OWN, "workspace_limit": {"async_user_concurrency_limit": 2}},
         ListedLimits(rate=(5, 1), concurrent_tasks=2, queued_tasks=500)),
        ({"async_user_queue_limit": 200}, ListedLimits(rate=None, concurrent_tasks=None, queued_tasks=200)),
    ],
)  # fmt: skip
def test_limits_are_read_flat_or_in_rows(body: Any, found: ListedLimits) -> None:
    assert model_limits({"output": body}, "wan") == found


@pytest.mark.parametrize(
    "body", [{}, [], {"quotas": []}, {"quotas": "5"}, {"request_limit": "many"}, {"model_limit": []}]
)
def test_limits_of_another_shape_are_unclear(body: Any) -> None:
    with pytest.raises(ServiceUnclear):
        model_limits({"output": body}, "wan")
