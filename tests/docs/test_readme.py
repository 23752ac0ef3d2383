"""The README's two commands, its example and its list of commands are as true as they were on the first day."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from kfpipe import environment
from kfpipe.cli.group import SUMMARIES
from kfpipe.emulator import Emulator
from tests.docs.conftest import Call
from tests.docs.pages import README, ROOT, blocks, blurred, kfpipe_commands

SHELL = [block.text for block in blocks(README, "sh")]
PRINTED = [block.text for block in blocks(README, "")]


def test_the_two_commands_stand_there_once_each() -> None:
    whole = "\n".join(SHELL)
    assert whole.count("kfpipe run manifests/quickstart.yaml") == 1
    assert whole.count("python -m pytest") == 1
    assert README.read_text("utf-8").count("python3 -m venv") == 2


def test_the_first_command_prints_what_the_readme_shows(
    kfpipe: Call, quick_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(
        ROOT / "manifests", tmp_path / "manifests", ignore=shutil.ignore_patterns("renders", ".kfpipe", "*.lock.json")
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(environment.BASE_URL, quick_emulator.base_url)
    (words,) = kfpipe_commands(SHELL[0])
    assert blurred(kfpipe(words)) == blurred(PRINTED[0])


def test_the_second_command_makes_the_animatic_that_the_readme_shows(
    kfpipe: Call, quick_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "manifests/frames", tmp_path / "manifests/frames")
    # the picture's size is that of the page; a smaller one is made here, in a fraction of the time
    manifest = (ROOT / "manifests/quickstart.yaml").read_text("utf-8") + "\nfilm: {size: 64x36}\n"
    (tmp_path / "manifests/quickstart.yaml").write_text(manifest, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(environment.BASE_URL, quick_emulator.base_url)
    (words,) = kfpipe_commands(SHELL[1])
    assert PRINTED[1].rstrip().replace("1280x720", "64x36") in kfpipe(words).splitlines()
    assert (tmp_path / "animatic.mp4").is_file()


def test_the_table_lists_exactly_the_commands_that_exist() -> None:
    listed = re.findall(r"^\| `kfpipe (\S+)[^`]*` \|", README.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(SUMMARIES)
