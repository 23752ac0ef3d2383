"""`kfpipe schema`"""

from __future__ import annotations

import click

from kfpipe.cli import terminal
from kfpipe.cli.arguments import json_problems_option
from kfpipe.errors import ExitCode
from kfpipe.schema.shipped import schema_file


@click.command("schema", epilog="Example: kfpipe schema manifest > manifest.schema.json")
@click.argument("kind", type=click.Choice(["manifest", "lock"]), default="manifest")
@json_problems_option
def command(kind: str) -> ExitCode:
    """Print the JSON schema of a manifest or a lockfile.

    An editor that is given the manifest's schema completes fields and explains them.
    """
    terminal.result_json(schema_file(kind))
    return ExitCode.OK
