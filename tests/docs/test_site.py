"""The pages as a site: every link and anchor holds, and no reader's browser is sent to anybody else."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


class Loads(HTMLParser):
    """The addresses that a browser asks for by itself when it opens a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "poster")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as strictly as can be."""
    folder = tmp_path_factory.mktemp("site")
    words = ["mkdocs", "build", "--strict", "--site-dir", str(folder)]  # --quiet would not hear the warnings
    built = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_a_browser_asks_no_other_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 5
    for page in pages:
        assert not [address for address in Loads(page).addresses if re.match(r"\w+:|//", address)], page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:|//)|@import", sheet.read_text("utf-8")), sheet.name


def test_a_block_that_tests_know_by_its_file_shows_its_name(site: Path) -> None:
    assert '<span class="filename">shots.yaml</span>' in (site / "manifest.html").read_text("utf-8")


def test_files_from_outside_the_folder_come_along(site: Path) -> None:
    assert 'href="manifests/quickstart.yaml"' in (site / "index.html").read_text("utf-8")
    assert (site / "manifests" / "quickstart.yaml").read_bytes() == (ROOT / "manifests/quickstart.yaml").read_bytes()
    assert 'href="running.html"' in (site / "reliability.html").read_text("utf-8")
