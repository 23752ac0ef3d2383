"""Does the account have the prices and limits that the catalogue says? It is asked, which costs nothing.

What cannot be read is a note and never a difference: the exact answers are not documented, and not on every host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from kfpipe.addresses import is_loopback
from kfpipe.catalogue import Catalogue, Model, Offer, Region
from kfpipe.errors import AccountRefused, Refused, ServiceRefused, ServiceUnclear
from kfpipe.provider import refusals, terms, wire
from kfpipe.provider.terms import ListedLimits, ListedModel, ListedPrice
from kfpipe.provider.transport import Transport, is_secure
from kfpipe.version import __version__
from kfpipe.wording import listed

PAGE_SIZE: Final = 100
PAGES_MAX: Final = 20

_TIMEOUT_S: Final = 20.0
_ANSWER_LIMIT_BYTES: Final = 8 << 20
_PRICE_FIX: Final = "give the price with --price, or under `prices:` in the manifest"
_LIMIT_FIX: Final = "set it under `limits:` in the manifest"


class Agreement(StrEnum):
    """How something came out. A note is worth knowing; a difference makes the command exit with 1."""

    SAME = "same"
    NOTE = "note"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Where the account and the catalogue are not known to agree; `fix` says what to do about it."""

    verdict: Agreement
    what: str
    fix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTerms:
    """What is to be said of one model; nothing, when the account has it as the catalogue says."""

    model: str
    remarks: tuple[Remark, ...]

    @property
    def verdict(self) -> Agreement:
        """The worst of the remarks."""
        worst = {remark.verdict for remark in self.remarks}
        return next((one for one in (Agreement.DIFFERS, Agreement.NOTE) if one in worst), Agreement.SAME)


async def compared(known: Catalogue, region: Region, *, base_url: str, api_key: str) -> tuple[ModelTerms, ...]:
    """Every model of the region beside what the account says of it.

    Raises `AccountRefused` for the key, `ServiceRefused` and `ServiceUnclear` when the list of models cannot be read.
    """
    local = is_loopback(base_url)
    if not is_secure(base_url, local=local):
        raise Refused.because("region", f"{base_url} is not an address that kfpipe would send a key to")
    headers = {"User-Agent": f"kfpipe/{__version__}", "Authorization": f"Bearer {api_key}"}
    sales = [(model, model.offers[region.name]) for model in known.models.values() if region.name in model.offers]
    async with Transport(headers=headers, direct=local, secret=api_key) as transport:
        asker = _Asker(transport, base_url.rstrip("/"), api_key)
        found, is_whole = await asker.models({offer.wire_name for _, offer in sales})
        return tuple(
            [
                ModelTerms(
                    model=offer.wire_name,
                    remarks=tuple(
                        remarks(model, region, offer, found[offer.wire_name], await asker.limits(offer.wire_name))
                        if offer.wire_name in found
                        else _missing(offer, is_whole)
                    ),
                )
                for model, offer in sales
            ]
        )


class _Asker:
    """Two questions to an account, each a bounded GET."""

    def __init__(self, transport: Transport, base_url: str, api_key: str) -> None:
        self._transport = transport
        self._base_url = base_url
        self._secret = api_key

    async def models(self, wanted: set[str]) -> tuple[Mapping[str, ListedModel], bool]:
        """The listed models of those names, and whether the list was read to its end."""
        found: dict[str, ListedModel] = {}
        count = 0
        for page in range(1, PAGES_MAX + 1):
            params = {"page_no": str(page), "page_size": str(PAGE_SIZE)}
            rows, total = terms.listed_models(await self._get("models", params))
            count += len(rows)
            found |= {row.name: row for row in rows if row.name in wanted}
            if not rows or found.keys() == wanted or count >= (count if total is None else total):
                return found, True
        return found, False

    async def limits(self, name: str) -> ListedLimits | str:
        """The account's limits for a model, or why they could not be read."""
        try:
            return terms.model_limits(await self._get("models/limits", {"model": name}), name)
        except (AccountRefused, ServiceRefused, ServiceUnclear) as trouble:
            return str(trouble)

    async def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        answer = await self._transport.ask(
            "GET",
            f"{self._base_url}/{path}",
            params=params,
            silence_s=_TIMEOUT_S,
            deadline_s=_TIMEOUT_S,
            limit_bytes=_ANSWER_LIMIT_BYTES,
        )
        fields = wire.json_object(answer.content, secret=self._secret)
        if answer.status == 200 and fields is not None:
            return fields
        failure = refusals.failure(answer.status, fields, answer.content, retry_after_s=None)
        if answer.status == 401 and isinstance(failure, ServiceRefused):
            raise AccountRefused(failure.code, failure.message, request_id=failure.request_id)
        raise failure


