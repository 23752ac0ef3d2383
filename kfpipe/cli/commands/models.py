"""`kfpipe models`"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import anyio
import click

from kfpipe import catalogue, connection, environment
from kfpipe.catalogue import Catalogue, Model, Region
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams, table
from kfpipe.cli.views import models as view
from kfpipe.cli.views import terms as terms_view
from kfpipe.domain import EMULATOR_REGION
from kfpipe.errors import AccountRefused, ExitCode, Refused, ServiceRefused, ServiceUnclear
from kfpipe.maintenance import terms
from kfpipe.maintenance.terms import Agreement, ModelTerms
from kfpipe.manifest.parse import DEFAULT_REGION
from kfpipe.wording import did_you_mean, echoed, some_of


@click.command(
    "models",
    cls=WithExamples,
    epilog=examples(
        "kfpipe models",
        "kfpipe models --region beijing",
        "kfpipe models wan3.0-video",
        "kfpipe models wan2.7-i2v wan3.0-video",
        "kfpipe models --check",
    ),
)
@click.argument("names", metavar="[MODEL]...", nargs=-1)
@click.option("--region", metavar="NAME", help="Show only what this region offers.")
@click.option(
    "--check",
    is_flag=True,
    help="Ask the account whether it has these prices and limits: a few requests, free of charge. "
    f"Without --region, in {DEFAULT_REGION}.",
)
@json_option
def command(names: tuple[str, ...], region: str | None, check: bool, as_json: bool) -> ExitCode:
    """List models and regions, with prices and limits.

    With one MODEL it tells everything that is known of it, with several it puts them side by side. Prices are list
    prices per second of finished video. Where none is published, give one with --price, or under `prices:` in the
    manifest. Limits are those of a new account; the manifest can set others. Each row names the source of its numbers,
    and whether the model is documented by the service or reported by users.

    Exit code 0; with --check 1: the account says otherwise, or could not be compared; 4: the key was refused.
    """
    known = catalogue.shipped()
    named = {model.name: model for model in (_named(known, name) for name in names)}
    models = tuple((named or known.models).values())
    if check:
        place = known.region_named(region or DEFAULT_REGION, "--region", otherwise=None)
        return _check(replace(known, models={one.name: one for one in models}), place, as_json=as_json)
    if as_json:
        streams.result_json(view.as_json(known, models, _regions(known, region, with_emulator=True)))
    elif len(named) == 1:
        streams.result(*view.details(models[0], _regions(known, region, with_emulator=True)))
    else:
        rows = view.sold(known, models, _regions(known, region, with_emulator=False))
        marks = view.sources(rows)
        table.show(view.table(known, rows, marks, is_short=not named))
        streams.result(*view.legend(known, marks))
    return ExitCode.OK


def _check(known: Catalogue, region: Region, *, as_json: bool) -> ExitCode:
    """Put the account's word beside the catalogue's."""
    settings = environment.read()
    url = settings.trusted_base_url() or connection.regional_url(region, None)
    if settings.api_key is None:
        raise AccountRefused(connection.NO_KEY, f"no API key: {environment.API_KEY} is not set")
    problem: str | None = None
    found: tuple[ModelTerms, ...] = ()
    try:
        found = anyio.run(partial(terms.compared, known, region, base_url=url, api_key=settings.api_key))
    except (ServiceRefused, ServiceUnclear) as trouble:
        problem = f"the account's list of models could not be read: {trouble}"
    is_fine = problem is None and all(one.verdict is not Agreement.DIFFERS for one in found)
    code = ExitCode.OK if is_fine else ExitCode.INCOMPLETE
    if as_json:
        told = {"as_of": known.as_of.isoformat(), "region": region.name, "base_url": url, "problem": problem}
        streams.result_json({**told, "checked": terms_view.as_json(found), "exit_code": int(code)})
    else:
        streams.result(*terms_view.lines(found), *([] if problem is None else table.prose("", problem)))
        streams.result("", *table.prose("", f"{terms_view.summary(found)}; asked {url} (region {region.name})"))
    return code


def _named(known: Catalogue, name: str) -> Model:
    model = known.model(name)
    if model is None:
        names = [name for one in known.models.values() for name in (one.name, *one.aliases)]
        fix = did_you_mean(name, names, "run `kfpipe models` to list them")
        what = f"the model {echoed(name)} is not known"
        raise Refused.because("MODEL", what, expected=some_of(known.models), fix=fix)
    return model


def _regions(known: Catalogue, name: str | None, *, with_emulator: bool) -> tuple[Region, ...]:
    """The one that was asked for, else all; the emulator's play money would only be in the way of a table."""
    if name is not None:
        return (known.region_named(name, "--region", otherwise=None),)
    return tuple(one for one in known.regions.values() if with_emulator or one.name != EMULATOR_REGION)
