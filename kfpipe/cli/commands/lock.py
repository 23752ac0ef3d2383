"""`kfpipe lock`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from kfpipe.cli.commands import lock_merge
from kfpipe.cli.options.common import json_option
from kfpipe.cli.output import messages, streams
from kfpipe.cli.output.amounts import counted
from kfpipe.errors import ExitCode, Problem, Severity
from kfpipe.lock.codec import FORMAT
from kfpipe.lock.tidy import LockPlace

file_argument = click.argument("file", metavar="LOCKFILE|MANIFEST", type=click.Path(path_type=Path))


@click.group("lock", epilog="Example: kfpipe lock check shots.lock.json")
def command() -> None:
    """Keep a lockfile tidy, and merge those of two branches.

    A lockfile is named by its own path or by that of its manifest. Each of these takes --json.
    """


@command.command("fmt", epilog="Example: kfpipe lock fmt shots.lock.json")
@file_argument
@json_option
def fmt(file: Path, as_json: bool) -> ExitCode:
    """Write the lockfile as kfpipe writes it.

    One that is written so already is not touched. What a killed run left in its journal is brought in.
    """
    place = LockPlace.of(file)
    changed = place.rewrite()
    if as_json:
        streams.result_json({"file": place.shown, "changed": changed, "exit_code": int(ExitCode.OK)})
    else:
        streams.result(f"{place.shown}: {'written anew' if changed else 'unchanged'}")
    return ExitCode.OK


@command.command("check", epilog="Example: kfpipe lock check shots.yaml")
@file_argument
@json_option
def check(file: Path, as_json: bool) -> ExitCode:
    """Look for what is wrong in the lockfile.

    Its form, its sums, and that each task and each clip has one owner. Nothing is sent, nothing changes; the clips
    themselves are compared by `kfpipe verify`. Exit code 0: all is well; 2: something is wrong.
    """
    place = LockPlace.of(file)
    found = place.problems()
    code = ExitCode.REFUSED if _errors(found) else ExitCode.OK
    takes = len(place.records())
    if as_json:
        streams.result_json(_check_json(place, takes, found, code))
        return code
    streams.note(*messages.problems_text(found))
    streams.result(f"{place.shown}: {counted(takes, 'take')}, {_verdict(found)}")
    return code


def _errors(found: Sequence[Problem]) -> int:
    return sum(problem.severity is Severity.ERROR for problem in found)


def _verdict(found: Sequence[Problem]) -> str:
    return counted(_errors(found), "problem") if _errors(found) else "all is well"


def _check_json(place: LockPlace, takes: int, found: Sequence[Problem], code: ExitCode) -> dict[str, Any]:
    problems = [messages.problem_json(problem) for problem in found]
    return {"file": place.shown, "takes": takes, "problems": problems, "exit_code": int(code)}


@command.command("migrate", epilog="Example: kfpipe lock migrate shots.lock.json")
@file_argument
@json_option
def migrate(file: Path, as_json: bool) -> ExitCode:
    """Bring the lockfile to this kfpipe's format.

    There has been one format so far, so there is nothing to change; one of a newer kfpipe is refused.
    """
    place = LockPlace.of(file)
    place.records()
    if as_json:
        result = {"file": place.shown, "format": FORMAT, "changed": False, "exit_code": int(ExitCode.OK)}
        streams.result_json(result)
    else:
        streams.result(f"{place.shown}: lock format {FORMAT}, which is current")
    return ExitCode.OK


command.add_command(lock_merge.command)
