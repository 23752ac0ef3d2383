"""All commands with their options, without their code: enough for a shell to complete a line at once.

Importing a command imports all that it uses, which is slow. So `outline.json` holds an outline of them all;
`python -m kfpipe.cli.completion.outline` writes it again, and a test compares it with the commands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import click

from kfpipe.cli.completion import candidates
from kfpipe.cli.completion.candidates import Offering
from kfpipe.cli.group import commands

FILE: Final = "outline.json"


def drawn(command: click.Command) -> dict[str, Any]:
    """The outline of a command, or of a group with all its commands."""
    told: dict[str, Any] = {"help": command.get_short_help_str(limit=100), "words": list(map(_drawn, command.params))}
    if isinstance(command, click.Group):
        context = click.Context(command)
        inner = {name: command.get_command(context, name) for name in command.list_commands(context)}
        told["commands"] = {name: drawn(one) for name, one in inner.items() if one is not None}
    return told


def _drawn(word: click.Parameter) -> dict[str, Any]:
    choices = list(word.type.choices) if isinstance(word.type, click.Choice) else None
    value = {"choices": choices, "path": isinstance(word.type, click.Path)}
    if isinstance(word, click.Option):
        told = {"option": word.opts, "help": word.help, "flag": word.is_flag, "repeated": word.multiple}
        return {**told, **value}
    return {"argument": word.name, "several": word.nargs == -1, **value}


def sketched() -> click.Group:
    """The commands as outlined; they can be completed, but not run."""
    told = json.loads(files("kfpipe.cli.completion").joinpath(FILE).read_text("utf-8"))
    group = _command("kfpipe", told)
    assert isinstance(group, click.Group)
    return group


def _command(name: str, told: Mapping[str, Any]) -> click.Command:
    words = [_word(word) for word in told["words"]]
    if "commands" not in told:
        return click.Command(name, params=words, short_help=told["help"])
    inner = {name: _command(name, one) for name, one in told["commands"].items()}
    return click.Group(name, inner, params=words, short_help=told["help"])


def _word(told: Mapping[str, Any]) -> click.Parameter:
    names: list[str] = told.get("option") or [told["argument"]]
    known = candidates.BY_NAME.get(names[-1], candidates.files if told["path"] else None)
    offering = Offering(known) if known is not None else None
    choices = click.Choice(told["choices"]) if told["choices"] else None
    if "argument" in told:
        nargs = -1 if told["several"] else 1
        return click.Argument(names, type=choices, required=False, nargs=nargs, shell_complete=offering)
    return click.Option(
        names,
        type=choices,
        help=told["help"],
        is_flag=told["flag"],
        multiple=told["repeated"],
        shell_complete=offering,
    )


if __name__ == "__main__":
    Path(__file__).with_name(FILE).write_text(json.dumps(drawn(commands), indent=1) + "\n", "utf-8")
