"""What all schemas have in common, and the example manifests of the repository against theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kfpipe.cli import starter
from kfpipe.files.schemas import Schema, schema_file
from kfpipe.manifest import document, schema
from tests.support.places import ROOT

SCHEMAS = [path.name.partition(".")[0] for path in sorted((ROOT / "schemas").glob("*.schema.json"))]
EXAMPLES = [*sorted((ROOT / "manifests").glob("*.yaml")), Path(starter.__file__).parent / starter.MANIFEST]


def address_of(name: str) -> str:
    """What names a schema: the manifest's, for which catalogues have a place, by its address there."""
    if name == "manifest":
        return "https://www.schemastore.org/kfpipe.json"
    return f"urn:kfpipe:{name}:{2 if name == 'lock' else 1}"


def fields(part: Any, path: str) -> Iterator[tuple[str, Schema]]:
    """Every value that a schema describes, with its path; not what only adds to what is described elsewhere."""
    if not isinstance(part, dict):
        return
    below = [(name, part[name]) for name in ("items", "additionalProperties", "propertyNames") if name in part]
    below += part.get("properties", {}).items()
    for name, inner in below:
        if isinstance(inner, dict):
            yield f"{path}/{name}", inner
        yield from fields(inner, f"{path}/{name}")
    for index, branch in enumerate(part.get("anyOf", ())):
        if branch.keys() & {"type", "$ref"}:
            yield from fields(branch, f"{path}/{index}")
    for name, inner in part.get("$defs", {}).items():
        if inner.keys() & {"type", "enum", "anyOf", "$ref"}:
            yield f"{path}#{name}", inner
        yield from fields(inner, f"{path}#{name}")


def description(part: Schema, whole: Schema) -> str | None:
    told: str | None = part.get("description")
    if told is None and "$ref" in part:
        return description(whole["$defs"][part["$ref"].rpartition("/")[2]], whole)
    return told


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_has_a_name(name: str) -> None:
    whole = schema_file(name)
    Draft202012Validator.check_schema(whole)
    assert whole["$id"] == address_of(name)
    assert whole["title"] and whole["description"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_describes_every_value(name: str) -> None:
    whole = schema_file(name)
    found = dict(fields(whole, name))
    assert len(found) > 50
    assert [path for path, part in found.items() if not description(part, whole)] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_fits_the_schema_of_a_manifest(path: Path) -> None:
    assert schema.problems(document.parse(path.read_text("utf-8"), path.name)) == ()
