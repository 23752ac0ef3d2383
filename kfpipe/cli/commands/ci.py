"""`kfpipe ci`"""

from __future__ import annotations

import click

from kfpipe.cli.commands import ci_check, ci_comment
from kfpipe.cli.options.examples import WithExamples, examples


class _Group(WithExamples, click.Group):
    """The subcommands."""


@click.group("ci", cls=_Group, epilog=examples("kfpipe ci check", "kfpipe ci comment shots.yaml"))
def command() -> None:
    """Check a repository, and comment on pull requests.

    For pre-commit and for pipelines. All subcommands accept --json.
    """


command.add_command(ci_check.command)
command.add_command(ci_comment.command)
