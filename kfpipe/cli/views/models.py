"""The catalogue for a person: a table of what is sold where, and all that is known of one model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kfpipe.catalogue import Catalogue, FrameRules, Model, Offer, RecordingRules, Region
from kfpipe.cli.output.amounts import amount_text
from kfpipe.cli.output.table import Column, Table, prose
from kfpipe.domain import MediaRole
from kfpipe.files.scalars import decimal_text
from kfpipe.wording import listed

UNKNOWN = "?"
NOT_OFFERED = "-"
NOT_BOUND = "?"
DEARER = "+"

_COMMON = ("480P", "720P", "1080P")
"""The tiers that most models have; a narrow table leaves out the others."""

Sold = tuple[Model, Region, Offer]


def sold(known: Catalogue, models: Sequence[Model], regions: Sequence[Region]) -> tuple[Sold, ...]:
    """What is sold in the regions, model by model."""
    return tuple((m, region, m.offers[region.name]) for m in models for region in regions if region.name in m.offers)


def sources(rows: Sequence[Sold]) -> dict[str, str]:
    """The mark that stands in the table for each source, in the order of the marks."""
    named = (source for model, _, offer in rows for source in (offer.source, model.source))
    return {source: f"[{number}]" for number, source in enumerate(dict.fromkeys(named), start=1)}


def table(known: Catalogue, rows: Sequence[Sold], marks: Mapping[str, str], *, is_short: bool = True) -> Table:
    """A row for each model and region, a column for each resolution that one of them has.

    `is_short` leaves out the prices with sound, and marks what costs more with it.
    """
    tiers = [tier for tier in known.tiers if any(tier in model.resolutions for model, _, _ in rows)]
    return Table(
        columns=(
            Column(title="model"),
            Column(title="region"),
            Column(title="bills in", rank=1),
            *(Column(title=tier, is_number=True, rank=0 if tier in _COMMON else 5) for tier in tiers),
            Column(title="seconds", is_number=True, rank=2),
            Column(title="sound", rank=6),
            Column(title="frame px", is_number=True, rank=7),
            Column(title="prompt", is_number=True, rank=8),
            Column(title="/s", is_number=True, rank=4),
            Column(title="at once", is_number=True, rank=3),
            Column(title="from", rank=9),
            Column(title="model is", rank=10),
        ),
        rows=tuple(_row(sale, tiers, marks, is_short=is_short) for sale in rows),
    )


def _row(sale: Sold, tiers: Sequence[str], marks: Mapping[str, str], *, is_short: bool) -> tuple[str, ...]:
    model, region, offer = sale
    return (
        model.name,
        region.name,
        region.currency,
        *(_both_prices(model, offer, tier, is_short=is_short) for tier in tiers),
        _span(model.min_duration_s, model.max_duration_s),
        _sound(model),
        _span(model.frames.min_side_px, model.frames.max_side_px),
        str(model.prompt_limit_chars),
        f"{offer.submissions_per_second:g}",
        str(offer.concurrent_tasks),
        marks[offer.source],
        f"{model.certainty} {marks[model.source]}",
    )


def _price(model: Model, offer: Offer, tier: str) -> str:
    price = offer.prices.get(tier)
    if price is not None:
        return amount_text(price)
    return UNKNOWN if tier in model.resolutions else NOT_OFFERED


def _both_prices(model: Model, offer: Offer, tier: str, *, is_short: bool) -> str:
    """The price without and with sound where they differ, or, in short, a mark that they do."""
    silent = _price(model, offer, tier)
    if not offer.charges_for_sound(tier):
        return silent
    return f"{silent}{DEARER}" if is_short else f"{silent}/{amount_text(offer.prices_with_sound[tier])}"


def _span(least: int | None, most: int | None) -> str:
    return str(least) if least == most is not None else f"{least or NOT_BOUND}-{most or NOT_BOUND}"


def _sound(model: Model) -> str:
    if model.audio_choice:
        return "choice"
    return "yes" if model.sound else "no"


def legend(known: Catalogue, marks: Mapping[str, str]) -> Iterator[str]:
    """What the table's words and marks mean."""
    yield ""
    text = (
        f"list prices per second of video, as of {known.as_of}; {NOT_OFFERED}: not offered, {UNKNOWN}: not published, "
        f"{DEARER}: more with sound, or 0.60/0.90: without and with it; /s: submissions per second"
    )
    yield from prose("", text)
    for source, mark in marks.items():
        yield from prose(f"{mark} ", source)
    yield from prose("", "`kfpipe models MODEL` shows everything that is known of one, and of several a table")


# ---- one model ---------------------------------------------------------------------------------------------------


def details(model: Model, regions: Sequence[Region]) -> Iterator[str]:
    """All that is known of a model, and of its sale in the regions."""
    yield from prose("", f"{model.name}: {model.summary}")
    yield from _facts(_model_facts(model))
    for region in regions:
        offer = model.offers.get(region.name)
        if offer is not None:
            yield ""
            yield f"region {region.name}"
            yield from _facts(_offer_facts(model, region, offer))


def _facts(facts: Iterator[tuple[str, str]]) -> Iterator[str]:
    for name, text in facts:
        yield from prose(f"  {name:<12}", text)


