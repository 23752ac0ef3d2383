"""What the account is told about the models that it can buy: their prices, and how much of them it may ask for."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from kfpipe.emulator.models import Model
from kfpipe.emulator.prices import Tariff
from kfpipe.emulator.web import wire

Json = dict[str, Any]


def models(offered: Mapping[str, Model], tariff: Tariff, page_no: int, page_size: int) -> Json:
    """A page of the list of models. A model whose price is not known has none."""
    start = (page_no - 1) * page_size
    shown = list(offered.values())[start : start + page_size]
    output = {
        "models": [_entry(model, tariff) for model in shown],
        "total": len(offered),
        "page_no": page_no,
        "page_size": page_size,
    }
    return {"request_id": wire.request_id(), "output": output}


def limits(model: Model, allowed: Mapping[str, int]) -> Json:
    """What the account may ask of one model; `allowed` are the numbers it is held to, by the names of the settings."""
    output = {
        "model": model.name,
        "request_limit": allowed["submissions_per_second"],
        "request_limit_period": 1,
        "async_user_queue_limit": allowed["queued_tasks"],
        "async_user_concurrency_limit": allowed["concurrent_tasks"],
        "workspace_limit": None,
    }
    return {"request_id": wire.request_id(), "output": output}


def _entry(model: Model, tariff: Tariff) -> Json:
    prices = dict(_prices(model, tariff))
    return {
        "model": model.name,
        "equivalent_snapshot": model.snapshot,
        "prices": [
            {"range_name": tier, "price": str(price), "price_unit": "per second", "currency": tariff.currency}
            for tier, price in prices.items()
            if price is not None
        ],
        "inference_offline_info": {"offline_time": None},
    }


def _prices(model: Model, tariff: Tariff) -> Iterator[tuple[str, Decimal | None]]:
    """The price of each tier, twice where sound has one of its own."""
    for tier in model.tiers.values():
        silent, sound = (tariff.unit_price(model.name, tier.name, has_sound=has_sound) for has_sound in (False, True))
        yield tier.name, silent
        if sound != silent:
            yield f"{tier.name} with sound", sound
