"""Which parts of a document fail the schema.

A compiled validator passes the entries that are right, a hundred times faster than the one that can explain. Only what
fails there is walked again. Both get the document's own values; decimals count as numbers to both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from kfpipe.document import Path
from kfpipe.findings import Finding
from kfpipe.schema.explanation import explained, first_repeated
from kfpipe.schema.shipped import Schema, schema_at, shipped
from kfpipe.wording import echoed

MOST_FINDINGS_IN_A_PART = 20

ENTRY_LISTS = {"shots": "shot", "sequences": "sequence"}
"""Lists whose entries are checked one by one, with the name of an entry's schema."""


def broken_entries(data: dict[str, Any], part: str) -> tuple[int, ...]:
    """Indexes of the entries of one of the lists that fail."""
    entries = data.get(part)
    if not isinstance(entries, list):
        return ()
    gate = _gate(part)
    return tuple(index for index, entry in enumerate(entries) if not gate.is_valid(entry) or _has_decimal_field(entry))


def findings_in_entry(data: dict[str, Any], part: str, index: int) -> list[Finding]:
    """What is wrong with an entry that fails."""
    entry = data[part][index]
    found = _bounded(_validator(part).iter_errors(entry), (part, index))
    return found or [_unexplained(entry, part, index)]


def findings_outside_entries(data: dict[str, Any], *, included: bool) -> list[Finding]:
    """What is wrong with the rest of the manifest; every part that fails is among them.

    An included manifest need not say more than the version of the format.
    """
    by_part: dict[tuple[Path, str], list[ValidationError]] = {}
    for error in _outer_validator(included).iter_errors(data):
        errors = by_part.setdefault((tuple(error.absolute_path)[:1], error.validator), [])
        if len(errors) <= MOST_FINDINGS_IN_A_PART:
            errors.append(error)
    return [finding for errors in by_part.values() for finding in _bounded(errors, ())]


def usable_id(entry: Any) -> str | None:
    """The id of an entry, unless it is no id."""
    name = entry.get("id") if isinstance(entry, dict) else None
    return name if isinstance(name, str) and fits(name, schema_at(("shots", 0, "id"))) else None


def fits(value: Any, schema: Schema) -> bool:
    """Whether a part of the manifest's schema takes a value."""
    return not any(_Strict({"$defs": shipped()["$defs"], **schema}).iter_errors(value))


def _has_decimal_field(entry: Any) -> bool:
    """JSON Schema lets 5.0 pass for the whole number 5; no field of an entry is written with a point."""
    return any(isinstance(value, Decimal) for value in entry.values())


def _bounded(errors: Iterable[ValidationError], prefix: Path) -> list[Finding]:
    found = (finding for error in errors for finding in explained(error, prefix, fits))
    shown = list(islice(found, MOST_FINDINGS_IN_A_PART + 1))
    if len(shown) > MOST_FINDINGS_IN_A_PART:
        what = "from here on more is wrong in this part than is shown"
        shown[-1] = Finding(path=shown[-1].path, what=what, fix="mend what is shown first")
    return shown


def _unexplained(entry: Any, part: str, index: int) -> Finding:
    """The two validators disagree: the stricter one is right, in its own words."""
    error = next(iter(_gate(part).iter_errors(entry)), None)
    reason = f": {echoed(error.message)}" if error else ""
    path = (part, index, *(error.instance_path if error else ()))
    return Finding(path=path, what=f"this does not fit the manifest's format{reason}", fix="see `kfpipe schema`")


@cache
def _gate(part: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(_entry_schema(part))


@cache
def _validator(part: str) -> Any:
    return _Strict(_entry_schema(part))


@cache
def _outer_validator(included: bool) -> Any:
    whole = shipped()
    lists = {part: {**whole["properties"][part], "items": True} for part in ENTRY_LISTS}
    outer = {**whole, "properties": {**whole["properties"], **lists}}
    if included:
        del outer["anyOf"]
        outer["required"] = ["kfpipe"]
    return _Strict(outer)


def _entry_schema(part: str) -> Schema:
    return {"$ref": f"#/$defs/{ENTRY_LISTS[part]}", "$defs": shipped()["$defs"]}


def _whole_pattern(_validator: Any, pattern: str, instance: Any, _schema: Schema) -> Iterator[ValidationError]:
    """`$` also stands before a final line break in Python; an id that ends with one must not become a file name."""
    if isinstance(instance, str) and not re.fullmatch(pattern.removesuffix("$"), instance):
        yield ValidationError("does not match")


def _unique_items(_validator: Any, unique: bool, instance: Any, _schema: Schema) -> Iterator[ValidationError]:
    """In one pass; the library compares all pairs when a list mixes types."""
    if unique and isinstance(instance, list) and first_repeated(instance) is not None:
        yield ValidationError("has repeated items")


_Strict: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _whole_pattern, "uniqueItems": _unique_items}
)
