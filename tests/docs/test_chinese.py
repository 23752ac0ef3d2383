"""The README in Chinese says what the README says: the same commands, outputs, headings, tables and links."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import README, ROOT, links, prose

CHINESE = ROOT / "README.zh-CN.md"


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
    return [link for link in links(page) if not link.startswith("README")]


@pytest.mark.parametrize(
    "part",
    [_fenced, _heading_levels, _commands_of_tables, _list_items, _code_words, _links],
    ids=lambda one: one.__name__,
)
def test_the_chinese_readme_has_what_the_english_one_has(part: Callable[[Path], list[str]]) -> None:
    assert part(CHINESE) == part(README)
    assert part(README)


def test_each_readme_leads_to_the_other() -> None:
    assert "[简体中文](README.zh-CN.md)" in README.read_text("utf-8").splitlines()[:4]
    assert "[English](README.md)" in CHINESE.read_text("utf-8").splitlines()[:4]


def test_every_link_of_the_chinese_readme_leads_somewhere() -> None:
    assert all((ROOT / link.partition("#")[0]).exists() for link in links(CHINESE))
