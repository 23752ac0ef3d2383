"""Names in a manifest and names on disk."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from kfpipe.manifest.document.finding import Finding
from kfpipe.manifest.files import ProjectFiles

NAME = "Bögen/Kätzchen.png"


def files(folder: Path) -> ProjectFiles:
    return ProjectFiles(folder=folder, root=folder, bring=lambda _: None)


def put(folder: Path, name: str, content: str = "here") -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(content, "utf-8")


@pytest.mark.parametrize("asked", ["NFC", "NFD"])
@pytest.mark.parametrize("there", ["NFC", "NFD"])
def test_letters_may_be_composed_in_another_way_in_any_part_of_a_path(tmp_path: Path, asked: str, there: str) -> None:
    put(tmp_path, unicodedata.normalize(there, NAME))
    found = files(tmp_path).use(unicodedata.normalize(asked, NAME), lambda path: path.read_text("utf-8"))
    assert found == "here"


def test_a_name_that_is_there_as_it_is_written_wins_over_one_that_looks_alike(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        put(tmp_path, unicodedata.normalize(form, "Kätzchen.png"), form)
    assert files(tmp_path).use("Kätzchen.png", lambda path: path.read_text("utf-8")) == "NFC"


def test_several_names_that_look_alike_are_told_apart_in_words(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        put(tmp_path, unicodedata.normalize(form, "äö.png"))
    found = files(tmp_path).use("a\u0308\u00f6.png", lambda path: path.read_text("utf-8"))
    assert isinstance(found, Finding)
    assert "but 2 whose names differ from it only in how ö is composed" in found.what


@pytest.mark.parametrize(
    ("target", "how"), [(".git/annex/objects/aa/b.png", "git annex get"), (".dvc/cache/files/md5/aa/b", "dvc pull")]
)
def test_a_link_into_a_store_of_contents_is_followed_once_its_content_is_there(
    tmp_path: Path, target: str, how: str
) -> None:
    (tmp_path / "a.png").symlink_to(target)
    missing = files(tmp_path).use("a.png", lambda path: path.read_text("utf-8"))
    assert isinstance(missing, Finding)
    assert how in str(missing.fix)
    (tmp_path / target).parent.mkdir(parents=True)
    (tmp_path / target).write_text("here", "utf-8")
    assert files(tmp_path).use("a.png", lambda path: path.read_text("utf-8")) == "here"


def test_any_other_hidden_file_stays_hidden_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("key", "utf-8")
    (tmp_path / "a.png").symlink_to(".env")
    found = files(tmp_path).use("a.png", lambda path: path.read_text("utf-8"))
    assert isinstance(found, Finding)
    assert "hidden file" in found.what
