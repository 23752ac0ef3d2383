"""`kfpipe prune`"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import click

from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.views import prune as prune_view
from kfpipe.errors import ExitCode
from kfpipe.lock import lockfile
from kfpipe.maintenance import prune
from kfpipe.maintenance.prune import ClipState, Departed
from kfpipe.plan import gather
from kfpipe.plan.gather import Standing
from kfpipe.project import Project
from kfpipe.session import Session
from kfpipe.session import session as held


@click.command(
    "prune",
    cls=WithExamples,
    epilog=examples(
        "kfpipe prune shots.yaml",
        "kfpipe prune shots.yaml --yes",
    ),
)
@manifest_arguments
@select_option
@click.option("--yes", is_flag=True, help="Move the clips instead of listing them.")
@json_option
def command(source: Source, select: Selectors, yes: bool, as_json: bool) -> ExitCode:
    """Set aside the clips of takes that left the manifest.

    Lists them; with --yes, moves each clip into the .previous folder beside it. Nothing is deleted: the lockfile keeps
    each take, its cost, and the new place of its clip. For SELECT, see `kfpipe plan --help`.

    Exit code 1: a clip is not the file on record, and was not moved.
    """
    project = source.load()
    streams.note(*messages.problems_text(project.warnings))
    if not yes:
        found = _departed(project, gather.standing(project, lockfile.read(project.paths)), select)
        return _listed(found, lambda *words: source.command(*words, *select.words), as_json=as_json)
    with held(project) as session:
        found = _departed(project, session.standing, select)
        anyio.run(_set_aside, session, found)
        after = _departed(project, session.standing, select)
    code = ExitCode.INCOMPLETE if any(one.clip is ClipState.ALTERED for one in after) else ExitCode.OK
    if as_json:
        streams.result_json(_as_json(after, code))
    else:
        streams.result(*prune_view.outcome(found, after))
    return code


def _departed(project: Project, now: Standing, select: Selectors) -> list[Departed]:
    is_meant = select.among(now)
    return [one for one in prune.departed(project, now) if is_meant(one.take_id)]


async def _set_aside(session: Session, found: Sequence[Departed]) -> None:
    for one in found:
        if one.clip is ClipState.MOVE:
            await session.set_aside(one)


def _listed(found: Sequence[Departed], command: Callable[..., str], *, as_json: bool) -> ExitCode:
    if as_json:
        streams.result_json(_as_json(found, ExitCode.OK))
        return ExitCode.OK
    if found:
        table.show(prune_view.table(found))
        streams.result("", *prune_view.summary(found))
    else:
        streams.result("nothing to prune: every take on record is in the manifest")
    if any(one.clip is ClipState.MOVE for one in found):
        streams.result(f"next: {command('prune', '--yes')}")
    return ExitCode.OK


def _as_json(found: Sequence[Departed], code: ExitCode) -> dict[str, Any]:
    return {**prune_view.as_json(found), "exit_code": int(code)}
