"""The schema files, and the part of the manifest's that holds at a path."""

from __future__ import annotations

import copy
from functools import cache
from typing import Final

from kfpipe import names
from kfpipe.files.schemas import Schema, schema_file
from kfpipe.files.text import DataPath

ENTRY_LISTS: Final = {"shots": "shot", "sequences": "sequence"}
"""Lists whose entries are checked one by one, with the name of an entry's schema."""

FORMATS: Final = {names.NAME_FORMAT: names.is_name, names.VARIABLE_FORMAT: names.is_variable}
"""What the schema calls a `format`, and no pattern can say for all scripts."""

NAMES_OF_THE_CATALOGUE: Final = ("model", "resolution", "region")
"""What the schema lists for editors. `rules` says more of a wrong name: what the chosen region and model offer."""


def manifest_schema() -> Schema:
    """The schema of a manifest, as shipped; a copy of the caller's own."""
    return copy.deepcopy(schema_file("manifest"))


@cache
def checked_schema() -> Schema:
    """The one copy of the manifest's schema that manifests are checked against; not to be changed."""
    schema = manifest_schema()
    for name in NAMES_OF_THE_CATALOGUE:
        del schema["$defs"][name]["enum"]
    return schema


def entry_schema(part: str) -> Schema:
    """The schema of one entry of a list."""
    return {"$ref": f"#/$defs/{ENTRY_LISTS[part]}", "$defs": checked_schema()["$defs"]}


def outer_schema(*, included: bool) -> Schema:
    """The schema of a manifest whose entries are checked elsewhere."""
    whole = checked_schema()
    lists = {part: {**whole["properties"][part], "items": True} for part in ENTRY_LISTS}
    outer = {**whole, "properties": {**whole["properties"], **lists}}
    if included:
        del outer["anyOf"]
        outer["required"] = ["kfpipe"]
    return outer


def schema_at(path: DataPath) -> Schema:
    """The schema of the value at `path`, references followed; empty where the schema says nothing.

    It is without the `null` that takes an inherited field away: that is not what anyone is to write in place of a slip.
    """
    schema = dereferenced(checked_schema())
    for step in path:
        if isinstance(step, int):
            below = schema.get("items", {})
        else:
            below = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
        schema = dereferenced(below) if isinstance(below, dict) else {}
    return schema


def dereferenced(schema: Schema) -> Schema:
    """The same with its references followed; keywords next to a reference add to what it refers to."""
    whole: Schema = {}
    for part in (schema, *schema.get("allOf", ())):
        if "$ref" in part:
            whole |= dereferenced(checked_schema()["$defs"][part["$ref"].rpartition("/")[2]])
    whole |= {keyword: value for keyword, value in schema.items() if keyword not in ("$ref", "allOf")}
    return _without_null(whole)


def _without_null(schema: Schema) -> Schema:
    """What a field holds where it holds something."""
    if isinstance(types := schema.get("type"), list) and "null" in types:
        others = [name for name in types if name != "null"]
        schema = {**schema, "type": others[0] if len(others) == 1 else others}
    if {"type": "null"} in schema.get("anyOf", ()):
        schema = {**schema, "anyOf": [branch for branch in schema["anyOf"] if branch != {"type": "null"}]}
    return schema
