"""The page on the architecture is complete and up to date: packages, their order, and every path on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.architecture.house import ENTRANCES, ORDER, PACKAGE, package_of, rooms
from tests.support.places import ROOT

PAGE: Final = ROOT / "docs" / "architecture.md"
DRAWING: Final = PAGE.with_suffix(".svg")
SPANS: Final = tuple(re.findall(r"`([^`\n]+)`", PAGE.read_text("utf-8")))
PATH: Final = re.compile(r"[\w.]+(/[\w.]+)*/?")


def is_path(span: str) -> bool:
    """Whether the span is meant as a file or a folder of the project."""
    return PATH.fullmatch(span) is not None and ("/" in span or Path(span).suffix in {".py", ".toml", ".json", ".md"})


def top_level() -> set[str]:
    """The packages and modules that stand directly in `kfpipe/`."""
    return {package_of(room) for room, _ in rooms()} - set(ENTRANCES)


def test_the_table_has_the_packages_in_the_order_of_imports() -> None:
    section = PAGE.read_text("utf-8").partition("\n## The packages\n")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(first_cells)) == list(ORDER)


def test_every_package_is_named() -> None:
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*/__init__.py")}
    named = {span.removeprefix("kfpipe/").rstrip("/") for span in SPANS}
    missing = sorted((top_level() | folders) - named)
    assert not missing, f"docs/architecture.md does not name {missing}"


def test_every_path_on_the_page_exists() -> None:
    paths = {span for span in SPANS if is_path(span)}
    assert len(paths) > 50
    missing = sorted(path for path in paths if not ((ROOT / path).exists() or (PACKAGE / path).exists()))
    assert not missing, f"docs/architecture.md names {missing}, which are not there"


def test_the_drawing_shows_every_package() -> None:
    texts = re.findall(r"<text(?: [^>]*)?>([^<]*)</text>", DRAWING.read_text("utf-8"))
    words = set(re.findall(r"\w+", " ".join(texts)))
    assert top_level() <= words, f"the drawing lacks {sorted(top_level() - words)}"
