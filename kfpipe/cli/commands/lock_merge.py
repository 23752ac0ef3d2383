"""`kfpipe lock merge`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.output import messages, streams
from kfpipe.errors import ExitCode, Problem
from kfpipe.lock import mergedriver
from kfpipe.lock.merge import Clash, Merged
from kfpipe.wording import echoed


@click.command(
    "merge",
    cls=WithExamples,
    epilog=examples("kfpipe lock merge --install", "kfpipe lock merge base.json ours.json theirs.json"),
)
@click.argument("versions", nargs=-1, metavar="BASE OURS THEIRS [NAME]")
@click.option("--install", is_flag=True, help="Set this up as git's merge driver for lockfiles in this clone.")
@json_option
def command(versions: tuple[str, ...], install: bool, as_json: bool) -> ExitCode:
    """Merge the lockfiles of two branches into OURS.

    After --install, git runs this by itself with %O %A %B and %P. All requests of either side are kept,
    with their costs; a pick is taken from the side that changed it.

    Exit code 0: merged; 1: both sides have picked another take of a shot, and OURS holds both picks between conflict
    markers, for `kfpipe pick` to settle.
    """
    if install and not versions:
        return _install(as_json=as_json)
    if install or len(versions) not in (3, 4):
        raise click.UsageError("give either --install, or BASE OURS THEIRS [NAME]")
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
                "requests": len(merged.lock.requests),
                "problems": [messages.problem_json(problem) for problem in problems],
                "exit_code": int(code),
            }
        )
    else:
        streams.note(*messages.problems_text(problems))
    return code


def _problems(clashes: Sequence[Clash], name: str) -> list[Problem]:
    return [
        Problem(
            file=name,
            where=f"shot {echoed(clash.shot_id)}",
            what=f"each side has picked another take: {clash.ours or 'none'}, and {clash.theirs or 'none'}",
            fix=f"`kfpipe pick MANIFEST {clash.shot_id} TAKE` settles it, then `git add`",
        )
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
    streams.result(f"git now merges lockfiles with: {installed.driver}")
    if installed.is_new:
        streams.result(f"next: git add {mergedriver.ATTRIBUTES}, then commit it; run --install once in each clone")
    return ExitCode.OK
