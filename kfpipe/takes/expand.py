"""Shot -> drafts of its takes: every cell of the matrix with its id and its settings, in declared order.

A draft has no prompts or pictures yet; `takes.build` adds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kfpipe.domain import MediaRole
from kfpipe.errors import Severity
from kfpipe.files.text import DataPath, normalised_values
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.scalars import Scalar
from kfpipe.manifest.model import TAKES_LIMIT, Matrix, MediaSource, Place, SeedChoice, Shot, ShotSettings
from kfpipe.names import ID_LIMIT_BYTES, clash_key, is_too_long
from kfpipe.takes import matrix
from kfpipe.takes.matrix import FIELD_NAMES, SETTING_NAMES, Cell, value_in_id
from kfpipe.wording import echoed

_ROLES = tuple(MediaRole)

Media = Mapping[MediaRole, MediaSource]
"""What a shot is made of, by the part that it plays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A take before its prompt and its pictures are known.

    `index` counts from 1 to `count` within the shot, or within the sequence that the shot belongs to.
    """

    id: str
    shot: Shot
    cell: Cell
    settings: ShotSettings
    media: Media
    index: int
    count: int

    def path_of(self, name: str) -> DataPath:
        """Where the field's value is: in the matrix, in the shot, or in the defaults."""
        return self.cell.paths.get(name) or self.shot.path_of(name)

    @property
    def has_derived_seed(self) -> bool:
        """Whether the take is given no seed, and is not to draw one either."""
        return self.settings.seed is SeedChoice.DERIVED

    @property
    def free_values(self) -> Mapping[str, Scalar]:
        """The values of those axes that are no fields of a shot: variables of the prompt, or names for variants."""
        values = self.cell.values
        return {name: value for name, value in values.items() if name not in FIELD_NAMES} if values else values

    def variables(self, shared: Mapping[str, Any], *, derived_seed: int) -> dict[str, Any]:
        """What templates may use; `shared`, the command line's, win. A random seed is not there."""
        nearer: dict[str, Any] = {**self.shot.variables}
        if self.cell.values:
            nearer.update(normalised_values(self.cell.values))
        nearer.update(shared, shot=self.shot.id, index=self.index, count=self.count)
        given = derived_seed if self.has_derived_seed else self.settings.seed
        if isinstance(given, int):
            nearer["seed"] = given
        return nearer


def drafts(
    shot: Shot, *, room: int = TAKES_LIMIT, limit: int = TAKES_LIMIT
) -> tuple[tuple[Draft, ...], tuple[Finding, ...]]:
    """The drafts of a shot, and what is wrong with its matrix; no drafts where that is an error.

    `room` is what is left of the `limit` on the takes that all matrices of a manifest make together.
    """
    if shot.matrix is None:
        return (_only(shot),), ()
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


def _only(shot: Shot) -> Draft:
    """The draft of a shot without a matrix."""
    place = shot.in_sequence or _ALONE
    return Draft(
        id=shot.id,
        shot=shot,
        cell=_NO_CELL,
        settings=shot.settings,
        media=shot.media,
        index=place.index,
        count=place.count,
    )


def _draft(shot: Shot, cell: Cell, index: int, count: int) -> Draft:
    given: dict[str, Any] = {name: value for name, value in cell.values.items() if name in SETTING_NAMES}
    if given.get("seed") == SeedChoice.RANDOM.value:
        given["seed"] = SeedChoice.RANDOM
    shot = shot.for_model(given.get("model")) if shot.by_model else shot
    settings = replace(shot.settings, **given) if given else shot.settings
    place = shot.in_sequence or Place(index=index, count=count)
    return Draft(
        id=_take_id(shot, cell, count),
        shot=shot,
        cell=cell,
        settings=settings,
        media=_media(shot, cell),
        index=place.index,
        count=place.count,
    )


def _media(shot: Shot, cell: Cell) -> Media:
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


def _take_id(shot: Shot, cell: Cell, count: int) -> str:
    if count == 1:
        return shot.id
    named = (f"{name}={value_in_id(value)}" for name, value in cell.values.items())
    return f"{shot.id}@{','.join(named)}"


def _id_findings(made: tuple[Draft, ...], declared: Matrix) -> Iterator[Finding]:
    """Ids that meet once letter case is gone, as file names do on some systems; ids too long for a file name."""
    first: dict[str, Draft] = {}
    for draft in made:
        path = next(reversed(tuple(draft.cell.paths.values())), declared.path)
        twin = first.setdefault(clash_key(draft.id), draft)
        if twin is not draft:
            yield Finding(
                path=path,
                what=f"two takes would have the id {echoed(draft.id)}",
                expected="values that differ in letters or digits: other characters become `-` in a take's id",
                fix="delete one of the two values, or write them differently",
            )
        if is_too_long(draft.id):
            yield Finding(
                path=path,
                what=f"the take id {echoed(draft.id)} is {len(draft.id.encode())} bytes long",
                expected=f"at most {ID_LIMIT_BYTES}: it becomes the name of the clip's file",
                fix="shorten the id of the shot, or give long values shots of their own",
            )
