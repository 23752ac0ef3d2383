"""TOML -> the catalogue's values. A file of kfpipe's own: KeyError and ValueError mean that it is damaged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from kfpipe.catalogue.model import (
    Certainty,
    Dialect,
    FrameRules,
    Handover,
    LimitGroup,
    LinkRules,
    Model,
    Offer,
    Rate,
    RecordingRules,
    Scope,
    Setting,
    SizeRule,
    Sizing,
    Tier,
)
from kfpipe.domain import EMULATOR_REGION, MediaRole

Fields = Mapping[str, Any]

_WAN: Final = ("resolution", "duration", "prompt_extend", "watermark", "seed")
"""The settings of most models, each under the manifest's own name."""

_REHEARSED: Final = "prices-emulator"

PLAY_RATE: Final = 6
"""What a dollar of the emulator's is worth in the money of a region that has another one."""

_STEP: Final = Decimal("0.001")


class Entries:
    """The entries of all files together: `models`, and what they refer to."""

    def __init__(self, data: Fields) -> None:
        self._models: Fields = data["models"]
        self._sources: Fields = data["sources"]
        self._currencies = {name: fields["currency"] for name, fields in data["regions"].items()}
        self.tiers = {name: Tier(**fields) for name, fields in data["tiers"].items()}
        self._groups = {name: _group(name, fields) for name, fields in data.get("groups", {}).items()}

    def models(self) -> Iterable[Model]:
        """All models, in the order of their files."""
        return (self._model(name) for name in self._models)

    def _model(self, name: str) -> Model:
        own = self._models[name]
        fields = self._with_likeness(name)
        return Model(
            name=name,
            certainty=Certainty(fields["certainty"]),
            source=self._sources[fields["source"]],
            summary=fields["summary"],
            notes=tuple(fields.get("notes", ())),
            aliases=tuple(own.get("aliases", ())),
            family=fields.get("family", "wan"),
            dialect=Dialect(fields["dialect"]),
            path=fields["path"],
            **_tiers(fields),
            tiers=self.tiers,
            **_durations(fields),
            **_settings(fields),
            **_words(fields),
            sound=fields["sound"],
            least_seed=fields.get("least_seed", 0),
            longest_wait_h=fields.get("longest_wait_h"),
            longest_run_h=fields.get("longest_run_h") or None,
            **_media(fields),
            sizing=_sizing(fields),
            links=LinkRules(life_h=fields.get("link_life_h", 24) or None, foreign=fields.get("link_foreign", False)),
            shows_prompt=fields.get("shows_prompt", True),
            switch_on=fields.get("switch_on"),
            offers=self._offers(name, fields, own.get("regions", {})),
        )

    def _with_likeness(self, name: str) -> Fields:
        """The entry over the one that it is like, which may be like another one."""
        own = self._models[name]
        return {**(self._with_likeness(own["like"]) if "like" in own else {}), **own}

    def _offers(self, model: str, fields: Fields, regions: Fields) -> Mapping[str, Offer]:
        """What each region sells. Where nothing else is said, the emulator has what the first region has."""
        found = {name: self._offer(model, fields, regions, name) for name in regions}
        if EMULATOR_REGION not in found and found:
            first = next(iter(found.values()))
            found[EMULATOR_REGION] = replace(
                first,
                wire_name=model,
                source=self._sources[_REHEARSED],
                certainty=Certainty.DOCUMENTED,
                prices=self._play_money({name: offer.prices for name, offer in found.items()}),
                prices_with_sound=self._play_money({name: offer.prices_with_sound for name, offer in found.items()}),
                free_seconds=None,
                doubt=None,
            )
        return found

    def _play_money(self, published: Mapping[str, Mapping[str, Decimal]]) -> Mapping[str, Decimal]:
        """Prices to rehearse with: those in dollars, and what is made of the others."""
        home = self._currencies[EMULATOR_REGION]
        own: dict[str, Decimal] = {}
        made: dict[str, Decimal] = {}
        for region, prices in published.items():
            if self._currencies[region] == home:
                own |= prices
            else:
                made |= {tier: (price / PLAY_RATE).quantize(_STEP, ROUND_CEILING) for tier, price in prices.items()}
        return made | own

    def _offer(self, model: str, fields: Fields, regions: Fields, region: str) -> Offer:
        own = regions[region]
        given = {**fields.get("limits", {}), **regions.get(own.get("like", ""), {}), **own}
        group = self._groups[fields["group"]] if "group" in fields else None
        return Offer(
            wire_name=given.get("wire_name", model),
            certainty=Certainty(given["certainty"]),
            source="; ".join(self._sources[name] for name in given["sources"]),
            prices=_amounts(given["prices"]),
            prices_with_sound=_amounts(given.get("prices_with_sound", {})),
            rates=_rates(given["submissions"]) if group is None else (group.rates or _rates(given["submissions"])),
            concurrent_tasks=given["concurrent_tasks"] if group is None else group.concurrent_tasks,
            queued_tasks=given.get("queued_tasks"),
            group=group,
            free_seconds=own.get("free_seconds"),
            doubt=own.get("doubt"),
        )


