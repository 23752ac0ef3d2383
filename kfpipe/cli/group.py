"""The commands by name. Each is a module of its own, imported when it is called, so that `--help` stays fast."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from kfpipe import gcpause
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.variables import give_variables
from kfpipe.version import __version__

SECTIONS: Final = {
    "Write the shot list": {
        "init": "Create an example project: a manifest and its stills.",
        "validate": "Check a manifest and the files it names, offline.",
        "stills": "Write the prepared stills to a folder, to look at them.",
        "models": "List models and regions, with prices and limits.",
        "schema": "Print the JSON Schema of a file or of a command's output.",
    },
    "Plan and render": {
        "plan": "Show what the next run will do, why, and what it will cost.",
        "run": "Render every clip that is missing.",
        "status": "Show the state of each take.",
        "cancel": "Cancel tasks that are still queued at the service.",
    },
    "Several machines": {
        "worker": "Offer this machine to a cluster.",
        "cluster": "Show a cluster, set its limits, drain and tidy it.",
    },
    "Keep the record": {
        "reconcile": "Settle takes whose submission got no answer.",
        "verify": "Check every rendered file against the lockfile.",
        "pick": "Choose one take of a shot.",
        "prune": "Set aside the clips of takes that left the manifest.",
        "lock": "Check, format and merge lockfiles.",
    },
    "Hand over": {
        "review": "Review the takes in a browser, and pick.",
        "report": "Write an HTML page for reviewing the takes.",
        "export": "Make the film, or export it to an NLE: MP4, OTIO, EDL, CSV.",
    },
    "Set up": {
        "login": "Store an account's key in the system's keyring.",
        "logout": "Remove an account's key from the system's keyring.",
        "doctor": "Check that this machine is set up.",
        "emulate": "Run an emulator of the service on this machine.",
        "completion": "Print a shell completion script.",
        "ci": "Check a repository, and comment on pull requests.",
    },
}
"""The commands with their summaries, in the order of the work; the help lists them under these headings."""

SUMMARIES: Final = {name: summary for section in SECTIONS.values() for name, summary in section.items()}

READERS: Final = frozenset({"validate", "models", "schema", "plan", "status", "verify", "doctor", "completion"})
"""The commands that only print: one whose result cannot be printed has failed."""

COMPLETION: Final = "_KFPIPE_COMPLETE"
"""The variable through which a shell asks what can come next on the line."""


class NoSuchCommand(click.UsageError):
    def __init__(self, name: str, context: click.Context) -> None:
        super().__init__(f"there is no command `{name}`", context)
        self.name = name


class _Commands(WithExamples, click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUMMARIES:
            return None
        with gcpause.paused():  # classes and patterns, no garbage: a tenth of the time
            command = import_module(f"kfpipe.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)
        give_variables(command, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in SUMMARIES and not name.startswith("-"):
            raise NoSuchCommand(name, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, SUMMARIES))
        for heading, section in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in section.items()])


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("kfpipe init film", "kfpipe plan film/shots.yaml", "kfpipe run film/shots.yaml"),
)
@click.version_option(__version__, "--version", prog_name="kfpipe", message="%(prog)s %(version)s")
@click.pass_context
def commands(context: click.Context, /) -> None:
    """Render video shot lists kept in git: each shot's stills and prompt become clips, and each clip is paid for once.

    To try it without a key and free of charge, run `kfpipe init`, or any command with --emulator. For details on a
    command, run `kfpipe COMMAND --help`.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
