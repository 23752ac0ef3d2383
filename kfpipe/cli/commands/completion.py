"""`kfpipe completion`"""

from __future__ import annotations

import click

from kfpipe.cli.completion import shells
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams
from kfpipe.errors import ExitCode


@click.command(
    "completion",
    cls=WithExamples,
    epilog=examples(
        'eval "$(kfpipe completion bash)"', 'eval "$(kfpipe completion zsh)"', "kfpipe completion fish | source"
    ),
)
@click.argument("shell", type=click.Choice([*shells.SHELLS]))
@json_option
def command(shell: str, as_json: bool) -> ExitCode:
    """Print a shell completion script.

    Load it from the start-up file of your shell with one of the lines below. The Tab key then completes commands,
    options, manifests, and the takes, tags and profiles of the manifest on the line.
    """
    script = shells.script(shell)
    if as_json:
        streams.result_json({"shell": shell, "script": script, "exit_code": int(ExitCode.OK)})
    else:
        streams.result(*script.splitlines())
    return ExitCode.OK
