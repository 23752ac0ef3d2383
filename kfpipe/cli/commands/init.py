"""`kfpipe init`"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from kfpipe.cli import starter
from kfpipe.cli.options.common import json_option
from kfpipe.cli.output import streams
from kfpipe.errors import ExitCode


@click.command("init", epilog="Example: kfpipe init film")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@json_option
def command(folder: Path, as_json: bool) -> ExitCode:
    """Write an example to begin with: a manifest and its stills.

    It renders with the built-in emulator, without a key and for nothing. FOLDER is made when there is none; without
    it, the current folder is meant. Nothing is ever overwritten.
    """
    written = starter.write(folder)
    run = shlex.join(["kfpipe", "run", str(folder / starter.MANIFEST)])
    if as_json:
        result = {"folder": str(folder), "written": list(written), "next": run, "exit_code": int(ExitCode.OK)}
        streams.result_json(result)
        return ExitCode.OK
    streams.result(*(str(folder / name) for name in written))
    streams.result("everything is there already" if not written else "", f"next: {run}")
    return ExitCode.OK
