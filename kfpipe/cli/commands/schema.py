"""`kfpipe schema`"""

from __future__ import annotations

from pathlib import Path

import click

from kfpipe.cli import starter
from kfpipe.cli.options.common import json_option
from kfpipe.cli.output import streams, table
from kfpipe.cli.output.table import Column, Table
from kfpipe.errors import ExitCode, Refused
from kfpipe.files import schemas
from kfpipe.files.schemas import Schema, published
from kfpipe.wording import did_you_mean, echoed


@click.command("schema", epilog="Example: kfpipe schema plan > plan.schema.json")
@click.argument("name", default="manifest")
@click.option("--list", "listing", is_flag=True, help="List the names, and what each schema describes.")
@click.option("--install", is_flag=True, help="Write the manifest's schema into .kfpipe, where editors look for it.")
@json_option
def command(name: str, listing: bool, install: bool, as_json: bool) -> ExitCode:
    """Print the JSON schema of a manifest, a lockfile, or a command's output.

    NAME is one of those that --list shows: `lock` is the lockfile, `plan` what `kfpipe plan --json` prints,
    `lock-check` what `kfpipe lock check --json` does, `event` a line of `kfpipe run --events`. Editors complete and
    explain a manifest by its schema; one that `kfpipe init` wrote names the copy that --install puts into the current
    folder.
    """
    if install and (listing or name != "manifest"):
        raise click.UsageError("--install is for the manifest's schema alone")
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
            fix=did_you_mean(name, schemas.names(), "`kfpipe schema --list` names them all"),
        )
    return published(name)


def _described(name: str) -> dict[str, str]:
    schema = published(name)
    return {"title": schema["title"], "description": schema["description"]}


def _table() -> Table:
    """A row for each schema."""
    return Table(
        columns=(Column(title="name"), Column(title="describes")),
        rows=tuple((name, _described(name)["description"]) for name in schemas.names()),
    )
