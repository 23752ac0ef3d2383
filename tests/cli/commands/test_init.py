"""`kfpipe init`: an example that works at once, and harms nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kfpipe.files.schemas import schema_file
from tests.cli.conftest import Call
from tests.support import surroundings

FILES = [
    "shots.yaml",
    "frames/dawn_a.jpg",
    "frames/dawn_b.jpg",
    "frames/lighthouse_a.jpg",
    "frames/lighthouse_b.jpg",
    ".gitignore",
]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DASHSCOPE_HTTP_BASE_URL", raising=False)
    return tmp_path


def test_the_example_is_written_and_the_next_command_is_named(kfpipe: Call) -> None:
    ended = kfpipe("init", "my film")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        *(f"my film/{name}" for name in FILES),
        "",
        "next: kfpipe run 'my film/shots.yaml'",
    ]
    assert Path("my film/.gitignore").read_text("utf-8") == "renders/\n.kfpipe/\n.env\n"


def test_the_example_is_sound_and_small(kfpipe: Call) -> None:
    assert kfpipe("init", "--json").json["written"] == FILES
    ended = kfpipe("validate", "shots.yaml", "--json")
    assert (ended.json["shots"], ended.json["takes"], ended.json["warnings"]) == (2, 3, [])
    assert sum(Path(name).stat().st_size for name in FILES) < 150_000


def test_the_next_command_renders_the_example_for_nothing(kfpipe: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    surroundings.quicken(monkeypatch)
    kfpipe("init")
    ended = kfpipe("run", "shots.yaml")
    assert ended.code == 0
    assert "3 clips rendered in" in ended.out and "nothing charged" in ended.out


def test_editors_find_the_schema_where_the_first_line_says(kfpipe: Call) -> None:
    kfpipe("init", "film")
    first, second = Path("film/shots.yaml").read_text("utf-8").splitlines()[:2]
    for line, start in ((first, "# yaml-language-server: $schema="), (second, "# $schema: ")):
        assert line.startswith(start)
        named = Path("film", line.removeprefix(start))
        assert json.loads(named.read_text("utf-8")) == schema_file("manifest")


def test_a_fresh_clone_gets_the_schema_back(kfpipe: Call) -> None:
    kfpipe("init")
    schema = Path(".kfpipe/manifest.schema.json")
    content = schema.read_bytes()
    shutil.rmtree(".kfpipe")  # git leaves it alone
    assert kfpipe("schema", "--install").out == ".kfpipe/manifest.schema.json\n"
    assert schema.read_bytes() == content
    assert kfpipe("schema", "--install", "--json").json["written"] == ".kfpipe/manifest.schema.json"


def test_only_the_manifests_schema_is_installed(kfpipe: Call, here: Path) -> None:
    ended = kfpipe("schema", "plan", "--install")
    assert (ended.code, ended.err.splitlines()[0]) == (
        2,
        "kfpipe schema: --install works only for the manifest's schema",
    )
    assert list(here.iterdir()) == []


def test_nothing_is_overwritten_and_nothing_is_written_beside_what_is_in_the_way(kfpipe: Call, here: Path) -> None:
    (here / "shots.yaml").write_text("mine", "utf-8")
    (here / "frames").mkdir()
    (here / "frames/dawn_b.jpg").write_text("mine too", "utf-8")
    ended = kfpipe("init")
    assert ended.code == 2
    assert [line for line in ended.err.splitlines() if not line.startswith(" ")] == [
        "frames/dawn_b.jpg: this file exists and differs from the example",
        "shots.yaml: this file exists and differs from the example",
    ]
    assert (here / "shots.yaml").read_text("utf-8") == "mine"
    assert sorted(path.name for path in here.rglob("*") if path.is_file()) == ["dawn_b.jpg", "shots.yaml"]


def test_a_gitignore_that_is_there_keeps_its_lines(kfpipe: Call, here: Path) -> None:
    (here / ".gitignore").write_text("*.bak\n.env", "utf-8")
    kfpipe("init")
    assert (here / ".gitignore").read_text("utf-8") == "*.bak\n.env\nrenders/\n.kfpipe/\n"


def test_again_writes_only_what_is_missing(kfpipe: Call, here: Path) -> None:
    kfpipe("init")
    (here / "frames/dawn_a.jpg").unlink()
    assert kfpipe("init", "--json").json["written"] == ["frames/dawn_a.jpg"]
    assert kfpipe("init").out.startswith("nothing to write: the example is already here\n")


def test_a_folder_that_cannot_be_made_is_told(kfpipe: Call, here: Path) -> None:
    (here / "file").write_text("", "utf-8")
    ended = kfpipe("init", "file/film")
    assert ended.code == 1
    assert ended.err.startswith("file/film: Not a directory")
