"""`kfpipe completion`"""

from __future__ import annotations

from pathlib import Path

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
        'eval "$(kfpipe completion bash)"',
        'eval "$(kfpipe completion zsh)"',
        "kfpipe completion fish | source",
        "kfpipe completion bash --install",
    ),
)
@click.argument("shell", type=click.Choice([*shells.SHELLS]))
@click.option("--install", is_flag=True, help="Add this line to the start-up file of the shell, once.")
@json_option
def command(shell: str, install: bool, as_json: bool) -> ExitCode:
    """Print a shell completion script.

    Load it from the start-up file of your shell with one of the lines below, or have --install add the line. The Tab
    key then completes commands, options, manifests, and the takes, tags and profiles of the manifest on the line.
    """
    if install:
        return _install(shell, as_json=as_json)
    script = shells.script(shell)
    if as_json:
        streams.result_json({"shell": shell, "script": script, "exit_code": int(ExitCode.OK)})
    else:
        streams.result(*script.splitlines())
    return ExitCode.OK


def _install(shell: str, *, as_json: bool) -> ExitCode:
    path, changed = shells.installed(shell, Path.home())
    if as_json:
        streams.result_json({"shell": shell, "file": str(path), "changed": changed, "exit_code": int(ExitCode.OK)})
    elif changed:
        streams.result(f"{path} loads it when {shell} starts the next time")
    else:
        streams.result(f"{path} loads it already")
    return ExitCode.OK
