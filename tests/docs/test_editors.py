"""What the page on editors gives to a catalogue of schemas and to VS Code."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path

import pytest

from kfpipe.cli.options import default_manifest
from kfpipe.files.schemas import published
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "editors.md"
FILES = {block.file: json.loads(block.text) for block in blocks(PAGE, "json")}
ENTRY = FILES["catalog-entry.json"]


def test_the_entry_is_one_that_a_catalogue_takes() -> None:
    assert ENTRY.keys() == {"name", "description", "fileMatch", "url"}
    assert ENTRY["name"] == published("manifest")["title"]
    assert ENTRY["url"] == published("manifest")["$id"]
    assert not {"schema", "\n"} & {*ENTRY["description"].split()}


def test_vs_code_is_told_the_names_of_the_catalogue() -> None:
    (globs,) = FILES["settings.json"]["yaml.schemas"].values()
    assert set(ENTRY["fileMatch"]) <= set(globs)


@pytest.mark.parametrize("name", ["kfpipe.yaml", "film.kfpipe.yaml", "黑猫.kfpipe.yaml"])
def test_a_manifest_that_is_found_by_its_name_is_matched_by_the_catalogue(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert default_manifest.found(tmp_path).name == name
    assert any(fnmatch(name, pattern) for pattern in ENTRY["fileMatch"])
