"""`kfpipe lock`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from kfpipe.cli.commands import lock_merge
from kfpipe.cli.options import default_manifest
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import messages, streams
from kfpipe.cli.output.amounts import counted
from kfpipe.errors import ExitCode, Problem, Severity
from kfpipe.lock.codec import FORMAT
from kfpipe.lock.tidy import LockPlace

file_argument = click.argument(
    "file",
    metavar="[LOCKFILE|MANIFEST]",
    type=click.Path(path_type=Path),
    required=False,
    callback=lambda _context, _parameter, file: file or default_manifest.found(),
)


class _Group(WithExamples, click.Group):
    """The subcommands."""


@click.group("lock", cls=_Group, epilog=examples("kfpipe lock check shots.yaml", "kfpipe lock merge --install"))
def command() -> None:
    """Check, format and merge lockfiles.

    Give the path of a lockfile, or of its manifest. All subcommands accept --json.
    """


@command.command("fmt", cls=WithExamples, epilog=examples("kfpipe lock fmt shots.lock.json"))
@file_argument
@json_option
def fmt(file: Path, as_json: bool) -> ExitCode:
    """Rewrite the lockfile in its standard form.

    A lockfile already in this form is left untouched. Entries that a killed run left in its journal are added.
    """
    place = LockPlace.of(file)
    changed = place.rewrite()
    if as_json:
        streams.result_json({"file": place.shown, "changed": changed, "exit_code": int(ExitCode.OK)})
    else:
        streams.result(f"{place.shown}: {'rewritten' if changed else 'unchanged'}")
    return ExitCode.OK


@command.command("check", cls=WithExamples, epilog=examples("kfpipe lock check shots.yaml"))
@file_argument
@json_option
def check(file: Path, as_json: bool) -> ExitCode:
    """Check the lockfile for errors.

    Checks its format and sums, that what is on record of a request does not contradict itself, and that no two clips
    have one file. Works offline and changes nothing; `kfpipe verify` checks the clips themselves.

    Exit code 0: no problems; 2: problems found.
    """
    place = LockPlace.of(file)
    found = place.problems()
    code = ExitCode.REFUSED if _errors(found) else ExitCode.OK
    requests = len(place.records().requests)
    if as_json:
        streams.result_json(_check_json(place, requests, found, code))
        return code
    streams.note(*messages.problems_text(found))
    streams.result(f"{place.shown}: {counted(requests, 'request')}, {_verdict(found)}")
    return code


def _errors(found: Sequence[Problem]) -> int:
    return sum(problem.severity is Severity.ERROR for problem in found)


def _verdict(found: Sequence[Problem]) -> str:
    return counted(_errors(found), "problem") if _errors(found) else "no problems"


def _check_json(place: LockPlace, requests: int, found: Sequence[Problem], code: ExitCode) -> dict[str, Any]:
    problems = [messages.problem_json(problem) for problem in found]
    return {"file": place.shown, "requests": requests, "problems": problems, "exit_code": int(code)}


@command.command("migrate", cls=WithExamples, epilog=examples("kfpipe lock migrate shots.lock.json"))
@file_argument
@json_option
def migrate(file: Path, as_json: bool) -> ExitCode:
    """Convert the lockfile to the format of this version.

    Every command reads format 1 as well, and the next run replaces it; this does so at once. A lockfile from a newer
    kfpipe is refused.
    """
    place = LockPlace.of(file)
    changed = place.rewrite()
    if as_json:
        result = {"file": place.shown, "format": FORMAT, "changed": changed, "exit_code": int(ExitCode.OK)}
        streams.result_json(result)
    else:
        streams.result(f"{place.shown}: format {FORMAT}, {'converted' if changed else 'which is current'}")
    return ExitCode.OK


command.add_command(lock_merge.command)
