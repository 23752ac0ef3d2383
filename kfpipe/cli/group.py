"""The commands by name. Each is a module of its own, loaded only when it is called: `--help` stays light."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from kfpipe import gcpause
from kfpipe.version import __version__

SUMMARIES: Final = {
    "init": "Write an example to begin with: a manifest and its stills.",
    "validate": "Check a manifest and everything it names; nothing is sent.",
    "plan": "Show what the next run will do, why, and what it will cost.",
    "run": "Make every clip that is missing.",
    "status": "Show what is on record for each take.",
    "cancel": "Cancel what still waits at the service.",
    "reconcile": "Settle the takes whose answers were lost.",
    "verify": "Compare every rendered file with the lockfile.",
    "pick": "Choose one take of a shot.",
    "prune": "List takes that left the manifest, and set their clips aside.",
    "report": "Write a page to review the takes in a browser.",
    "export": "Hand the shots over to an editor: OTIO, EDL, CSV.",
    "models": "List what can be rendered where, at what price.",
    "schema": "Print the JSON schema of a manifest, a lockfile, or a command's output.",
    "emulate": "Serve an emulated account on this machine, free of charge.",
    "lock": "Keep a lockfile tidy, and merge those of two branches.",
    "completion": "Print what makes a shell complete kfpipe's lines.",
    "doctor": "Look whether this machine is ready.",
}
"""In the order in which a newcomer meets them."""


COMPLETION: Final = "_KFPIPE_COMPLETE"
"""The variable by which a shell asks for the words that can come next."""


class NoSuchCommand(click.UsageError):
    def __init__(self, name: str, context: click.Context) -> None:
        super().__init__(f"there is no command `{name}`", context)
        self.name = name


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUMMARIES:
            return None
        with gcpause.paused():  # classes and patterns, no garbage: a tenth of the time
            command = import_module(f"kfpipe.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in SUMMARIES and not name.startswith("-"):
            raise NoSuchCommand(name, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: kfpipe run shots.yaml",
)
@click.version_option(__version__, "--version", prog_name="kfpipe", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context, /) -> None:
    """Render the shot list in a manifest: pairs of stills become clips, paid for once, on record.

    Each command explains itself with --help. The first thing to try needs neither a key nor money: a manifest that
    says `provider: {name: emulator}`, or any manifest with --emulator.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
