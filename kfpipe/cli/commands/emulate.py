"""`kfpipe emulate`"""

from __future__ import annotations

from pathlib import Path

import click

from kfpipe import emulator
from kfpipe.cli.options.common import json_problems_option
from kfpipe.cli.output import streams
from kfpipe.emulator import Emulator, Fault, FaultsInvalid
from kfpipe.errors import ExitCode, Refused


@click.command("emulate", epilog="Example: kfpipe emulate --port 8080 --clock 60")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where to listen on loopback; 0 picks a port.")
@click.option(
    "--clock",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    metavar="FACTOR",
    help="Virtual seconds in a real one: with 60, a render of two minutes takes two seconds.",
)
@click.option("--faults", type=click.Path(path_type=Path), metavar="FILE", help="A script of faults, JSON.")
@click.option(
    "--region",
    type=click.Choice(["emulator", "singapore", "beijing"]),
    default="emulator",
    help="Whose price list the bill follows.",
)
@click.option("--strict", is_flag=True, help="Fail tasks with remote frames, as for addresses nobody can reach.")
@json_problems_option
def command(port: int, clock: float, faults: Path | None, region: str, strict: bool) -> ExitCode:
    """Serve an emulated account on this machine, free of charge.

    The first line on stdout is the base URL; Ctrl-C ends it. Any client of the service can be pointed there, with any
    key that starts with sk-. The bill is at /emulator/bill.
    """

    script = _script(faults) if faults is not None else ()
    try:
        emulator.serve(port=port, factor=clock, faults=script, region=region, strict=strict, on_ready=_greet)
    except OSError as error:
        raise Refused.because("--port", f"{port}: {error.strerror}", fix="leave it out to have one picked") from error
    return ExitCode.OK


def _script(path: Path) -> tuple[Fault, ...]:
    try:
        return emulator.load_faults(path)
    except FaultsInvalid as error:
        raise Refused.because(str(path), str(error)) from error
    except OSError as error:
        raise Refused.because(str(path), f"cannot be read: {error.strerror}") from error


def _greet(running: Emulator) -> None:
    streams.note(f"  bill: {running.origin}/emulator/bill", "  stop: Ctrl-C")
