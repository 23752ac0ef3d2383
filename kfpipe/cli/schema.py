"""`kfpipe schema`"""

from __future__ import annotations

import click

from kfpipe.cli import table, terminal
from kfpipe.cli.arguments import json_option
from kfpipe.cli.table import Column, Table
from kfpipe.errors import ExitCode, Refused
from kfpipe.findings import did_you_mean
from kfpipe.schema.published import names, published
from kfpipe.schema.shipped import Schema
from kfpipe.wording import echoed


@click.command("schema", epilog="Example: kfpipe schema plan > plan.schema.json")
@click.argument("name", default="manifest")
@click.option("--list", "listing", is_flag=True, help="List the names, and what each schema describes.")
@json_option
def command(name: str, listing: bool, as_json: bool) -> ExitCode:
    """Print the JSON schema of a manifest, a lockfile, or a command's output.

    NAME is manifest, lock, planfile, or a command: `plan` is what `kfpipe plan --json` prints, `lock-check` what
    `kfpipe lock check --json` does. An editor that is given the manifest's schema completes fields and explains them.
    """
    if not listing:
        terminal.result_json(_named(name))
    elif as_json:
        terminal.result_json({"schemas": [{"name": each, **_described(each)} for each in names()]})
    else:
        table.show(_table())
    return ExitCode.OK


def _named(name: str) -> Schema:
    if name not in names():
        raise Refused.because(
            "kfpipe schema",
            f"there is no schema {echoed(name)}",
            fix=did_you_mean(name, names(), "`kfpipe schema --list` names them all"),
        )
    return published(name)


def _described(name: str) -> dict[str, str]:
    schema = published(name)
    return {"title": schema["title"], "description": schema["description"]}


def _table() -> Table:
    """A row for each schema."""
    return Table(
        columns=(Column(title="name"), Column(title="describes")),
        rows=tuple((name, _described(name)["description"]) for name in names()),
    )
