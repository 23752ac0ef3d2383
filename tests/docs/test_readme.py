"""The README is short and true: its commands run, print what it shows, and its pictures are of this version."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
from collections.abc import Iterator
from html import unescape
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from kfpipe import environment
from kfpipe.cli.group import SUMMARIES
from kfpipe.emulator import Emulator
from tests.docs.conftest import Call
from tests.docs.pages import README, ROOT, blocks, blurred, kfpipe_commands
from tests.docs.test_pages import furnish

SHELL = [block.text for block in blocks(README, "sh")]
PRINTED = [block.text for block in blocks(README, "")]
(MANIFEST,) = (block.text for block in blocks(README, "yaml"))


def shell_with(words: str) -> str:
    """The only shell block that has these words."""
    (block,) = (block for block in SHELL if words in block)
    return block


def test_it_is_read_in_a_few_minutes() -> None:
    assert len(README.read_text("utf-8").splitlines()) < 120


def test_the_two_commands_stand_there_once_each() -> None:
    whole = "\n".join(SHELL)
    assert whole.count("kfpipe run manifests/quickstart.yaml") == 1
    assert whole.count("python -m pytest") == 1
    assert README.read_text("utf-8").count("python3 -m venv") == 2


def test_the_command_for_a_clone_prints_what_the_readme_shows(
    kfpipe: Call, quick_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(
        ROOT / "manifests", tmp_path / "manifests", ignore=shutil.ignore_patterns("renders", ".kfpipe", "*.lock.json")
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(environment.BASE_URL, quick_emulator.base_url)
    (words,) = kfpipe_commands(shell_with("quickstart"))
    assert blurred(kfpipe(words)) in map(blurred, PRINTED)


def test_the_way_to_a_film_is_as_it_is_told_and_pictured(
    kfpipe: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    init, export, run = kfpipe_commands(shell_with("kfpipe init"))
    kfpipe(init)
    monkeypatch.chdir("film")
    pictured = picture_of_a_terminal()
    for command in (["plan"], run, run):
        shown = next(pictured)
        assert shlex.split(shown[0]) == ["$", "kfpipe", *command]
        printed = [blurred(line) for line in kfpipe(command).splitlines() if line]
        assert printed == [line for line in map(blurred, shown[1:]) if line in printed], "docs/terminal_picture.py"
    assert next(pictured, None) is None
    # a smaller picture is made in a fraction of the time
    manifest = Path("shots.yaml")
    manifest.write_text(manifest.read_text("utf-8") + "\nfilm: {size: 64x36}\n", "utf-8")
    kfpipe(export)
    assert Path("animatic.mp4").is_file()


def picture_of_a_terminal() -> Iterator[list[str]]:
    """For each command in the picture, its line and those that it left on the screen."""
    drawing = (ROOT / "docs/terminal.svg").read_text("utf-8")
    words = re.findall(r'<text [^>]*\by="([\d.]+)"[^>]*>(.*?)</text>', drawing)
    rows = ["".join(text for _, text in row) for _, row in groupby(words, key=lambda word: word[0])]
    lines = [unescape(row).replace("\xa0", " ").rstrip() for row in rows]
    starts = [*(place for place, line in enumerate(lines) if line.startswith("$ ")), len(lines)]
    for start, end in pairwise(starts):
        yield [line for line in lines[start:end] if line]


def test_the_price_is_that_of_the_manifest_above_it(
    kfpipe: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shots.yaml").write_text(MANIFEST, "utf-8")
    furnish(tmp_path, MANIFEST)
    (price,) = (block for block in PRINTED if "to render" in block)
    assert price in kfpipe(["plan"])


def test_the_table_of_commands_lists_exactly_those_that_exist() -> None:
    page = (ROOT / "docs/commands.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| `kfpipe (\S+)[^`]*` \|", page, re.MULTILINE)) == sorted(SUMMARIES)


# ---- where there is no repository around it ----------------------------------------------------------------------

DESCRIBED = runpy.run_path(str(ROOT / "hatch_build.py"))["described"]
TARGETS = re.compile(r"\]\(([^)\s]+)\)")


def test_in_a_package_every_link_leads_to_the_repository() -> None:
    whole = README.read_text("utf-8")
    given = DESCRIBED(whole, "https://git.example/kfpipe", "v1.0.0")
    before, after = TARGETS.findall(whole), TARGETS.findall(given)
    assert len(before) == len(after) > 15
    for path, address in zip(before, after, strict=True):
        kind = "raw" if path.endswith((".jpg", ".svg")) else "blob"
        assert address == f"https://git.example/kfpipe/{kind}/v1.0.0/{path}"


def test_in_a_package_of_nobodys_repository_no_link_leads_nowhere() -> None:
    given = DESCRIBED(README.read_text("utf-8"), "", "HEAD")
    assert not TARGETS.findall(given) and "![" not in given
    assert "The tutorial goes all the way" in given.replace("\n", " ")
