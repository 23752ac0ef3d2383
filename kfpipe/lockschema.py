"""What a lockfile and a journal may hold, by `schemas/lock.schema.json`: decided fast, explained where it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator

from kfpipe.jsontext import Path
from kfpipe.schema.shipped import schema_file
from kfpipe.wording import described, echoed, listed


class Part(StrEnum):
    """A definition in the schema."""

    TAKE_ID = "take_id"
    RECORD = "record"
    TRANSITION = "transition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What does not fit, at `path` inside of the part."""

    path: Path
    what: str
    expected: str | None = None


def lock_schema() -> dict[str, Any]:
    """The schema as shipped; not to be changed."""
    return schema_file("lock")


def fits(part: Part, data: Any) -> bool:
    """Whether kfpipe can read this."""
    return bool(_gate(part).is_valid(data))


def faults(part: Part, data: Any) -> Iterator[Fault]:
    """Why `data` does not fit: at least one reason."""
    found = dict.fromkeys(_explained(error) for error in _explainer(part).iter_errors(data))
    yield from found or _unexplained(part, data)


def _unexplained(part: Part, data: Any) -> Iterator[Fault]:
    """The two validators disagree, as they do about a line break at the end of a text; the stricter one is right."""
    for error in _gate(part).iter_errors(data):
        yield Fault(path=tuple(error.instance_path), what="this does not fit the format")


def _explained(error: Any) -> Fault:
    path = tuple(error.absolute_path)
    match error.validator:
        case "required":
            missing = [f"`{name}`" for name in error.validator_value if name not in error.instance]
            return Fault(path=path, what=f"{listed(missing, 'and')} is missing")
        case "unevaluatedProperties" | "additionalProperties":
            known = _known_names(path)
            unknown = [echoed(name) for name in error.instance if name not in known]
            return Fault(path=path, what=f"{listed(unknown or ['a field'], 'and')} is not known here")
    name = next((step for step in reversed(path) if isinstance(step, str)), None)
    what = f"the {'value' if name is None else f'field `{name}`'} holds {described(error.instance)}"
    return Fault(path=path, what=what, expected=_descriptions().get(name or ""))


def _known_names(path: Path) -> set[str]:
    definitions = lock_schema()["$defs"]
    if path and path[-1] in ("render", "failure"):
        return set(definitions[path[-1]]["properties"])
    if path and path[-1] in ("parameters", "media"):
        return set(definitions["fields"]["properties"][path[-1]]["properties"])
    return {*definitions["fields"]["properties"], *(() if path else definitions["record"]["properties"])}


@cache
def _descriptions() -> dict[str, str]:
    """What each field is for, in the schema's words."""
    found: dict[str, str] = {}
    pending: list[Any] = [lock_schema()]
    while pending:
        schema = pending.pop()
        if isinstance(schema, dict):
            for name, value in schema.get("properties", {}).items():
                if "description" in value:
                    found.setdefault(name, value["description"])
            pending.extend(schema.values())
    return found


def _schema_of(part: Part) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{part}", "$defs": lock_schema()["$defs"]}


@cache
def _gate(part: Part) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(_schema_of(part))


@cache
def _explainer(part: Part) -> Draft202012Validator:
    return Draft202012Validator(_schema_of(part))
