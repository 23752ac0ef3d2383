"""`kfpipe emulate`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kfpipe import emulator
from kfpipe.cli.options.common import json_problems_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams
from kfpipe.emulator import MODELS, REGIONS, Emulator, Fault, FaultsInvalid, ModelsInvalid, Switch
from kfpipe.errors import ExitCode, Refused


@click.command(
    "emulate",
    cls=WithExamples,
    epilog=examples("kfpipe emulate --port 8080 --clock 60", "kfpipe emulate --faults faults.json"),
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on, loopback only; 0 picks a free one."
)
@click.option(
    "--clock",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    metavar="FACTOR",
    help="How much faster time runs: at 60, a two-minute render takes two seconds.",
)
@click.option("--faults", type=click.Path(path_type=Path), metavar="FILE", help="Faults to inject, as JSON.")
@click.option(
    "--region",
    type=click.Choice(list(REGIONS)),
    default="emulator",
    help="Region whose models are offered, at its prices; emulator has them all, for play money.",
)
@click.option("--strict", is_flag=True, help="Fail tasks with remote frames, as if their URLs could not be reached.")
@click.option("--burn-in/--no-burn-in", default=True, help="Show take, seed and timecode in the clips; on by default.")
@click.option(
    "--switch",
    "switches",
    type=click.Choice([switch.value for switch in Switch]),
    multiple=True,
    help="Choose the other possibility where the service's pages are silent or contradict each other; can be repeated.",
)
@click.option("--models", type=click.Path(path_type=Path), metavar="FILE", help="More models, as TOML.")
@json_problems_option
def command(
    port: int,
    clock: float,
    faults: Path | None,
    region: str,
    strict: bool,
    burn_in: bool,
    switches: tuple[str, ...],
    models: Path | None,
) -> ExitCode:
    """Run an emulator of the service on this machine.

    It is free of charge, and works with any client of the service and any key that starts with sk-. The first line on
    stdout is the base URL; the bill is at /emulator/bill. Stop it with Ctrl-C.
    """
    script = _script(faults) if faults is not None else ()
    settings: dict[str, Any] = {"region": region, "strict": strict, "burn_in": burn_in, "switches": frozenset(switches)}
    if models is not None:
        settings["models"] = models
    try:
        emulator.serve(port=port, factor=clock, faults=script, on_ready=_greet, **settings)
    except ModelsInvalid as error:
        where = MODELS if models is None else "--models"
        raise Refused.because(where, str(error), fix="docs/emulator.md says what such a file holds") from error
    except OSError as error:
        raise Refused.because("--port", f"{port}: {error.strerror}", fix="leave it out to use a free port") from error
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
