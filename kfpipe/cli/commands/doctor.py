"""`kfpipe doctor`"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import click

from kfpipe import catalogue, environment
from kfpipe.cli.options import default_manifest
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import streams, table
from kfpipe.errors import ExitCode, Refused
from kfpipe.maintenance import doctor
from kfpipe.maintenance.doctor import Check, Grade
from kfpipe.manifest import document


@click.command(
    "doctor",
    cls=WithExamples,
    epilog=examples(
        "kfpipe doctor",
        "kfpipe doctor --account acme",
        "kfpipe doctor --online --region beijing",
    ),
)
@click.option("--account", multiple=True, metavar="NAME", help="Also look for the key of this account. Repeatable.")
@click.option("--online", is_flag=True, help="Also query the service: a few requests, free of charge.")
@click.option(
    "--region", metavar="NAME", default="singapore", show_default=True, help="The region to query with --online."
)
@json_option
def command(account: tuple[str, ...], online: bool, region: str, as_json: bool) -> ExitCode:
    """Check that this machine is set up.

    Checks versions, codecs, the API keys (where they were found; they are never shown) and the disk. With --online,
    also whether the service answers, accepts the key, agrees with the local clock, and has the prices and limits that
    `kfpipe models` shows.

    Exit code 0: everything is fine; 1: something needs attention.
    """
    known = catalogue.shipped()
    asked = known.region_named(region, "--region", otherwise="run `kfpipe models` to list the regions")
    accounts = [*account, *_accounts(Path.cwd())]
    checks = [*doctor.offline(Path.cwd(), os.environ, accounts)]
    if online:
        now = partial(datetime.now, UTC)
        checks += anyio.run(doctor.online, known, asked, environment.read(), now)
    code = ExitCode.INCOMPLETE if _alarms(checks) else ExitCode.OK
    if as_json:
        streams.result_json({"checks": [_as_json(check) for check in checks], "exit_code": int(code)})
    else:
        streams.result(*(line for check in checks for line in _lines(check)), "", _summary(checks))
    return code


def _accounts(folder: Path) -> Iterator[str]:
    """The accounts that the folder's manifests name; what cannot be read is no matter of this machine."""
    for path in sorted(folder.iterdir()):
        if path.suffix in default_manifest.ENDINGS and default_manifest.is_manifest(path):
            with suppress(OSError, Refused):
                match document.parse(path.read_bytes(), path.name).data:
                    case {"provider": {"account": str(name)}}:
                        yield name


def _alarms(checks: Sequence[Check]) -> int:
    return sum(check.verdict is Grade.ATTENTION for check in checks)


def _lines(check: Check) -> list[str]:
    lines = table.prose(f"{check.verdict:9}  ", f"{check.topic}: {check.what}")
    return lines if check.fix is None else [*lines, *table.prose(f"{'':9}  fix: ", check.fix)]


def _summary(checks: Sequence[Check]) -> str:
    alarms = _alarms(checks)
    if alarms:
        return f"{alarms} of {len(checks)} need attention" if alarms > 1 else f"1 of {len(checks)} needs attention"
    return "ready"


def _as_json(check: Check) -> dict[str, Any]:
    return {"topic": check.topic, "verdict": check.verdict, "what": check.what, "fix": check.fix}
