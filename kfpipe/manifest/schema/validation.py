"""Which parts of a document fail the schema.

A compiled validator passes what is right, a hundred times faster than the one that can explain. Only what fails there
is walked again, by `strict`, which is loaded when it is needed: most manifests are right, and it takes a while to load.
Both get the document's own values; decimals count as numbers to both.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import jsonschema_rs

from kfpipe.files.schemas import Schema
from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.schema.rules import ENTRY_LISTS, FORMATS, checked_schema, entry_schema, outer_schema, schema_at
from kfpipe.wording import echoed


def broken_entries(data: dict[str, Any], part: str) -> tuple[int, ...]:
    """Indexes of the entries of one of the lists that fail."""
    entries = data.get(part)
    if not isinstance(entries, list):
        return ()
    gate = _gate(part)
    return tuple(index for index, entry in enumerate(entries) if not gate.is_valid(entry) or _has_decimal_field(entry))


def findings_in_entry(data: dict[str, Any], part: str, index: int) -> list[Finding]:
    """What is wrong with an entry that fails."""
    from kfpipe.manifest.schema import strict

    entry = data[part][index]
    return strict.findings_in_entry(entry, part, index) or [_unexplained(entry, part, index)]


def findings_outside_entries(data: dict[str, Any], *, included: bool) -> list[Finding]:
    """What is wrong with the rest of the manifest; every part that fails is among them.

    An included manifest need not say more than the version of the format.
    """
    without_entries = {**data, **{part: data[part][:1] for part in ENTRY_LISTS if isinstance(data.get(part), list)}}
    if _outer_gate(included).is_valid(without_entries) and not _has_whole_decimal(without_entries):
        return []
    from kfpipe.manifest.schema import strict

    return strict.findings_outside_entries(data, included=included)


def usable_id(entry: Any) -> str | None:
    """The id of an entry, if it is text."""
    name = entry.get("id") if isinstance(entry, dict) else None
    return name if isinstance(name, str) and _id_gate().is_valid(name) else None


def _has_decimal_field(entry: Any) -> bool:
    """JSON Schema lets 5.0 pass for the whole number 5; no field of an entry is written with a point."""
    return Decimal in map(type, entry.values()) or any(map(_has_decimal_field, entry.get("shots", ())))


def _has_whole_decimal(value: Any) -> bool:
    """Whether there is a 5.0 or the like anywhere."""
    match value:
        case Decimal():
            return value == value.to_integral_value()
        case dict():
            return any(map(_has_whole_decimal, value.values()))
        case list():
            return any(map(_has_whole_decimal, value))
        case _:
            return False


def _unexplained(entry: Any, part: str, index: int) -> Finding:
    """The two validators disagree: the stricter one is right, in its own words."""
    error = next(iter(_gate(part).iter_errors(entry)), None)
    reason = f": {echoed(error.message)}" if error else ""
    path = (part, index, *(error.instance_path if error else ()))
    return Finding(path=path, what=f"this does not fit the manifest's format{reason}", fix="see `kfpipe schema`")


@cache
def _gate(part: str) -> jsonschema_rs.Draft202012Validator:
    return _compiled(entry_schema(part))


@cache
def _id_gate() -> jsonschema_rs.Draft202012Validator:
    return _compiled({"$defs": checked_schema()["$defs"], **schema_at(("shots", 0, "id"))})


@cache
def _outer_gate(included: bool) -> jsonschema_rs.Draft202012Validator:
    return _compiled(outer_schema(included=included))


def _compiled(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, formats=FORMATS, validate_formats=True)