def _group(name: str, fields: Fields) -> LimitGroup:
    return LimitGroup(
        name=name,
        scope=Scope(fields["scope"]),
        concurrent_tasks=fields["concurrent_tasks"],
        rates=_rates(fields.get("submissions", ())),
        members=fields["members"],
    )


def _rates(given: Iterable[tuple[int, int]]) -> tuple[Rate, ...]:
    return tuple(Rate(tasks=tasks, seconds=seconds) for tasks, seconds in given)


def _amounts(given: Mapping[str, str]) -> Mapping[str, Decimal]:
    return {resolution: Decimal(price) for resolution, price in given.items()}


def _tiers(fields: Fields) -> dict[str, Any]:
    spelled = fields.get("spellings", {})
    offered = tuple(fields["resolutions"])
    return {"resolutions": offered, "spellings": {name: spelled.get(name, name) for name in offered}}


def _durations(fields: Fields) -> dict[str, Any]:
    lengths = fields.get("durations_s") or range(fields["min_duration_s"], fields["max_duration_s"] + 1)
    at = {resolution: tuple(some) for resolution, some in fields.get("durations_s_at", {}).items()}
    return {"durations_s": tuple(lengths), "durations_s_at": at}


def _settings(fields: Fields) -> dict[str, Any]:
    """A list of settings that have the manifest's names, or a table with the service's names for them."""
    given = fields.get("parameters", _WAN)
    names = given if isinstance(given, Mapping) else {name: name for name in given}
    named = {Setting(ours): theirs for ours, theirs in names.items()}
    return {"parameters": named, "constants": fields.get("constants", {})}


def _words(fields: Fields) -> dict[str, Any]:
    return {
        "prompt_limit_chars": fields["prompt_limit_chars"],
        "negative_prompt_limit_chars": fields["negative_prompt_limit_chars"],
        "chinese_counts": fields.get("chinese_counts", 1),
        "cuts_prompt": fields.get("cuts_prompt", True),
        "needs_prompt": fields.get("needs_prompt", False),
        "templates": tuple(fields["templates"]) if "templates" in fields else None,
    }


def _media(fields: Fields) -> dict[str, Any]:
    quotient = fields.get("pixel_quotient")
    handover = fields.get("handover", {"upload": "documented", "inline": "documented"})
    return {
        "combinations": tuple(frozenset(map(MediaRole, roles)) for roles in fields["combinations"]),
        "recordings": {role: _recording_rules(fields[role]) for role in MediaRole if role in fields},
        "frames": _frame_rules(fields["frames"]),
        "pixel_quotient": None if quotient is None else (Decimal(quotient[0]), Decimal(quotient[1])),
        "handover": {Handover(way): Certainty(how) for way, how in handover.items()},
    }


def _sizing(fields: Fields) -> Sizing:
    given = fields.get("size", {})
    return Sizing(
        rule=SizeRule(given.get("rule", SizeRule.AREA)),
        step_px=given.get("step_px", 16),
        sides_px=given.get("sides_px", {}),
        certain=given.get("certain", True),
        frame_rate=given.get("frame_rate", 30) or None,
    )


def _frame_rules(fields: Fields) -> FrameRules:
    safe = fields.get("safe_sides_px")
    return FrameRules(
        formats=tuple(fields["formats"]),
        min_side_px=fields.get("min_side_px"),
        max_side_px=fields.get("max_side_px"),
        safe_sides_px=None if safe is None else (safe[0], safe[1]),
        max_size_bytes=fields["max_size_bytes"],
        max_aspect=_aspect(fields),
        alpha={"refused": False, "taken": True, "unknown": None}[fields.get("alpha", "refused")],
    )


def _recording_rules(fields: Fields) -> RecordingRules:
    return RecordingRules(
        formats=tuple(fields["formats"]),
        min_s=fields["min_s"],
        max_s=fields["max_s"],
        max_size_bytes=fields["max_size_bytes"],
        min_side_px=fields.get("min_side_px"),
        max_side_px=fields.get("max_side_px"),
        max_aspect=_aspect(fields),
    )


def _aspect(fields: Fields) -> Decimal | None:
    return Decimal(str(fields["max_aspect"])) if "max_aspect" in fields else None