# ---- what differs: pure ------------------------------------------------------------------------------------------


def remarks(
    model: Model, region: Region, offer: Offer, told: ListedModel, limits: ListedLimits | str
) -> Iterator[Remark]:
    """What the account says of a model that the catalogue does not, or says otherwise."""
    if told.offline_at is not None:
        fix = "render what you need before, or move to another model"
        yield Remark(verdict=Agreement.DIFFERS, what=f"the service ends this model: {told.offline_at}", fix=fix)
    yield from _price_remarks(model, region, offer, told.prices)
    if isinstance(limits, str):
        yield Remark(verdict=Agreement.NOTE, what=f"its limits could not be read: {limits}")
    else:
        yield from _limit_remarks(offer, limits)


def _missing(offer: Offer, is_whole: bool) -> Iterator[Remark]:
    if not is_whole:
        what = f"it is not among the first {PAGE_SIZE * PAGES_MAX:,} models of the account's list"
        yield Remark(verdict=Agreement.NOTE, what=what)
    elif offer.doubt is not None:
        yield Remark(verdict=Agreement.NOTE, what="the account's list does not have it, as the catalogue suspects")
    else:
        what, fix = "the account's list does not have it", "open the model in the console, or choose another one"
        yield Remark(verdict=Agreement.DIFFERS, what=what, fix=fix)


def _price_remarks(model: Model, region: Region, offer: Offer, prices: tuple[ListedPrice, ...]) -> Iterator[Remark]:
    if not prices:
        yield Remark(verdict=Agreement.NOTE, what="the account's list has no price per second for it")
    told: dict[str, set[Decimal]] = {}
    foreign = {price.currency for price in prices if price.currency not in (None, region.currency)}
    for price in prices:
        if price.currency in (None, region.currency):
            told.setdefault(price.resolution, set()).add(price.amount)
    for currency in sorted(filter(None, foreign)):
        what = f"the account's prices are in {currency}, the catalogue's in {region.currency}: they are not compared"
        yield Remark(verdict=Agreement.NOTE, what=what)
    for resolution, amounts in told.items():
        cost = f"{region.currency} {listed(f'{amount.normalize():f}' for amount in sorted(amounts))} a second"
        own = offer.prices.get(resolution)
        if resolution not in model.resolutions:
            yield Remark(verdict=Agreement.NOTE, what=f"{resolution} is offered too, at {cost}", fix=_PRICE_FIX)
        elif own is None:
            what = f"{resolution} costs {cost}; the catalogue has no price"
            yield Remark(verdict=Agreement.NOTE, what=what, fix=_PRICE_FIX)
        elif own not in amounts:
            what = f"{resolution} costs {cost}, in the catalogue {own}"
            yield Remark(verdict=Agreement.DIFFERS, what=what, fix=_PRICE_FIX)


def _limit_remarks(offer: Offer, limits: ListedLimits) -> Iterator[Remark]:
    """A rate agrees with any of those that are published: 5 a second and 300 a minute are the same."""
    if limits.rate is not None:
        tasks, seconds = limits.rate
        if not any(rate.tasks * seconds == tasks * rate.seconds for rate in offer.rates):
            known = listed(f"{rate.tasks} per {rate.seconds} s" for rate in offer.rates)
            what = f"{tasks} submissions per {seconds} s, in the catalogue {known}"
            yield Remark(verdict=Agreement.DIFFERS, what=what, fix=_LIMIT_FIX)
    if limits.concurrent_tasks is not None and limits.concurrent_tasks != offer.concurrent_tasks:
        what = f"{limits.concurrent_tasks} tasks at once, in the catalogue {offer.concurrent_tasks}"
        yield Remark(verdict=Agreement.DIFFERS, what=what, fix=_LIMIT_FIX)
    if None not in (limits.queued_tasks, offer.queued_tasks) and limits.queued_tasks != offer.queued_tasks:
        what = f"{limits.queued_tasks} tasks may wait, in the catalogue {offer.queued_tasks}"
        yield Remark(verdict=Agreement.DIFFERS, what=what)
