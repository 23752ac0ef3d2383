"""The matrix of a shot: its combinations, and what can be wrong with its axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import product

from kfpipe.domain import SEED_MAX, MediaRole
from kfpipe.errors import Severity
from kfpipe.files.text import DataPath
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.document.scalars import Scalar
from kfpipe.manifest.model import Matrix, SeedChoice, ShotSettings
from kfpipe.names import for_take_id, in_one_form, is_variable
from kfpipe.values import dataclass
from kfpipe.wording import closest, described, did_you_mean, echoed, listed, suggested

SETTING_NAMES = tuple(ShotSettings.__dataclass_fields__)
FIELD_NAMES = (*SETTING_NAMES, *map(str, MediaRole))
_OTHER_FIELDS = frozenset(["id", "tags", "vars", "matrix", "keyframes", "prompts", "trim", "notes"])
_TEMPLATE_NAMES = frozenset(["shot", "index", "count"])
_ALIKE = 0.8  # `sed` and `resolutions` are typos of settings; `mood` is not, although it is close to `model`


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination of a matrix: a value for each axis, and where the values are in the manifest."""

    values: Mapping[str, Scalar]
    paths: Mapping[str, DataPath]


def cells(matrix: Matrix) -> tuple[Cell, ...]:
    """The combinations in declared order, the last axis fastest.

    An `exclude` removes the combinations that have all of its values. An `include` that contradicts no axis of a
    combination adds its further values to it; one that fits none becomes a combination of its own. Where a value is
    overridden, combinations that become equal are one.
    """
    kept = [cell for cell in _product(matrix) if not any(_fits(entry, cell) for entry in matrix.exclude.values())]
    added: list[Cell] = []
    for place, entry in matrix.include.items():
        paths: dict[str, DataPath] = {name: (*matrix.path, "include", place, name) for name in entry}
        on_axes = {name: value for name, value in entry.items() if name in matrix.axes}
        fitting = [at for at, cell in enumerate(kept) if on_axes.keys() <= cell.values.keys() and _fits(on_axes, cell)]
        for at in fitting:
            merged = {**entry, **{name: kept[at].values[name] for name in on_axes}}
            merged_paths = {**paths, **{name: kept[at].paths[name] for name in on_axes}}
            kept[at] = Cell(values={**kept[at].values, **merged}, paths={**kept[at].paths, **merged_paths})
        if not fitting:
            names = [*(name for name in matrix.axes if name in entry), *(name for name in entry if name not in on_axes)]
            added.append(
                Cell(values={name: entry[name] for name in names}, paths={name: paths[name] for name in names})
            )
    return _overridden((*kept, *added), matrix) if matrix.overridden else (*kept, *added)


def _overridden(cells: tuple[Cell, ...], matrix: Matrix) -> tuple[Cell, ...]:
    """The combinations with what wins over their values; of those that are equal then, the first."""
    distinct: dict[tuple[tuple[str, str], ...], Cell] = {}
    for cell in cells:
        values, paths = dict(cell.values), dict(cell.paths)
        for name in matrix.overridden.keys() & values.keys():
            paths[name], values[name] = matrix.overridden[name]
            if values[name] is None:
                del values[name], paths[name]
        key = tuple((name, scalar_text(value)) for name, value in values.items())
        distinct.setdefault(key, Cell(values=values, paths=paths))
    return tuple(distinct.values())


def scalar_text(value: Scalar) -> str:
    """The value as YAML would spell it: `true`, `720P`, `null`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def value_in_id(value: Scalar) -> str:
    """The value as a take's id has it."""
    return for_take_id(scalar_text(value))


def values_in_ids(values: Mapping[str, Iterable[Scalar]]) -> dict[str, frozenset[str]]:
    """The same of several, by the names of their axes."""
    return {name: frozenset(map(value_in_id, some)) for name, some in values.items()}


def _product(matrix: Matrix) -> Iterator[Cell]:
    """The combinations of the axes alone; none when there are only `include` entries."""
    names = tuple(matrix.axes)
    if not names:
        return
    for places in product(*(range(len(values)) for values in matrix.axes.values())):
        chosen = tuple(zip(names, places, strict=True))
        yield Cell(
            values={name: matrix.axes[name][place] for name, place in chosen},
            paths={name: (*matrix.axis_path(name), place) for name, place in chosen},
        )


def _fits(entry: Mapping[str, Scalar], cell: Cell) -> bool:
    """Whether the cell has all values of the entry; values are compared as they are written."""
    values = cell.values
    return all(name in values and _compared(values[name]) == _compared(wanted) for name, wanted in entry.items())


def _compared(value: Scalar) -> str:
    return in_one_form(scalar_text(value))


# -- what can be wrong with a matrix ---------------------------------------------------------------------------------


def axis_findings(matrix: Matrix) -> Iterator[Finding]:
    """Axes and include entries whose name or values make no sense."""
    for name, values in matrix.axes.items():
        yield from _name_findings(name, matrix.axis_path(name))
        for place, value in enumerate(values):
            yield from _value_findings(name, value, (*matrix.axis_path(name), place))
    known = {*matrix.axes, *FIELD_NAMES}
    for place, entry in matrix.include.items():
        for name, value in entry.items():
            path = (*matrix.path, "include", place, name)
            if name not in matrix.axes:
                yield from _name_findings(name, path)
            yield from _value_findings(name, value, path)
    for place, entry in matrix.exclude.items():
        for name in entry.keys() - known:
            yield Finding(
                path=(*matrix.path, "exclude", place, name),
                at_key=True,
                what=f"`exclude` names `{name}`, which is not an axis of this matrix",
                expected=listed(list(matrix.axes)) if matrix.axes else None,
                fix=did_you_mean(name, matrix.axes, "delete the entry"),
            )


