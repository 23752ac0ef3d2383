"""`kfpipe init`"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from kfpipe.cli import starter
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams
from kfpipe.errors import ExitCode


@click.command("init", cls=WithExamples, epilog=examples("kfpipe init film", "kfpipe init"))
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@json_option
def command(folder: Path, as_json: bool) -> ExitCode:
    """Create an example project: a manifest and its stills.

    It renders with the built-in emulator, without a key and free of charge. FOLDER is created if it does not exist;
    the default is the current folder. No file is ever overwritten.
    """
    written = starter.write(folder)
    run = shlex.join(["kfpipe", "run", str(folder / starter.MANIFEST)])
    if as_json:
        result = {"folder": str(folder), "written": list(written), "next": run, "exit_code": int(ExitCode.OK)}
        streams.result_json(result)
        return ExitCode.OK
    streams.result(*(str(folder / name) for name in written))
    streams.result("nothing to write: the example is already here" if not written else "", f"next: {run}")
    return ExitCode.OK
