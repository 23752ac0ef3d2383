"""A lockfile belongs to one manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe.errors import Refused
from kfpipe.lock.owners import refuse_shared

MANIFEST = "# shots\nkfpipe: 1\nshots: []\n"


def shared(folder: Path, lockfile: str = "shots.lock.json") -> str:
    """Why the lockfile is refused; empty when it is not."""
    try:
        refuse_shared(folder / lockfile, "shots.yaml")
    except Refused as refused:
        (problem,) = refused.problems
        assert "rename" in (problem.fix or "")
        return problem.what
    return ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shots.yml", MANIFEST),
        ("shots.YAML", MANIFEST),
        ("Shots.yaml", MANIFEST),
        ("shots.yml", "\ufeffkfpipe : 1\r\n"),
        ("shots.yml", "{title: A, kfpipe: 1}"),
        ("shots.json", '{\n  "kfpipe": 1\n}'),
        ("shots.json", '{\n  "title": "A",\n  "kfpipe": 1\n}'),
    ],
)
def test_a_second_manifest_of_its_name_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "shots.yaml").write_text(MANIFEST, "utf-8")
    (tmp_path / name).write_text(text, "utf-8")
    for lockfile in ("shots.lock.json", ".kfpipe/emulator/shots.lock.json"):
        what = shared(tmp_path, lockfile)
        assert "'shots.yaml'" in what
        assert f"'{name}'" in what


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("shots.yml", "services:\n  kfpipe: {image: kfpipe}\n"),
        ("shots.yml", ""),
        ("shots.json", '{"takes": []}'),
        ("shots.yaml~", MANIFEST),
        ("shots.old.yaml", MANIFEST),
        ("shots2.yaml", MANIFEST),
    ],
)
def test_another_file_beside_the_manifest_is_none_of_its_business(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "shots.yaml").write_text(MANIFEST, "utf-8")
    (tmp_path / name).write_text(text, "utf-8")
    assert not shared(tmp_path)


def test_a_link_to_the_manifest_is_the_same_manifest(tmp_path: Path) -> None:
    (tmp_path / "shots.yaml").write_text(MANIFEST, "utf-8")
    (tmp_path / "shots.yml").symlink_to("shots.yaml")
    assert not shared(tmp_path)