def _name_findings(name: str, path: DataPath) -> Iterator[Finding]:
    if name in FIELD_NAMES:
        return
    if name in _OTHER_FIELDS:
        yield Finding(
            path=path,
            at_key=True,
            what=f"a matrix cannot vary `{name}`",
            expected=f"{listed(FIELD_NAMES)}, or a variable in the prompt",
            fix="write a separate shot for each value",
        )
    elif name in _TEMPLATE_NAMES or name.startswith("_") or not is_variable(name):
        why = "kfpipe sets it itself" if name in _TEMPLATE_NAMES else "it must be letters, digits and underscores"
        yield Finding(path=path, at_key=True, what=f"{echoed(name)} cannot be a variable: {why}", fix="rename it")


_TEXTS = frozenset(["model", "resolution", "prompt", "negative_prompt", "template", *MediaRole])
_SWITCHES = frozenset(["prompt_extend", "watermark", "audio"])
_WHOLE_NUMBERS = {"duration": "a whole number of seconds", "attempts": "a whole number", "priority": "a whole number"}


def _value_findings(name: str, value: Scalar, path: DataPath) -> Iterator[Finding]:
    """The schema knows an axis only as a list of values; the fields have types."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if name in _TEXTS and not isinstance(value, str):
        yield _mistyped(name, value, path, "text")
    elif name in _SWITCHES and not isinstance(value, bool):
        yield _mistyped(name, value, path, "true or false, without quotes")
    elif name in _WHOLE_NUMBERS and not whole:
        yield _mistyped(name, value, path, _WHOLE_NUMBERS[name])
    elif name == "seed" and value != SeedChoice.RANDOM.value and not (whole and 0 <= int(value or 0) <= SEED_MAX):
        yield _mistyped(name, value, path, f"a whole number from 0 to {SEED_MAX}, or random")


def _mistyped(name: str, value: Scalar, path: DataPath, expected: str) -> Finding:
    fix = "write it without quotes" if isinstance(value, str) and value.isdecimal() else "change the value"
    return Finding(path=path, what=f"`{name}` is {described(value)}", expected=expected, fix=fix)


def size_findings(matrix: Matrix, room: int, limit: int, *, shots: int = 1) -> Iterator[Finding]:
    """Too many takes: `room` is what is left of the `limit` for all matrices of the manifest.

    `shots` is how many shots of a sequence have this matrix, and are still to be made.
    """
    sizes = {"shots": shots} if shots > 1 else {}
    sizes |= {name: len(values) for name, values in matrix.axes.items()}
    total = math.prod(sizes.values()) + shots * len(matrix.include)
    if total > room:
        shown = " x ".join(f"{name} ({size:,})" for name, size in sizes.items())
        others = f" on top of the {limit - room:,} of other matrices" if room < limit else ""
        yield Finding(
            path=matrix.path,
            at_key=True,
            what=f"{shown} makes {total:,} takes{others}, more than the limit",
            expected=f"at most {limit:,} takes from all matrices together",
            fix="shorten an axis; if you mean that many, raise the limit with a line `limits: {matrix_takes: ...}`",
        )


def exclude_findings(matrix: Matrix) -> Iterator[Finding]:
    """An `exclude` that removes nothing is most likely mistyped; so is one that leaves nothing."""
    every = tuple(_product(matrix))
    for place, entry in matrix.exclude.items():
        if not any(_fits(entry, cell) for cell in every):
            yield Finding(
                path=(*matrix.path, "exclude", place),
                what="this `exclude` matches no combination and excludes nothing",
                fix="compare its values with those of the axes",
                severity=Severity.WARNING,
            )
    if not cells(matrix):
        yield Finding(
            path=matrix.path,
            at_key=True,
            what="the matrix leaves no take: `exclude` removes every combination",
            fix="delete an entry of `exclude`, or the shot",
        )


def unused_findings(matrix: Matrix, spoken_of: Set[str], *, in_seeds: Set[str] = frozenset()) -> Iterator[Finding]:
    """Variables that the prompts, which use `spoken_of`, do not use, and that are not `in_seeds` either.

    Their takes do not differ. Where the name resembles a setting it is a typo, whatever follows from it, and the takes
    would not be what was asked for.
    """
    paths: dict[str, DataPath] = {name: matrix.axis_path(name) for name in matrix.axes}
    for place, entry in matrix.include.items():
        paths = {name: (*matrix.path, "include", place, name) for name in entry} | paths
    for name in paths.keys() - spoken_of - set(FIELD_NAMES):
        alike = closest(name, FIELD_NAMES, likeness=_ALIKE)
        if alike is None and name in in_seeds:
            continue
        yield Finding(
            path=paths[name],
            at_key=True,
            what=f"`{name}` is varied, but it is not a field of a shot, and the prompt does not use it",
            expected=f"{listed(FIELD_NAMES)}, or a variable in the prompt",
            fix=suggested(
                alike, instead_of=name, otherwise=f"write {{{{ {name} }}}} in the prompt, or delete the axis"
            ),
            severity=Severity.ERROR if alike else Severity.WARNING,
        )
