"""A variable of the environment for every option: `KFPIPE_RUN_MAX_COST` for `kfpipe run --max-cost`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click

PREFIX: Final = "KFPIPE"


def give_variables(command: click.Command, *path: str) -> None:
    """Name the variable of each option of the command, or of the group's commands; `path` are the words that call it.

    An option that has a variable of its own keeps it, after this one.
    """
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            give_variables(inner, *path, name)
    for option in command.params:
        if isinstance(option, click.Option) and not isinstance(option.envvar, list):
            own = [option.envvar] if isinstance(option.envvar, str) else []
            option.envvar = [*(variable(name, path) for name in option.opts if name.startswith("--")), *own]


def variable(name: str, path: Sequence[str]) -> str:
    """`KFPIPE_LOCK_CHECK_JSON` for `--json` of `kfpipe lock check`."""
    return "_".join([PREFIX, *path, name.lstrip("-")]).replace("-", "_").upper()
