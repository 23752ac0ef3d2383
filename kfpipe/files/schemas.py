"""The schemas by the names that `kfpipe schema` takes: of the files that people read, and of what commands print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

Schema = dict[str, Any]

FILES: Final = ("manifest", "lock", "planfile")
_REFERENCE: Final = "#/$defs/"


def names() -> tuple[str, ...]:
    """All of them: the files, the commands in the order in which one meets them, and last what any may print."""
    return (*FILES, *(_target(part) for part in schema_file("output")["anyOf"]))


def published(name: str) -> Schema:
    """The schema as a document that refers to nothing outside it; not to be changed."""
    return schema_file(name) if name in FILES else _output(name)


def _output(name: str) -> Schema:
    """The part of the output's schema that describes one command, with what it needs of the rest."""
    whole = schema_file("output")
    parts: Schema = whole["$defs"]
    needed: set[str] = set()
    pending = [name]
    while pending:
        found = set(_references(parts[pending.pop()])) - needed
        needed |= found
        pending += found
    return {
        "$schema": whole["$schema"],
        "$id": f"urn:kfpipe:{name}:1",
        **parts[name],
        "$defs": {part: schema for part, schema in parts.items() if part in needed},
    }


def _references(schema: Any) -> Iterator[str]:
    """The names of all definitions that a schema refers to."""
    match schema:
        case dict():
            if "$ref" in schema:
                yield _target(schema)
            for inner in schema.values():
                yield from _references(inner)
        case list():
            for inner in schema:
                yield from _references(inner)


def _target(reference: Schema) -> str:
    name: str = reference["$ref"]
    return name.removeprefix(_REFERENCE)


@cache
def schema_file(name: str) -> Schema:
    """The schema `schemas/<name>.schema.json`, as shipped; not to be changed."""
    package = files("kfpipe")
    inside = package.joinpath("schemas", f"{name}.schema.json")  # a wheel
    beside = package.joinpath("..", "schemas", f"{name}.schema.json")  # a checkout
    text = (inside if inside.is_file() else beside).read_text(encoding="utf-8")
    schema: Schema = json.loads(text)
    return schema
