"""`kfpipe schema`"""

from __future__ import annotations

from importlib.resources import files

import click

from kfpipe.cli import terminal
from kfpipe.cli.arguments import json_problems_option
from kfpipe.errors import ExitCode


@click.command("schema", epilog="Example: kfpipe schema manifest > manifest.schema.json")
@click.argument("kind", type=click.Choice(["manifest", "lock"]), default="manifest")
@json_problems_option
def command(kind: str) -> ExitCode:
    """Print the JSON schema of a manifest or a lockfile.

    An editor that is given the manifest's schema completes fields and explains them.
    """
    terminal.result(*_text(kind).splitlines())
    return ExitCode.OK


def _text(kind: str) -> str:
    package, name = files("kfpipe"), f"{kind}.schema.json"
    inside = package.joinpath("schemas", name)  # a wheel
    beside = package.joinpath("..", "schemas", name)  # a checkout
    return (inside if inside.is_file() else beside).read_text("utf-8")
