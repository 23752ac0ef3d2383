"""`models.toml`, read: which models each region offers, and at which prices.

A second file of the same form adds models, or takes the place of some. Keys that nobody knows are refused.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any

from kfpipe.emulator.models import (
    HOUR_S,
    REGION_IDS,
    Dialect,
    Frames,
    Lengths,
    Limits,
    LinkKind,
    Measure,
    Model,
    Patience,
    Prompts,
    Route,
    Size,
    SizeRule,
    Sound,
    Tier,
    Watermark,
)
from kfpipe.emulator.prices import Prices, Tariff, currency, play_money

OWN_MODELS = Path(__file__).with_name("models.toml")

Table = Mapping[str, Any]


class ModelsInvalid(Exception):
    """A file of models that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What can be bought, by region: models by name, and their prices."""

    models: Mapping[str, Mapping[str, Model]]
    tariffs: Mapping[str, Tariff]


@lru_cache(maxsize=8)
def shelf(more: Path | None = None) -> Shelf:
    """The emulator's own models, and those of another file. Raises `ModelsInvalid`."""
    entries: dict[str, Table] = {}
    pictures: dict[str, Any] = {}
    for path in (OWN_MODELS, *([] if more is None else [more])):
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ModelsInvalid(f"{path}: {error.strerror}") from error
        except ValueError as error:  # not TOML, or not UTF-8
            raise ModelsInvalid(f"{path}: {error}") from error
        entries.update(table.get("models", {}))
        pictures.update(table.get("tiers", {}))
    models: dict[str, dict[str, Model]] = {region: {} for region in REGION_IDS}
    prices: dict[str, dict[str, Prices]] = {region: {} for region in REGION_IDS}
    for name in entries:
        try:
            entry = _inherited(name, entries)
            made = _model(name, entry, pictures)
            for region in ("emulator", *entry["regions"]):
                models[region][name] = made
            for region, listed in _priced(entry.get("price", {})):
                prices[region][name] = listed
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
            said = f"{error} is not there" if isinstance(error, KeyError) else str(error)
            raise ModelsInvalid(f"{more or OWN_MODELS}: model {name}: {said}") from error
    tariffs = {region: Tariff(currency=currency(region), per_second=listed) for region, listed in prices.items()}
    return Shelf(models=models, tariffs=tariffs)


def _inherited(name: str, entries: Mapping[str, Table], below: tuple[str, ...] = ()) -> dict[str, Any]:
    if name in below:
        raise ValueError(f"like: {' -> '.join((*below, name))} is a circle")
    own = entries[name]
    above = _inherited(own["like"], entries, (*below, name)) if "like" in own else {}
    return {**above, **{key: value for key, value in own.items() if key != "like"}}


def _priced(given: Mapping[str, Table]) -> Iterator[tuple[str, Prices]]:
    """Each region with its prices; a key may name several regions."""
    published = {region: _prices(listed) for regions, listed in given.items() for region in regions.split()}
    yield from ((region, listed) for region, listed in published.items() if region != "emulator")
    yield "emulator", play_money(published)


def _prices(listed: Table) -> Prices:
    pairs = {tier: price if isinstance(price, list) else [price, price] for tier, price in listed.items()}
    return {tier: (Decimal(silent), Decimal(sound)) for tier, (silent, sound) in pairs.items()}


def _model(name: str, entry: Table, pictures: Mapping[str, Any]) -> Model:
    fields = {key: value for key, value in entry.items() if key not in ("regions", "price", "pixels", "tiers")}
    fields |= {
        "tiers": _tiers(entry["tiers"], {**pictures, **entry.get("pixels", {})}),
        "lengths": _lengths(**entry["lengths"]),
        "sound": Sound(entry["sound"]),
        "prompts": Prompts(**entry["prompts"]),
        "frames": _frames(**entry["frames"]),
        "usage": {field: Measure(measure) for field, measure in entry["usage"].items()},
        "limits": Limits(**entry["limits"]),
        "route": Route(entry.get("route", Route.MEDIA)),
        "dialect": Dialect(entry.get("dialect", Dialect.ROLES)),
        "size": _size(**entry.get("size", {})),
        "watermark": Watermark(entry.get("watermark", Watermark.OFF)),
        "ratios": tuple(entry.get("ratios", ())),
        "role_sets": tuple(map(frozenset, entry.get("role_sets", ()))),
        "foreign_roles": frozenset(entry.get("foreign_roles", ())),
        "templates": frozenset(entry.get("templates", ())),
        "snapshot": entry.get("snapshot") or None,
        "run_s": tuple(entry.get("run_s", (40.0, 500.0))),
        "patience": _patience(**entry.get("patience", {})),
    }
    link = fields.pop("link", {})
    return Model(name=name, link=LinkKind(link.get("kind", "oss")), link_life_h=link.get("life_h", 24), **fields)


def _tiers(given: list[str] | Mapping[str, str], pictures: Mapping[str, Any]) -> dict[str, Tier]:
    spelled = given if isinstance(given, Mapping) else {tier: tier for tier in given}
    return {
        spelling: Tier(name=name, width_px=pictures[name][0], height_px=pictures[name][1])
        for spelling, name in spelled.items()
    }


def _lengths(*, default: int | None = None, at_tier: Mapping[str, list[int]] | None = None, **given: Any) -> Lengths:
    allowed = given.pop("of") if "of" in given else range(given.pop("from"), given.pop("to") + 1)
    fewer = {tier: tuple(seconds) for tier, seconds in (at_tier or {}).items()}
    return Lengths(seconds=tuple(allowed), at_tier=fewer, default_s=default, **given)


def _size(*, rule: str = SizeRule.AREA, long_side_tiers: list[str] | None = None, **given: Any) -> Size:
    return Size(rule=SizeRule(rule), long_side_tiers=frozenset(long_side_tiers or ()), **given)


def _frames(**given: Any) -> Frames:
    lists: dict[str, Any] = {key: tuple(given.pop(key)) for key in ("formats", "sides_px") if key in given}
    if "handed_over" in given:
        lists["handed_over"] = frozenset(given.pop("handed_over"))
    return Frames(**lists, **given)


def _patience(**hours: float) -> Patience:
    return Patience(**{f"{name.removesuffix('_h')}_s": given * HOUR_S for name, given in hours.items()})
