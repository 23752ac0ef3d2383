"""`kfpipe lock merge`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from kfpipe.cli.options.common import json_option
from kfpipe.cli.output import messages, streams
from kfpipe.errors import ExitCode, Problem
from kfpipe.lock import mergedriver
from kfpipe.lock.merge import Clash, Doubt, Merged
from kfpipe.wording import echoed

_FIXES: Final = {
    Doubt.UNDER_WAY: "`git merge --abort`, let `kfpipe run` finish it on either branch, commit, and merge again",
    Doubt.TASKS: "`kfpipe reconcile` on one branch shows whose the task is; then merge again, or keep one side by hand",
    Doubt.CLIPS: "keep the side between git's marks whose clip you want, then `git add`",
    Doubt.CHOICES: "keep the side between git's marks whose choice you want, for each take of the shot",
}


@click.command("merge", epilog="Example: kfpipe lock merge --install")
@click.argument("versions", nargs=-1, metavar="BASE OURS THEIRS [NAME]")
@click.option("--install", is_flag=True, help="Have git call this for lockfiles, in the clone around here.")
@json_option
def command(versions: tuple[str, ...], install: bool, as_json: bool) -> ExitCode:
    """Merge the lockfiles of two branches into OURS.

    git calls this with %O %A %B and %P once --install has told it to. Takes that were rendered on one side or on both
    keep all their bills. Exit code 0: merged; 1: a person has to decide, and OURS holds both sides between git's marks.
    """
    if install and not versions:
        return _install(as_json=as_json)
    if install or len(versions) not in (3, 4):
        raise click.UsageError("give either --install, or BASE OURS THEIRS and perhaps NAME")
    base, ours, theirs = map(Path, versions[:3])
    name = versions[3] if len(versions) == 4 else str(ours)
    merged = mergedriver.settle(base, ours, theirs, name)
    return _told(merged, name, as_json=as_json)


def _told(merged: Merged, name: str, *, as_json: bool) -> ExitCode:
    code = ExitCode.INCOMPLETE if merged.clashes else ExitCode.OK
    problems = _problems(merged.clashes, name)
    if as_json:
        streams.result_json(
            {
                "file": name,
                "takes": len(merged.lock) + len(merged.clashes),
                "problems": [messages.problem_json(problem) for problem in problems],
                "exit_code": int(code),
            }
        )
    else:
        streams.note(*messages.problems_text(problems))
    return code


def _problems(clashes: Sequence[Clash], name: str) -> list[Problem]:
    return [
        Problem(file=name, where=f"take {echoed(clash.take_id)}", what=clash.doubt, fix=_FIXES[clash.doubt])
        for clash in clashes
    ]


def _install(*, as_json: bool) -> ExitCode:
    installed = mergedriver.install(Path.cwd())
    if as_json:
        streams.result_json(
            {
                "driver": installed.driver,
                "attributes": str(installed.attributes),
                "changed": installed.is_new,
                "exit_code": int(ExitCode.OK),
            }
        )
        return ExitCode.OK
    streams.result(f"git merges lockfiles with: {installed.driver}")
    if installed.is_new:
        streams.result(f"next: git add {mergedriver.ATTRIBUTES}, and commit it: each clone needs --install once")
    return ExitCode.OK
