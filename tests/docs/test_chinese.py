"""The pages in Chinese say what the English ones say: the same commands, outputs, headings, tables and links."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import README, ROOT, links, prose

CHINESE = ROOT / "README.zh-CN.md"
TUTORIAL, QUICKSTART = ROOT / "docs" / "tutorial.md", ROOT / "docs" / "quickstart.zh-CN.md"
COMMANDS, IN_CHINESE = ROOT / "docs" / "commands.md", ROOT / "docs" / "commands.zh-CN.md"
PAIRS = [(README, CHINESE), (TUTORIAL, QUICKSTART), (COMMANDS, IN_CHINESE)]
NAMES = ["readme", "tutorial", "commands"]


def _fenced(page: Path) -> list[str]:
    return re.findall(r"^```.*?^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def _heading_levels(page: Path) -> list[str]:
    return re.findall(r"^#+(?= )", prose(page), re.MULTILINE)


def _commands_of_tables(page: Path) -> list[str]:
    return re.findall(r"^\| (`kfpipe [^`]*`) \|", page.read_text("utf-8"), re.MULTILINE)


def _list_items(page: Path) -> list[str]:
    return re.findall(r"^(?:-|\d\.)(?= )", prose(page), re.MULTILINE)


def _code_words(page: Path) -> list[str]:
    return sorted(re.findall(r"`[^`\n]+`", re.sub(r"\s+", " ", prose(page))))


def _links(page: Path) -> list[str]:
    others = {one.name for pair in PAIRS for one in pair}
    return [link for link in links(page) if link not in others]


PARTS = [_fenced, _heading_levels, _commands_of_tables, _list_items, _code_words, _links]


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=NAMES)
@pytest.mark.parametrize("part", PARTS, ids=lambda one: one.__name__)
def test_a_chinese_page_has_what_the_english_one_has(
    part: Callable[[Path], list[str]], english: Path, chinese: Path
) -> None:
    assert part(chinese) == part(english)
    assert any(part(page) for page, _ in PAIRS)


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=NAMES)
def test_each_page_leads_to_the_other(english: Path, chinese: Path) -> None:
    assert f"[简体中文]({chinese.name})" in english.read_text("utf-8").splitlines()[:4]
    assert f"[English]({english.name})" in chinese.read_text("utf-8").splitlines()[:4]


@pytest.mark.parametrize("page", [CHINESE, QUICKSTART, IN_CHINESE], ids=lambda page: page.name)
def test_every_link_of_a_chinese_page_leads_somewhere(page: Path) -> None:
    assert all((page.parent / link.partition("#")[0]).exists() for link in links(page))
