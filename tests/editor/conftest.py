"""The language server, installed once into the repository's `.cache`, and a manifest that is open in it.

Without node, npm or a network these tests are skipped; where KFPIPE_EDITOR_TEST=1 promises all three, they fail.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from filelock import FileLock

from kfpipe.cli import starter
from tests.docs.pages import ROOT, shown_file
from tests.editor.language_server import LanguageServer, Sheet

HERE = Path(__file__).parent
PINNED = ("package.json", "package-lock.json", ".npmrc")
QUICKLY = ("--fetch-retries=0", "--fetch-timeout=10000")
PROGRAM = Path("node_modules", "yaml-language-server", "bin", "yaml-language-server")


@pytest.fixture(scope="session")
def program() -> Path:
    """The server of the pinned version."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        _cannot("node and npm are not installed")
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PINNED)).hexdigest()
    home = ROOT / ".cache" / f"editor-{digest[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "lock"):  # the tests may be spread over several processes
        if not (home / "installed").exists():
            _install(home)
    return home / PROGRAM


def _install(home: Path) -> None:
    for name in PINNED:
        shutil.copy(HERE / name, home)
    words = ["npm", "ci", "--prefer-offline", "--loglevel=error", *(() if _is_promised() else QUICKLY)]
    ended = subprocess.run(words, cwd=home, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        reason, *_ = ended.stderr.splitlines() or [f"npm ended with {ended.returncode}"]
        _cannot(f"the language server cannot be installed: {reason}")
    (home / "installed").touch()


def _is_promised() -> bool:
    return os.environ.get("KFPIPE_EDITOR_TEST") == "1"


def _cannot(reason: str) -> NoReturn:
    if _is_promised():
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module", params=["by its first line", "by a setting"])
def sheet(request: pytest.FixtureRequest, program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sheet]:
    """The manifest that `kfpipe init` writes, in an editor that finds the schema in one way or the other."""
    folder = tmp_path_factory.mktemp("film")
    starter.write(folder)
    path, settings = folder / starter.MANIFEST, {}
    if request.param == "by a setting":
        text = path.read_text("utf-8").partition("\n#\n")[2]
        path = folder / "scenes" / path.name  # where the setting looks
        path.parent.mkdir()
        path.write_text(text, "utf-8")
        settings = json.loads(shown_file("editors.md", "settings.json"))
    with LanguageServer(program, folder, settings) as server:
        yield Sheet(server, path)
