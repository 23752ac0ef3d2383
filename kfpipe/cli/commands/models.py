"""`kfpipe models`"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from kfpipe import catalogue
from kfpipe.catalogue import Catalogue, Model, Offer, Region
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams, table
from kfpipe.cli.output.amounts import amount_text
from kfpipe.cli.output.table import Column, Table
from kfpipe.errors import ExitCode
from kfpipe.files.scalars import decimal_text


@click.command("models", cls=WithExamples, epilog=examples("kfpipe models", "kfpipe models --region beijing"))
@click.option("--region", metavar="NAME", help="Show only what this region offers.")
@json_option
def command(region: str | None, as_json: bool) -> ExitCode:
    """List models and regions, with prices and limits.

    Prices are per second of finished video. Where no price is published, give one with --price, or under `prices:` in
    the manifest. Limits are those of a new account; the manifest can set others. Each row names the source of its
    numbers, and whether the model is documented by the service or reported by users.
    """
    known = catalogue.shipped()
    regions = (
        tuple(known.regions.values()) if region is None else (known.region_named(region, "--region", otherwise=None),)
    )
    if as_json:
        streams.result_json(_as_json(known, regions))
        return ExitCode.OK
    sources = _sources(known, regions)
    table.show(_table(known, regions, sources))
    streams.result("", f"prices per second of video; /s: submissions per second; as of {known.as_of}")
    for source, mark in sources.items():
        streams.result(*table.prose(f"{mark} ", source))
    return ExitCode.OK


def _offered(known: Catalogue, regions: tuple[Region, ...]) -> Iterator[tuple[Model, Region, Offer]]:
    for model in known.models.values():
        for region in regions:
            if region.name in model.offers:
                yield model, region, model.offers[region.name]


def _sources(known: Catalogue, regions: tuple[Region, ...]) -> dict[str, str]:
    """The mark that stands in the table for each source, in the order of the marks."""
    named = (source for model, _, offer in _offered(known, regions) for source in (offer.source, model.source))
    return {source: f"[{number}]" for number, source in enumerate(dict.fromkeys(named), start=1)}


def _table(known: Catalogue, regions: tuple[Region, ...], sources: Mapping[str, str]) -> Table:
    return Table(
        columns=(
            Column(title="model"),
            Column(title="region"),
            Column(title="price", rank=1, least=30, wraps=True),
            Column(title="seconds", is_number=True, rank=3),
            Column(title="sound", rank=7),
            Column(title="/s", is_number=True, rank=6),
            Column(title="at once", is_number=True, rank=5),
            Column(title="from", rank=2),
            Column(title="model is", rank=4),
        ),
        rows=tuple(_row(model, region, offer, sources) for model, region, offer in _offered(known, regions)),
    )


def _row(model: Model, region: Region, offer: Offer, sources: Mapping[str, str]) -> tuple[str, ...]:
    seconds = {model.min_duration_s, model.max_duration_s}
    return (
        model.name,
        region.name,
        _prices(model, region, offer),
        "-".join(str(bound) for bound in sorted(seconds)),
        "yes" if model.sound else "no",
        str(offer.submissions_per_second),
        str(offer.concurrent_tasks),
        sources[offer.source],
        f"{model.certainty} {sources[model.source]}",
    )


def _prices(model: Model, region: Region, offer: Offer) -> str:
    """`USD 720P 0.10, 1080P unknown`; `USD unknown` when no price is known."""
    if not offer.prices:
        return f"{region.currency} unknown"
    prices = ((resolution, offer.prices.get(resolution)) for resolution in model.resolutions)
    told = [f"{resolution} {'unknown' if price is None else amount_text(price)}" for resolution, price in prices]
    return f"{region.currency} {', '.join(told)}"


def _as_json(known: Catalogue, regions: tuple[Region, ...]) -> dict[str, Any]:
    return {
        "as_of": known.as_of.isoformat(),
        "models": [_model_json(model, regions) for model in known.models.values()],
    }


def _model_json(model: Model, regions: tuple[Region, ...]) -> dict[str, Any]:
    return {
        "model": model.name,
        "aliases": list(model.aliases),
        "summary": model.summary,
        "certainty": model.certainty,
        "source": model.source,
        "resolutions": list(model.resolutions),
        "seconds": {"min": model.min_duration_s, "max": model.max_duration_s},
        "sound": model.sound,
        "prompt_limit_chars": model.prompt_limit_chars,
        "frames": {
            "formats": list(model.frames.formats),
            "min_side_px": model.frames.min_side_px,
            "max_side_px": model.frames.max_side_px,
            "max_size_bytes": model.frames.max_size_bytes,
            "max_aspect": model.frames.max_aspect,
        },
        "regions": [
            {
                "region": region.name,
                "currency": region.currency,
                "prices": {
                    resolution: decimal_text(model.offers[region.name].prices.get(resolution))
                    for resolution in model.resolutions
                },
                "submissions_per_second": model.offers[region.name].submissions_per_second,
                "concurrent_tasks": model.offers[region.name].concurrent_tasks,
                "source": model.offers[region.name].source,
            }
            for region in regions
            if region.name in model.offers
        ],
    }
