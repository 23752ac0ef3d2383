"""Shot -> drafts of its takes: every cell of the matrix with its id, its settings and its seed, in declared order.

A draft has no prompts or pictures yet; `takes.build` adds them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, assert_never

from kfpipe.domain import SEED_MAX, MediaRole
from kfpipe.errors import Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.model import TAKES_LIMIT, Matrix, MediaSource, Place, SeedChoice, Shot, ShotSettings
from kfpipe.takes import matrix
from kfpipe.takes.matrix import SETTING_NAMES, Cell, scalar_text
from kfpipe.wording import echoed

ID_LIMIT_BYTES = 200
"""Room for a folder and a suffix within the 255 bytes that file systems allow a name."""

_ROLES = tuple(MediaRole)
_UNSAFE_CHARACTER = re.compile(r"[^A-Za-z0-9._+-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A take before its prompt and its pictures are known.

    `seed` is None when each render draws its own. `index` counts from 1 to `count` within the shot, or within the
    sequence that the shot belongs to.
    """

    id: str
    shot: Shot
    cell: Cell
    settings: ShotSettings
    media: Mapping[MediaRole, MediaSource]
    seed: int | None
    index: int
    count: int

    def path_of(self, name: str) -> DataPath:
        """Where the field's value is: in the matrix, in the shot, or in the defaults."""
        return self.cell.paths.get(name) or self.shot.path_of(name)

    def variables(self, shared: Mapping[str, Any]) -> dict[str, Any]:
        """What templates may use; `shared` are the manifest's own variables."""
        own = {"shot": self.shot.id, "index": self.index, "count": self.count}
        seed = {} if self.seed is None else {"seed": self.seed}
        return {**shared, **self.shot.variables, **self.cell.values, **own, **seed}


def drafts(
    shot: Shot, *, room: int = TAKES_LIMIT, limit: int = TAKES_LIMIT
) -> tuple[tuple[Draft, ...], tuple[Finding, ...]]:
    """The drafts of a shot, and what is wrong with its matrix; no drafts where that is an error.

    `room` is what is left of the `limit` on the takes that all matrices of a manifest make together.
    """
    if shot.matrix is None:
        return (_draft(shot, _NO_CELL, 1, 1),), ()
    findings = list(matrix.axis_findings(shot.matrix))
    if not findings:
        place = shot.in_sequence or _ALONE
        findings += matrix.size_findings(shot.matrix, room, limit, shots=place.count - place.index + 1)
    findings += _keyframe_findings(shot, shot.matrix)
    if findings:
        return (), tuple(findings)
    cells = matrix.cells(shot.matrix)
    made = tuple(_draft(shot, cell, index, len(cells)) for index, cell in enumerate(cells, start=1))
    findings = [*matrix.exclude_findings(shot.matrix), *_id_findings(made, shot.matrix)]
    refused = any(finding.severity is Severity.ERROR for finding in findings)
    return () if refused else made, tuple(findings)


_NO_CELL = Cell(values={}, paths={})
_ALONE = Place(index=1, count=1)


def _draft(shot: Shot, cell: Cell, index: int, count: int) -> Draft:
    given: dict[str, Any] = {name: value for name, value in cell.values.items() if name in SETTING_NAMES}
    if given.get("seed") == SeedChoice.RANDOM.value:
        given["seed"] = SeedChoice.RANDOM
    settings = replace(shot.settings, **given) if given else shot.settings
    take_id = _take_id(shot, cell, count)
    place = shot.in_sequence or Place(index=index, count=count)
    return Draft(
        id=take_id,
        shot=shot,
        cell=cell,
        settings=settings,
        media=_media(shot, cell),
        seed=_seed(settings.seed, take_id),
        index=place.index,
        count=place.count,
    )


def _media(shot: Shot, cell: Cell) -> Mapping[MediaRole, MediaSource]:
    """The shot's media with those of the cell in their place; one that was refused is missing."""
    varied = [role for role in _ROLES if role in cell.values]
    if not varied or shot.matrix is None:
        return shot.media
    files = {role: file for role in varied if (file := shot.matrix.files.get((role, str(cell.values[role]))))}
    chosen = {**{role: footage for role, footage in shot.media.items() if role not in varied}, **files}
    return {role: chosen[role] for role in _ROLES if role in chosen}


def _keyframe_findings(shot: Shot, declared: Matrix) -> Iterator[Finding]:
    """The frames of a sequence are its keyframes."""
    for name in (MediaRole.FIRST_FRAME, MediaRole.LAST_FRAME, MediaRole.FIRST_CLIP):
        if shot.in_sequence is not None and name in declared.axes:
            yield Finding(
                path=declared.axis_path(name),
                at_key=True,
                what=f"the matrix of a sequence cannot vary `{name}`: the keyframes set it",
                fix="write a separate sequence for each set of keyframes",
            )


def _seed(wanted: int | SeedChoice, take_id: str) -> int | None:
    """The seed as asked for; without one, derived from the take's id: its SHA-256 modulo 2^31.

    So a second person's run sends the same request, and a take keeps its seed when others are added.
    """
    match wanted:
        case SeedChoice.RANDOM:
            return None
        case SeedChoice.DERIVED:
            return int.from_bytes(hashlib.sha256(take_id.encode()).digest(), "big") % (SEED_MAX + 1)
        case int(seed):
            return seed
        case other:
            assert_never(other)


def _take_id(shot: Shot, cell: Cell, count: int) -> str:
    if count == 1:
        return shot.id
    named = (f"{name}={_UNSAFE_CHARACTER.sub('-', scalar_text(value))}" for name, value in cell.values.items())
    return f"{shot.id}@{','.join(named)}"


def _id_findings(made: tuple[Draft, ...], declared: Matrix) -> Iterator[Finding]:
    """Ids that meet once letter case is gone, as file names do on some systems; ids too long for a file name."""
    first: dict[str, Draft] = {}
    for draft in made:
        path = next(reversed(tuple(draft.cell.paths.values())), declared.path)
        twin = first.setdefault(draft.id.casefold(), draft)
        if twin is not draft:
            yield Finding(
                path=path,
                what=f"two takes would have the id {echoed(draft.id)}",
                expected="values that differ in letters or digits: other characters become `-` in a take's id",
                fix="delete one of the two values, or write them differently",
            )
        if len(draft.id.encode()) > ID_LIMIT_BYTES:
            yield Finding(
                path=path,
                what=f"the take id {echoed(draft.id)} is {len(draft.id.encode())} bytes long",
                expected=f"at most {ID_LIMIT_BYTES}: it becomes the name of the clip's file",
                fix="shorten the id of the shot, or give long values shots of their own",
            )
