"""`kfpipe pick`"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from kfpipe.cli.options import default_manifest
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_argument, overlay_options
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.views.words import STATE_TONES, STATES
from kfpipe.domain import Take
from kfpipe.errors import ExitCode
from kfpipe.lock import lockfile, picks
from kfpipe.lock.records import Records, state_of
from kfpipe.lock.states import Rendered
from kfpipe.plan import gather
from kfpipe.project import Options, Project


@click.command(
    "pick",
    cls=WithExamples,
    epilog=examples(
        "kfpipe pick shots.yaml lighthouse",
        "kfpipe pick shots.yaml lighthouse seed=21",
        "kfpipe pick shots.yaml lighthouse --none",
        "kfpipe pick lighthouse seed=21",
    ),
)
@manifest_argument()
@click.argument("shot", required=False)
@click.argument("take", required=False)
@overlay_options
@click.option("--none", "nothing", is_flag=True, help="Remove the pick.")
@json_option
def command(
    manifest: Path | None, shot: str | None, take: str | None, options: Options, nothing: bool, as_json: bool
) -> ExitCode:
    """Choose one take of a shot.

    TAKE is a take id, or the part of it after the `@`. The pick is recorded
    in the lockfile at once, also while a run is on, and stays until you pick another take. It also settles what two
    branches have picked differently. Without TAKE, the takes of SHOT are listed.
    """
    if manifest is not None and take is None and not default_manifest.is_manifest_name(str(manifest)):
        manifest, shot, take = None, str(manifest), shot
    if shot is None:
        raise click.MissingParameter(param_type="argument", param_hint="'SHOT'")
    if nothing and take is not None:
        raise click.UsageError("give either TAKE or --none")
    project = Source(path=manifest or default_manifest.found(), options=options).load()
    streams.note(*messages.problems_text(project.warnings))
    takes = picks.shot_named(shot, project.takes)
    if take is None and not nothing:
        _show(takes, _records(project), as_json=as_json)
        return ExitCode.OK
    records = _records(project, is_settling=True)
    chosen = None if take is None else picks.take_named(take, takes, records)
    changed = lockfile.pick(project.paths, takes[0].shot_id, None if chosen is None else chosen.id)
    if as_json:
        streams.result_json(_as_json(takes, _records(project, is_settling=True), changed=changed))
        return ExitCode.OK
    if chosen is not None and not records[chosen.id].is_wanted:
        streams.note(f"warning: {chosen.id} was changed in the manifest: the next run renders it again")
    streams.result(
        f"{takes[0].shot_id}: {f'{chosen.id} is' if chosen else 'no take is'}{'' if changed else ' already'} picked"
    )
    return ExitCode.OK


def _show(takes: Sequence[Take], records: Records, *, as_json: bool) -> None:
    if as_json:
        streams.result_json(_as_json(takes, records, changed=False))
    else:
        table.show(_table(takes, records))


def _table(takes: Sequence[Take], records: Records) -> Table:
    """A row for each take of the shot."""
    return Table(
        columns=(
            Column(title="take", least=40),
            Column(title="picked", is_toned=True),
            Column(title="state", rank=1, is_toned=True),
            Column(title="file", rank=2, least=24, is_path=True),
        ),
        rows=tuple(_row(take, records) for take in takes),
        tones=tuple(STATE_TONES.get(state_of(records.get(take.id))) for take in takes),
    )


def _row(take: Take, records: Records) -> tuple[str, ...]:
    state = STATES[state_of(records.get(take.id))]
    return (take.id, "yes" if _is_picked(take, records) else "", state, _file(take, records) or "")


def _as_json(takes: Sequence[Take], records: Records, *, changed: bool) -> dict[str, object]:
    return {
        "takes": [
            {
                "take": take.id,
                "picked": _is_picked(take, records),
                "state": state_of(records.get(take.id)),
                "file": _file(take, records),
            }
            for take in takes
        ],
        "changed": changed,
        "exit_code": int(ExitCode.OK),
    }


def _is_picked(take: Take, records: Records) -> bool:
    return take.id in records and records[take.id].picked


def _file(take: Take, records: Records) -> str | None:
    entry = records[take.id].entry if take.id in records else None
    return entry.render.path if isinstance(entry, Rendered) else None


def _records(project: Project, *, is_settling: bool = False) -> Records:
    """What is on record; also where two branches have picked differently, since a pick settles that."""
    read = lockfile.read_both if is_settling else lockfile.read
    return gather.standing(project, read(project.paths)).records