def _model_facts(model: Model) -> Iterator[tuple[str, str]]:
    yield "documented" if model.certainty == "documented" else "reported", model.source
    if model.aliases:
        yield "also named", listed(model.aliases, "and")
    yield "resolutions", listed(model.resolutions)
    yield "seconds", _span(model.min_duration_s, model.max_duration_s).replace("-", " to ")
    yield "sound", {"choice": "on or off, by `audio`", "yes": "always", "no": "none"}[_sound(model)]
    yield "media", "; ".join(_combined(combination) for combination in model.combinations)
    yield "frames", _still_rules(model.frames)
    for role, rules in model.recordings.items():
        yield role, _recording_rules(rules)
    yield "prompt", f"at most {model.prompt_limit_chars:,} characters, and {_negative(model)}"
    yield "effects", listed(model.templates, "and") if model.templates else "none"
    if model.longest_run_h is not None:
        waiting = "" if model.longest_wait_h is None else f"{model.longest_wait_h} h of waiting, or "
        yield "given up", f"after {waiting}{model.longest_run_h} h{' of work' if waiting else ''}"


def _combined(combination: frozenset[MediaRole]) -> str:
    return " + ".join(role for role in MediaRole if role in combination)


def _negative(model: Model) -> str:
    limit = model.negative_prompt_limit_chars
    return f"{limit:,} of a negative one" if limit else "no negative one"


def _still_rules(rules: FrameRules) -> str:
    shape = "" if rules.max_aspect is None else f", at most {rules.max_aspect}:1"
    safe = "" if rules.safe_sides_px is None else f" ({' to '.join(map(str, rules.safe_sides_px))} to be safe)"
    sides = f"sides of {rules.min_side_px} to {rules.max_side_px} px{safe}{shape}"
    return f"{listed(rules.formats)}, {sides}, {rules.max_size_bytes // 2**20} MB"


def _recording_rules(rules: RecordingRules) -> str:
    sides = "" if rules.min_side_px is None else f", sides of {rules.min_side_px} to {rules.max_side_px} px"
    return f"{listed(rules.formats)}, {rules.min_s} to {rules.max_s} s{sides}, {rules.max_size_bytes // 2**20} MB"


def _offer_facts(model: Model, region: Region, offer: Offer) -> Iterator[tuple[str, str]]:
    shared, own = region.base_url(None), region.workspace_url("WORKSPACE")
    yield "address", own if shared is None else f"{shared}, or a workspace's own, {own}"
    if offer.wire_name != model.name:
        yield "sent as", offer.wire_name
    if offer.doubt is not None:
        yield "in doubt", offer.doubt
    prices = ", ".join(f"{tier} {_price(model, offer, tier)}" for tier in model.resolutions)
    loud = ", ".join(f"{tier} {amount_text(price)}" for tier, price in offer.prices_with_sound.items())
    with_sound = f"; with sound {loud}" if loud else ""
    yield "price", f"{region.currency} {prices} per second{with_sound}" if offer.prices else "not published"
    rates = listed([f"{rate.tasks} per {rate.seconds} s" for rate in offer.rates], "and")
    yield "limits", f"{rates}; {offer.concurrent_tasks} at once{_waiting(offer)}"
    if offer.free_seconds is not None:
        yield "free", f"{offer.free_seconds} s for 90 days, in a new account"
    yield offer.certainty, offer.source


def _waiting(offer: Offer) -> str:
    return "" if offer.queued_tasks is None else f", {offer.queued_tasks} more may wait"


# ---- JSON --------------------------------------------------------------------------------------------------------


def as_json(known: Catalogue, models: Sequence[Model], regions: Sequence[Region]) -> dict[str, Any]:
    return {"as_of": known.as_of.isoformat(), "models": [_model_json(model, regions) for model in models]}


def _model_json(model: Model, regions: Sequence[Region]) -> dict[str, Any]:
    return {
        "model": model.name,
        "aliases": list(model.aliases),
        "summary": model.summary,
        "certainty": model.certainty,
        "source": model.source,
        "resolutions": list(model.resolutions),
        "seconds": {"min": model.min_duration_s, "max": model.max_duration_s},
        "sound": model.sound,
        "sound_is_optional": model.audio_choice,
        "prompt_limit_chars": model.prompt_limit_chars,
        "negative_prompt_limit_chars": model.negative_prompt_limit_chars,
        "templates": list(model.templates or ()),
        "media": [[role for role in MediaRole if role in combination] for combination in model.combinations],
        "frames": _frames_json(model.frames),
        "longest_wait_h": model.longest_wait_h,
        "longest_run_h": model.longest_run_h,
        "regions": [_offer_json(model, region) for region in regions if region.name in model.offers],
    }


def _frames_json(rules: FrameRules) -> dict[str, Any]:
    return {
        "formats": list(rules.formats),
        "min_side_px": rules.min_side_px,
        "max_side_px": rules.max_side_px,
        "safe_sides_px": None if rules.safe_sides_px is None else list(rules.safe_sides_px),
        "max_size_bytes": rules.max_size_bytes,
        "max_aspect": rules.max_aspect and float(rules.max_aspect),
    }


def _offer_json(model: Model, region: Region) -> dict[str, Any]:
    offer = model.offers[region.name]
    return {
        "region": region.name,
        "base_url": region.base_url(None),
        "sent_as": offer.wire_name,
        "certainty": offer.certainty,
        "doubt": offer.doubt,
        "currency": region.currency,
        "prices": {resolution: decimal_text(offer.prices.get(resolution)) for resolution in model.resolutions},
        "prices_with_sound": {tier: decimal_text(price) for tier, price in offer.prices_with_sound.items()},
        "submissions_per_second": offer.submissions_per_second,
        "rates": [{"tasks": rate.tasks, "seconds": rate.seconds} for rate in offer.rates],
        "concurrent_tasks": offer.concurrent_tasks,
        "queued_tasks": offer.queued_tasks,
        "free_seconds": offer.free_seconds,
        "source": offer.source,
    }
