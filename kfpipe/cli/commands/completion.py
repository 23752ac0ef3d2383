"""`kfpipe completion`"""

from __future__ import annotations

import click

from kfpipe.cli.completion import shells
from kfpipe.cli.options.common import json_option
from kfpipe.cli.output import streams
from kfpipe.errors import ExitCode


@click.command("completion", epilog="Example: kfpipe completion fish | source")
@click.argument("shell", type=click.Choice([*shells.SHELLS]))
@json_option
def command(shell: str, as_json: bool) -> ExitCode:
    """Print what makes a shell complete kfpipe's lines.

    The shell has to run it once: put the line of the example into its start-up file. For bash the line reads
    `eval "$(kfpipe completion bash)"`, for zsh the same with zsh. From then on the Tab key completes commands, options,
    manifests, and the takes, tags and profiles of the manifest on the line.
    """
    script = shells.script(shell)
    if as_json:
        streams.result_json({"shell": shell, "script": script, "exit_code": int(ExitCode.OK)})
    else:
        streams.result(*script.splitlines())
    return ExitCode.OK
