"""Fault scripts: JSON text or plain objects -> faults, or a refusal that names the entry and the field.

A script is a list of objects. `on` names the phase and `do` the act; `nth`, `every` and `times` count the requests of
the phase that also fit `model` and `prompt_contains`; all other fields belong to the act.

    [{"on": "submit", "nth": 3, "do": "drop", "when": "after"},
     {"on": "query", "every": 10, "do": "answer", "status": 429, "code": "Throttling.RateQuota"}]
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from kfpipe.emulator.faults.kinds import ACTS, Phase, Within
from kfpipe.emulator.faults.matching import Fault

_COUNTING_FIELDS = frozenset(field.name for field in dataclasses.fields(Fault)) - {"on", "act"}
_TYPE_NAMES = {int: "an integer", float: "a number", str: "text", dict: "an object"}


class FaultsInvalid(ValueError):
    """A fault script that cannot be carried out. `entry` counts from 1; it and `field` are None for the whole file."""

    def __init__(self, entry: int | None, field: str | None, problem: str) -> None:
        where = "faults" if entry is None else f"fault {entry}" if field is None else f"fault {entry}, `{field}`"
        super().__init__(f"{where}: {problem}")
        self.entry = entry
        self.field = field
        self.problem = problem


def load(path: Path) -> tuple[Fault, ...]:
    """The faults of a JSON file. Raises `FaultsInvalid`, OSError."""
    try:
        entries = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise FaultsInvalid(None, None, f"{path} is not JSON: {error}") from error
    if not isinstance(entries, list):
        raise FaultsInvalid(None, None, f"{path} does not contain a list")
    return parse(entries)


def parse(entries: Sequence[Any]) -> tuple[Fault, ...]:
    """Raises `FaultsInvalid`."""
    return tuple(_fault(number, entry) for number, entry in enumerate(entries, 1))


def _fault(number: int, entry: Any) -> Fault:
    if not isinstance(entry, Mapping):
        raise FaultsInvalid(number, None, "expected an object")
    phase = Phase(_choice(number, entry, "on", list(Phase)))
    act = ACTS[_choice(number, entry, "do", list(ACTS))]
    if phase not in act.phases:
        raise FaultsInvalid(number, "do", f"{act.name} is for {', '.join(sorted(act.phases))}, not for {phase}")
    counting = {name: value for name, value in entry.items() if name in _COUNTING_FIELDS}
    acting = {name: value for name, value in entry.items() if name not in {"on", "do", *_COUNTING_FIELDS}}
    return Fault(on=phase, act=act(**_fields(number, act, acting)), **_fields(number, Fault, counting))


def _choice(number: int, entry: Mapping[str, Any], field: str, choices: Sequence[str]) -> str:
    value = entry.get(field)
    if value not in choices:
        raise FaultsInvalid(number, field, f"expected one of {', '.join(choices)}")
    return str(value)


def _fields(number: int, kind: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """The constructor's arguments, each of its declared type and within its declared span."""
    hints = get_type_hints(kind, include_extras=True)
    known = {field.name: field for field in dataclasses.fields(kind)}
    for name in given.keys() - known.keys():
        raise FaultsInvalid(number, name, "no such field")
    if kind is not Fault:
        for name, field in known.items():
            if name not in given and field.default is dataclasses.MISSING:
                raise FaultsInvalid(number, name, "is missing")
    return {name: _value(number, name, value, hints[name]) for name, value in given.items()}


def _value(number: int, name: str, value: Any, hint: Any) -> Any:
    if NoneType in get_args(hint):
        if value is None:
            return None
        hint = next(choice for choice in get_args(hint) if choice is not NoneType)
    kind, *spans = get_args(hint) if get_origin(hint) is Annotated else (get_origin(hint) or hint,)
    if issubclass(kind, StrEnum):
        return kind(_choice(number, {name: value}, name, list(kind)))
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool):
        raise FaultsInvalid(number, name, f"expected {_TYPE_NAMES[kind]}")
    for span in spans:
        if isinstance(span, Within) and not span.least <= value <= span.most:
            upper = "" if span.most == float("inf") else f" and at most {span.most:g}"
            raise FaultsInvalid(number, name, f"expected at least {span.least:g}{upper}")
        if isinstance(span, Within) and span.multiple_of > 1 and value % span.multiple_of:
            raise FaultsInvalid(number, name, f"expected a multiple of {span.multiple_of}")
    return value
