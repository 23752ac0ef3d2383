"""A copy of a shot list's table, with what is on record beside each row: for those who approve a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from kfpipe.errors import Refused
from kfpipe.files.durable import storage
from kfpipe.files.read import first_bytes
from kfpipe.files.text import LARGEST_BYTES
from kfpipe.lock.records import state_of
from kfpipe.lock.states import Rendered, cost_of, result_of
from kfpipe.manifest.document import SourceFile
from kfpipe.manifest.tables.columns import RESULTS
from kfpipe.manifest.tables.results import ResultCell, has_results, with_results
from kfpipe.plan.selection import KnownTake
from kfpipe.project import Project
from kfpipe.review.output import Handout
from kfpipe.wording import closest, echoed, listed

StateText = Callable[[str], str]
"""A state's word in a program -> the word that people read."""


def write(project: Project, given: Path, wanted: str | None, shown: Iterable[KnownTake], words: StateText) -> int:
    """Write the copy of the table `wanted`, or of the only one; how many rows it has. Raises Refused, StorageFailed."""
    source = _table(project, wanted)
    place = Handout.at(given, project)
    ending = Path(source.name).suffix.lower()
    wanted_ending = place.path.suffix.lower()
    if wanted_ending not in (ending, ".xlsx"):
        what = f"{echoed(given.name)} is not of the kind of {source.file}, of which it is to be a copy"
        raise Refused.because(
            "--write", what, expected=f"a file name ending in {listed(dict.fromkeys([ending, '.xlsx']))}"
        )
    if any((project.folder / one.name).resolve() == place.path for one in project.sources if one.name):
        what = f"{echoed(str(given))} is what the manifest reads, and stays as it is"
        raise Refused.because("--write", what, fix="name another file for the copy")
    takes = {one.take.shot_id: one for one in shown if one.take is not None}  # a row has one take
    with storage(project.folder / source.name):
        content = first_bytes(project.folder / source.name, LARGEST_BYTES + 1)
    copied, rows = with_results(
        content,
        source.file,
        name=source.name,
        of=lambda shot_id: cells(takes.get(shot_id), words),
        as_workbook=wanted_ending == ".xlsx",
    )
    with place.replacing(
        lambda path: has_results(first_bytes(path, LARGEST_BYTES), str(path), name=path.name)
    ) as temporary:
        temporary.write_bytes(copied)
    return rows


def _table(project: Project, wanted: str | None) -> SourceFile:
    """The table that is copied. Raises Refused where there is none, or where it is not clear which one is meant."""
    tables = {source.name: source for source in project.sources if source.is_table}
    if not tables:
        fix = "write the shots in a table, and name it under `shot_lists`"
        raise Refused.because("--write", "the manifest names no table of shots", fix=fix)
    if wanted is None and len(tables) == 1:
        return next(iter(tables.values()))
    if wanted in tables:
        return tables[wanted]
    what = f"the manifest names {len(tables)} tables" if wanted is None else f"there is no table {echoed(wanted)}"
    meant = closest(wanted or "", tables) or next(iter(tables))
    raise Refused.because("--table", what, expected=listed(map(echoed, tables)), fix=f"add `--table {meant}`")


def cells(one: KnownTake | None, words: StateText) -> Sequence[ResultCell]:
    """State, cost, currency and path of a row's take; empty where it is not among those that are shown."""
    if one is None:
        return (None,) * len(RESULTS)
    entry = None if one.record is None else one.record.entry
    state = words(state_of(one.record)) + (", changed in the manifest" if one.is_changed else "")
    if entry is None or result_of(entry) is None:
        return (state, None, None, None)
    path = entry.render.path if isinstance(entry, Rendered) else None
    return (state, cost_of(entry), entry.asked.currency, path)
