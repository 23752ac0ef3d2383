"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable

import click

from kfpipe.errors import ExitCode

Command = Callable[..., ExitCode]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
json_problems_option = click.option("--json", is_flag=True, expose_value=False, help="Print problems as JSON.")
