"""A project with clips, the application that serves it, and a browser that looks at it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from filelock import FileLock

from kfpipe import api
from kfpipe import project as projects
from kfpipe.emulator import Emulator
from kfpipe.plan.model import UNKNOWN
from kfpipe.review.app import server
from kfpipe.review.app.routes import Desk
from kfpipe.review.app.watcher import Watcher
from tests.support import stills
from tests.support.places import ROOT

HEAD = """\
kfpipe: 1
title: A night in the harbour
provider: {name: emulator}
limits: {submissions_per_second: 50, concurrent_tasks: 8, queries_per_second: 50}
budget: {max_cost: 9, currency: USD}
defaults: {model: wan2.7-i2v, resolution: 720P, duration: 2, first_frame: a.png, last_frame: b.png}
"""
SHOTS = """\
shots:
  - {id: kitten, tags: [hero], prompt: "<img src=x onerror=alert(1)> looks up.", matrix: {seed: [1, 2, 3]}}
  - {id: monster, tags: [night], prompt: A monster waits.}
  - {id: 黑猫, prompt: A black cat., first_frame: b.png, last_frame: a.png, matrix: {seed: [1, 2]}}
"""

AXE = "axe-core@4.10.3"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIETLY = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)


@dataclass(frozen=True)
class Served:
    """A project's folder, and the address that opens its page once."""

    folder: Path
    address: str

    @property
    def origin(self) -> str:
        return self.address.partition("/?")[0]


@contextmanager
def served(folder: Path, *, is_read_only: bool = False) -> Iterator[Served]:
    """The application over the project in `folder`."""
    manifest = folder / "shots.yaml"
    watcher = Watcher(manifest, lambda bring: projects.load(manifest, bring=bring), lambda _: UNKNOWN)
    with server.serving(Desk(watcher, api.pick, is_read_only=is_read_only), 0) as address:
        yield Served(folder, address)


def rendered(folder: Path) -> Path:
    """The folder with the shots above, all of them with clips; that of the monster ends on another picture."""
    stills.save(folder, stills.PAIR)
    (folder / "shots.yaml").write_text(HEAD + SHOTS, "utf-8")
    emulator = Emulator(factor=400, queue_s=(0, 5), run_s=(5, 20), film="tiny", enforces_rates=False)
    emulator.script({"on": "submit", "prompt_contains": "monster", "do": "drift"})
    with emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.base_url)
        api.run(api.load(folder / "shots.yaml"))
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with six clips, shared by the tests of a module."""
    return rendered(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """`page_of(address, **context)`: a page of a browser, opened there; it fails a test for what it complains of."""
    if BROWSER is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=[*QUIETLY])

        def opened(address: str, **context: Any) -> Any:
            page = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context}).new_page()
            page.set_default_timeout(60_000)  # the machine may be busy with other tests
            page.goto(address)
            page.wait_for_selector(".frame")
            return page

        yield opened
        browser.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The script that finds what keeps people out, of the pinned version, fetched once."""
    if shutil.which("npm") is None:
        _cannot("npm is not installed")
    home = ROOT / ".cache" / AXE.replace("@", "-")
    home.mkdir(parents=True, exist_ok=True)
    script = home / "package" / "axe.min.js"
    with FileLock(home / "lock"):
        if not script.exists():
            quickly = [] if _is_promised() else ["--fetch-retries=0", "--fetch-timeout=10000"]
            ended = subprocess.run(
                ["npm", "pack", AXE, "--silent", *quickly], cwd=home, capture_output=True, check=False
            )
            archive = home / f"{AXE.replace('@', '-')}.tgz"
            if ended.returncode != 0 or not archive.exists():
                _cannot(f"{AXE} cannot be fetched")
            shutil.unpack_archive(archive, home, filter="data")
    return script.read_text("utf-8")


def _is_promised() -> bool:
    return os.environ.get("KFPIPE_EDITOR_TEST") == "1"


def _cannot(reason: str) -> NoReturn:
    if _is_promised():
        pytest.fail(reason)
    pytest.skip(reason)
