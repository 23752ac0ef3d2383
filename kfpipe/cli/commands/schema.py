"""`kfpipe schema`"""

from __future__ import annotations

from pathlib import Path

import click

from kfpipe.cli import starter
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams, table
from kfpipe.cli.output.table import Column, Table
from kfpipe.errors import ExitCode, Refused
from kfpipe.files import schemas
from kfpipe.files.schemas import Schema, published
from kfpipe.wording import did_you_mean, echoed


@click.command(
    "schema",
    cls=WithExamples,
    epilog=examples("kfpipe schema --list", "kfpipe schema plan > plan.schema.json", "kfpipe schema --install"),
)
@click.argument("name", default="manifest")
@click.option("--list", "listing", is_flag=True, help="List all schemas.")
@click.option("--install", is_flag=True, help="Write the manifest's schema to .kfpipe, for editors.")
@json_option
def command(name: str, listing: bool, install: bool, as_json: bool) -> ExitCode:
    """Print the JSON Schema of a file or of a command's output.

    NAME is `manifest` (the default), `lock` for a lockfile, `event` for a line of `kfpipe run --events`, or a command:
    `plan` describes `kfpipe plan --json`, `lock-check` describes `kfpipe lock check --json`. See --list for all.

    With its schema, an editor completes and checks a manifest as you write. Manifests made by `kfpipe init` refer to
    the copy that --install writes into the current folder.
    """
    if install and (listing or name != "manifest"):
        raise click.UsageError("--install works only for the manifest's schema")
    if install:
        _install(as_json=as_json)
    elif listing:
        _list(as_json=as_json)
    else:
        streams.result_json(_named(name))
    return ExitCode.OK


def _install(*, as_json: bool) -> None:
    starter.write_schema(Path())
    if as_json:
        streams.result_json({"written": starter.SCHEMA, "exit_code": int(ExitCode.OK)})
    else:
        streams.result(starter.SCHEMA)


def _list(*, as_json: bool) -> None:
    if as_json:
        streams.result_json({"schemas": [{"name": name, **_described(name)} for name in schemas.names()]})
    else:
        table.show(_table())


def _named(name: str) -> Schema:
    if name not in schemas.names():
        raise Refused.because(
            "kfpipe schema",
            f"there is no schema {echoed(name)}",
            fix=did_you_mean(name, schemas.names(), "run `kfpipe schema --list` to list them"),
        )
    return published(name)


def _described(name: str) -> dict[str, str]:
    schema = published(name)
    return {"title": schema["title"], "description": schema["description"]}


def _table() -> Table:
    """A row for each schema."""
    return Table(
        columns=(Column(title="name"), Column(title="describes", least=30, wraps=True)),
        rows=tuple((name, _described(name)["description"]) for name in schemas.names()),
    )
