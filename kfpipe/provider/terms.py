"""What an account is told of its models: prices, limits and dates, read from answers whose exact shape is not printed.

Whatever is missing or odd becomes None, or is left out; only an answer without any list of models is `ServiceUnclear`.
Source: API reference, 18.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kfpipe.errors import ServiceUnclear
from kfpipe.provider.wire import clean

_TIER: Final = re.compile(r"(?<![0-9A-Za-z])(\d{3,4}P|[1-9]K)(?![0-9A-Za-z])", re.IGNORECASE)
_AMOUNT: Final = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)
_PER_SECOND: Final = re.compile(r"second|秒|/\s*s\b", re.IGNORECASE)
_DEPTH: Final = 4
_TEXT_LIMIT_CHARS: Final = 40

_NAMES: Final = ("range_name", "type", "price_name", "name", "resolution")
"""Where a price says which resolution it is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice:
    """What a second of video costs; `currency` is None where the answer names none."""

    resolution: str
    amount: Decimal
    currency: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """A model that the account may use. `offline_at` is the day on which it ends, in the service's own words."""

    name: str
    prices: tuple[ListedPrice, ...]
    offline_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedLimits:
    """The account's limits for a model, None where the answer does not say; `rate` is tasks and seconds."""

    rate: tuple[int, int] | None
    concurrent_tasks: int | None
    queued_tasks: int | None


_NO_LIMITS: Final = ListedLimits(rate=None, concurrent_tasks=None, queued_tasks=None)


def listed_models(answer: Mapping[str, Any]) -> tuple[tuple[ListedModel, ...], int | None]:
    """A page of the list of models, and how many there are in all. Raises `ServiceUnclear` for any other answer."""
    body = _body(answer)
    rows = body.get("models", body.get("data")) if isinstance(body, Mapping) else body
    if not isinstance(rows, list):
        raise ServiceUnclear("the answer contains no list of models")
    found = tuple(model for row in rows if (model := _model(row)) is not None)
    if rows and not found:
        raise ServiceUnclear("no entry of the list of models names a model")
    return found, _whole(body.get("total")) if isinstance(body, Mapping) else None


def model_limits(answer: Mapping[str, Any], name: str) -> ListedLimits:
    """The account's limits for the model, those of its workspace where they are lower.

    Raises `ServiceUnclear` where the answer holds none.
    """
    body = _body(answer)
    rows = body.get("quotas", body.get("limits")) if isinstance(body, Mapping) else body
    if isinstance(rows, list):
        body = next((row for row in rows if isinstance(row, Mapping) and row.get("model", name) == name), {})
    holders = [body.get("model_limit"), body.get("workspace_limit"), body]
    limits = [_limits(fields) for fields in holders if isinstance(fields, Mapping)]
    rates = [one.rate for one in limits if one.rate is not None]
    found = ListedLimits(
        rate=min(rates, key=lambda rate: rate[0] / rate[1], default=None),
        concurrent_tasks=_lowest(one.concurrent_tasks for one in limits),
        queued_tasks=_lowest(one.queued_tasks for one in limits),
    )
    if found == _NO_LIMITS:
        raise ServiceUnclear("the answer contains no limits")
    return found


def _limits(fields: Mapping[str, Any]) -> ListedLimits:
    tasks, seconds = _whole(fields.get("request_limit")), _whole(fields.get("request_limit_period"))
    return ListedLimits(
        rate=(tasks, seconds) if tasks and seconds else None,
        concurrent_tasks=_whole(fields.get("async_user_concurrency_limit")),
        queued_tasks=_whole(fields.get("async_user_queue_limit")),
    )


def _lowest(numbers: Iterable[int | None]) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def _body(answer: Mapping[str, Any]) -> Any:
    return next((answer[name] for name in ("output", "data") if isinstance(answer.get(name), dict | list)), answer)


def _model(row: Any) -> ListedModel | None:
    name = row.get("model", row.get("id")) if isinstance(row, Mapping) else None
    if not isinstance(name, str):
        return None
    return ListedModel(
        name=name,
        prices=tuple(_prices(row.get("prices"), None, _DEPTH)),
        offline_at=_offline_at(row.get("inference_offline_info")),
    )


def _prices(value: Any, resolution: str | None, depth: int) -> Iterator[ListedPrice]:
    """The prices in a list of them, which may nest: a range with several prices in it."""
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list) or not depth:
        return
    for row in value:
        if isinstance(row, Mapping):
            meant = next((tier for name in _NAMES if (tier := _tier(row.get(name)))), resolution)
            yield from _prices(row.get("prices"), meant, depth - 1)
            amount = _amount(row.get("price"))
            if amount is not None and meant is not None and _is_per_second(row):
                yield ListedPrice(resolution=meant, amount=amount, currency=_currency(row))


def _is_per_second(row: Mapping[str, Any]) -> bool:
    unit = row.get("price_unit")
    return not isinstance(unit, str) or not unit or _PER_SECOND.search(unit) is not None


def _tier(value: Any) -> str | None:
    found = _TIER.search(value) if isinstance(value, str) else None
    return None if found is None else found[1].upper()


def _amount(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    text = str(value).strip()
    try:
        return Decimal(text) if _AMOUNT.fullmatch(text) else None
    except InvalidOperation:
        return None


def _currency(row: Mapping[str, Any]) -> str | None:
    """The currency's code, where one is named; the unit may name it too."""
    words = [row.get(name) for name in ("currency", "price_unit")]
    texts = [text.upper() for text in words if isinstance(text, str)]
    for code, signs in (("USD", ("USD", "$")), ("CNY", ("CNY", "RMB", "¥", "元"))):
        if any(sign in text for text in texts for sign in signs):
            return code
    return clean(texts[0])[:_TEXT_LIMIT_CHARS] if isinstance(words[0], str) and words[0] else None


def _offline_at(value: Any) -> str | None:
    """The text under `offline_time`, which may lie one step deeper."""
    if not isinstance(value, Mapping):
        return None
    for holder in (value, *(inner for inner in value.values() if isinstance(inner, Mapping))):
        for name in ("offline_time", "offlineTime"):
            told = holder.get(name)
            if isinstance(told, str | int) and not isinstance(told, bool) and str(told).strip():
                return clean(str(told))[:_TEXT_LIMIT_CHARS]
    return None


def _whole(value: Any) -> int | None:
    """A whole number that may come as text, or as `5.0`."""
    amount = _amount(value)
    return int(amount) if amount is not None and amount == amount.to_integral_value() else None
