"""A stranger's path: an empty home, the wheel, and the lines of the README, one after the other. Times are printed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from kfpipe import __version__
from kfpipe.emulator.settings import FILMS
from tests.docs.pages import README, ROOT, blocks

TOOLS = {name: shutil.which(name) for name in ("uv", "pipx", "bash")}
pytestmark = [
    pytest.mark.skipif(None in TOOLS.values(), reason="uv, pipx or bash is not installed"),
    pytest.mark.timeout(300),  # what has to be downloaded first is
]

SHELL = [block.text for block in blocks(README, "sh")]
(INSTALLED,) = (line for block in SHELL for line in block.splitlines() if line.startswith("uv tool install"))
WITH_UV, WITH_PIPX = (way.strip() for way in INSTALLED.split("# or:"))
(FILM,) = (block for block in SHELL if "kfpipe init" in block)


@dataclass
class Stranger:
    """Somebody with an empty home, who has a shell and the wheel; `took_s` says how long each line took."""

    home: Path
    wheel: Path
    variables: Mapping[str, str]
    folder: Path = field(init=False)
    took_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.home

    def types(self, line: str) -> str:
        """What a line at the shell prints; `cd` lasts."""
        began_s = time.monotonic()
        asked = f"{line.replace('install kfpipe', f'install {self.wheel}')}\npwd >{self.home}/.where"
        ended = subprocess.run(
            ["bash", "-ec", asked], cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, f"{line}\n{ended.stdout}{ended.stderr}"
        self.folder = Path((self.home / ".where").read_text("utf-8").strip())
        self.took_s[line] = time.monotonic() - began_s
        return ended.stdout

    @contextmanager
    def reviews(self) -> Iterator[str]:
        """The first line of `kfpipe review`, which is stopped by Ctrl-C in the end."""
        began_s = time.monotonic()
        words = [str(self.home / ".local/bin/kfpipe"), "review", "--no-open"]
        with subprocess.Popen(words, cwd=self.folder, env=self.variables, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            yield running.stdout.readline().strip()
            self.took_s["kfpipe review"] = time.monotonic() - began_s
            running.send_signal(signal.SIGINT)
            assert running.wait(20) == 0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this clone. Skips where nothing can be installed."""
    folder = tmp_path_factory.mktemp("dist")
    words = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*words, str(ROOT)], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    asked = ["uv", "pip", "compile", "--quiet", "--python", sys.executable, "-"]
    found = subprocess.run(asked, input=f"kfpipe @ {built.as_uri()}", capture_output=True, text=True, check=False)
    if found.returncode != 0:
        pytest.skip("what kfpipe depends on cannot be had from a package index here")
    return built


@pytest.fixture
def stranger(tmp_path: Path, wheel: Path) -> Iterator[Stranger]:
    """Only what was downloaded or filmed before is shared with the developer: it is not done again."""
    kept = {name: text for name, text in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_", "HTTP"))}
    kept |= {name: text for name, text in os.environ.items() if name.lower().endswith("_proxy")}
    ways = [str(Path(path).parent) for path in TOOLS.values() if path]
    somebody = Stranger(
        home=tmp_path,
        wheel=wheel,
        variables={
            **kept,
            "HOME": str(tmp_path),
            "PATH": os.pathsep.join([str(tmp_path / ".local/bin"), *ways, "/usr/bin", "/bin"]),
            "UV_CACHE_DIR": _printed("uv", "cache", "dir"),
            "PIP_CACHE_DIR": _printed(sys.executable, "-m", "pip", "cache", "dir"),
            FILMS: os.environ[FILMS],
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
            "PIPX_DEFAULT_PYTHON": sys.executable,
        },
    )
    yield somebody
    for line, took_s in somebody.took_s.items():
        print(f"{took_s:6.1f} s  {line}")


def _printed(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def test_with_uv_the_readme_leads_to_a_film_and_its_review(stranger: Stranger) -> None:
    assert __version__ in stranger.types(f"uvx --from {stranger.wheel} kfpipe --version")
    stranger.types(WITH_UV)
    for line in FILM.splitlines():
        stranger.types(line)
    assert (stranger.folder / "animatic.mp4").stat().st_size > 100_000
    assert len([*(stranger.folder / "renders").glob("*.mp4")]) == 3
    with stranger.reviews() as address, httpx.Client(follow_redirects=True, trust_env=False) as browser:
        assert "<title>An evening by the sea" in browser.get(address).text


def test_with_pipx_it_is_as_short(stranger: Stranger) -> None:
    stranger.types(WITH_PIPX)
    stranger.types("kfpipe init film && cd film")
    assert "3 takes: 3 to render" in stranger.types("kfpipe plan")
