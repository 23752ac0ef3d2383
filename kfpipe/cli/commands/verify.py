"""`kfpipe verify`"""

from __future__ import annotations

from collections.abc import Sequence

import click

from kfpipe.cli.options.choices import Selectors, select_option
from kfpipe.cli.options.common import json_option
from kfpipe.cli.options.examples import WithExamples, examples
from kfpipe.cli.options.source import Source, manifest_arguments
from kfpipe.cli.output import messages, streams, table
from kfpipe.cli.views import verify as verify_view
from kfpipe.errors import ExitCode, StorageFailed
from kfpipe.lock import lockfile
from kfpipe.lock.records import Records
from kfpipe.maintenance import verify as verification
from kfpipe.maintenance.verify import Condition, Verified
from kfpipe.plan import gather
from kfpipe.plan.model import nothing
from kfpipe.project import Project


@click.command(
    "verify", cls=WithExamples, epilog=examples("kfpipe verify shots.yaml", "kfpipe verify shots.yaml -s 'kitten*'")
)
@manifest_arguments
@select_option
@json_option
def command(source: Source, select: Selectors, as_json: bool) -> ExitCode:
    """Check every rendered file against the lockfile.

    Each clip's checksum must match the record, and its first and last frames must decode. A clip that was never
    compared with its stills is compared now, and the lockfile gets its fidelity; nothing else changes. Works offline.
    For SELECT, see `kfpipe plan --help`.

    Exit code 0: all clips are intact; 1: a clip is missing, altered or unreadable.
    """
    project = source.load()
    streams.note(*messages.problems_text(project.warnings))
    lock = lockfile.read(project.paths)
    now = gather.standing(project, lock)
    is_meant = select.among(now)
    found = tuple(verification.verify(project, now.takes, now.records, is_meant))
    measured = _noted(project, now.records, found)
    code = ExitCode.OK if all(one.condition is Condition.SOUND for one in found) else ExitCode.INCOMPLETE
    earlier = verify_view.earlier_clips({take_id: now.records[take_id] for take_id in filter(is_meant, now.records)})
    if as_json:
        streams.result_json({**verify_view.as_json(found, earlier, measured), "exit_code": int(code)})
        return code
    if code is not ExitCode.OK:
        plan = gather.plan(project, lock, select=is_meant, retry=nothing, rerender=nothing)
        table.show(verify_view.table(found, plan))
        streams.result("", *verify_view.summary(found, earlier))
        streams.result(*verify_view.next_steps(found, plan, lambda *words: source.command(*words, *select.words)))
    else:
        streams.result(*verify_view.summary(found, earlier))
    drifting = [one for one in found if one.fidelity is not None and one.fidelity.is_below(now.min_fidelity)]
    streams.result(*verify_view.measured(measured, len(drifting), source.command("status", "-s", "drift")))
    return code


def _noted(project: Project, records: Records, found: Sequence[Verified]) -> int:
    """How many clips have their fidelity on record now that had none. A disk that takes nothing is only warned of."""
    try:
        return verification.note_fidelity(project, records, found)
    except StorageFailed as trouble:
        streams.note(f"warning: what was measured could not be noted: {trouble}")
        return 0
