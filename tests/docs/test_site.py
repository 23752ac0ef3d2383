"""The pages as a site: every link and anchor holds, and no reader's browser is sent to anybody else."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from docs import gallery
from tests.docs.pages import README, ROOT, blocks, shown
from tests.review.app.conftest import BROWSER, QUIETLY


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


def test_what_a_command_prints_has_no_button_to_copy_it(site: Path) -> None:
    printed = sum(1 for _ in blocks(README, ""))
    assert (site / "readme.html").read_text("utf-8").count('class="language-text no-copy highlight"') == printed > 1


def test_files_from_outside_the_folder_come_along(site: Path) -> None:
    assert 'href="manifests/quickstart.yaml"' in (site / "index.html").read_text("utf-8")
    assert (site / "manifests" / "quickstart.yaml").read_bytes() == (ROOT / "manifests/quickstart.yaml").read_bytes()
    assert 'href="running.html"' in (site / "reliability.html").read_text("utf-8")


# ---- in a browser ------------------------------------------------------------------------------------------------


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """The site, served: only there does a browser let a page write into the clipboard."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")
def test_in_a_browser_a_copy_button_copies_commands_and_the_first_page_fits_a_phone(address: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    block = next(blocks(ROOT / "docs/howto/ci.md", "console"))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=list(QUIETLY))
        page = browser.new_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
        page.goto(f"{address}/howto/ci.html")
        code = page.locator(".highlight", has_text=next(shown(block)).command).first
        code.hover()
        code.locator("[data-clipboard-target], .md-code__button").first.click()
        page.get_by_text("Copied to clipboard").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{address}/index.html")
        width_px = page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert copied.split("\n") == [one.command for one in shown(block)]
    assert width_px == 390


# ---- its first page ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", gallery.GALLERY)
def test_the_posters_of_the_first_page_are_of_the_takes_that_the_manifests_have(name: str) -> None:
    file = gallery.FOLDER / f"{name}.jpg"
    with Image.open(file) as picture:
        assert picture.info["comment"].decode() == gallery.mark(name), f"python -m docs.gallery {name}"
    assert file.stat().st_size < 40_000


def test_every_example_with_a_poster_is_on_the_first_page() -> None:
    page = (ROOT / "docs/index.md").read_text("utf-8")
    assert all(f"(gallery/{name}.jpg)" in page for name in gallery.GALLERY)
    assert all(f"(../manifests/{path})" in page for paths in gallery.GALLERY.values() for path in paths)
