"""The schemas by name."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from kfpipe.files.schemas import FILES, names, published


@pytest.mark.parametrize("name", names())
def test_every_schema_stands_on_its_own(name: str) -> None:
    schema = published(name)
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    assert all(f'"#/$defs/{part}"' in text for part in schema.get("$defs", {}) if name not in FILES)


def test_files_come_first_and_every_name_once() -> None:
    assert names()[: len(FILES)] == FILES
    assert len(set(names())) == len(names())
