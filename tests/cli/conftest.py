"""A project folder, the command line called in this process, and an emulator that its runs go to."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kfpipe import api
from kfpipe.cli import main
from kfpipe.emulator import Emulator
from tests.support import outputs, stills

HEAD = """\
kfpipe: 1
provider: {name: emulator}
limits: {submissions_per_second: 50, concurrent_tasks: 4, queries_per_second: 50}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: a.png, last_frame: b.png}
"""
SHOTS = """\
shots:
  - {id: kitten, tags: [hero], prompt: A kitten looks up.}
  - {id: monster, prompt: "A monster, {{ mood }}.", vars: {mood: calm}}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a sound manifest `shots.yaml` with two takes, and its stills."""
    stills.save(tmp_path, stills.PAIR)
    (tmp_path / "shots.yaml").write_text(HEAD + SHOTS, "utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_HTTP_BASE_URL", "KFPIPE_DEBUG", "KFPIPE_EMULATOR_CLOCK"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def kfpipe(capfd: pytest.CaptureFixture[str]) -> Call:
    """`kfpipe(*words)`: the command line as the console script starts it. What it prints as JSON fits its schema."""

    def call(*words: str) -> Ended:
        with pytest.raises(SystemExit) as leaving:
            main(words)
        out, err = capfd.readouterr()
        outputs.check(words, out)
        return Ended(code=int(leaving.value.code or 0), out=out, err=err)

    return call


def quick() -> Emulator:
    """Its renders take a fraction of a second."""
    return Emulator(factor=200, queue_s=(0, 10), run_s=(20, 60), film="tiny", enforces_rates=False)


@pytest.fixture
def emulator(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """Where runs go."""
    with quick() as running:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", running.base_url)
        yield running


Furnish = Callable[[str], Path]
"""`furnish(manifest)`: the current folder with this manifest and all its clips."""


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Furnish:
    """The folder of a manifest that was rendered for the first test that asked for it."""

    @cache
    def render(manifest: str) -> Path:
        folder = tmp_path_factory.mktemp("rendered")
        stills.save(folder, stills.PAIR)
        (folder / "shots.yaml").write_text(manifest, "utf-8")
        with quick() as running, pytest.MonkeyPatch.context() as patch:
            patch.setenv("DASHSCOPE_HTTP_BASE_URL", running.base_url)
            assert api.run(api.load(folder / "shots.yaml")).exit_code == 0
        return folder

    return render


@pytest.fixture
def furnish(rendered: Furnish, folder: Path, emulator: Emulator) -> Furnish:
    """Another run goes to a service that knows of no upload of the first one."""

    def copy(manifest: str) -> Path:
        but = shutil.ignore_patterns("uploads.jsonl")
        return shutil.copytree(rendered(manifest), folder, ignore=but, dirs_exist_ok=True)

    return copy


Git = Callable[..., "subprocess.CompletedProcess[str]"]
"""`git(*words)` in a clone."""


def clone_at(folder: Path) -> Git:
    """`git` in a clone, as somebody."""

    def git(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "core.hooksPath=/dev/null")
        ended = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=False)
        assert ended.returncode == code, ended.stderr
        return ended

    return git


def requests_in(folder: Path) -> dict[str, dict[str, Any]]:
    """What the lockfile says, by the take ids that its requests were asked under; one for each."""
    requests = json.loads((folder / "shots.lock.json").read_text("utf-8"))["requests"]
    return {key.rpartition("/")[0]: fields for key, fields in requests.items()}


def rewrite(folder: Path, change: Callable[[str, dict[str, Any]], object]) -> None:
    """Change the lockfile by hand, request by request; the journal, which knows better, is gone."""
    lockfile = folder / "shots.lock.json"
    lock = json.loads(lockfile.read_text("utf-8"))
    for key, fields in lock["requests"].items():
        change(key.rpartition("/")[0], fields)
    lockfile.write_text(json.dumps(lock), "utf-8")
    (folder / ".kfpipe/shots.journal").unlink(missing_ok=True)


TWINS = "shots:\n  - {id: cat, prompt: A cat looks up., matrix: {seed: [1, 2]}}\n"


UNKNOWN = (
    "task_id", "request_id", "submitted_at", "finished_at", "video_url", "url_expires_at", "actual_prompt",
    "billed_seconds", "cost", "render",
)  # fmt: skip


@pytest.fixture
def twins(folder: Path, kfpipe: Call, emulator: Emulator) -> Path:
    """Two takes with one prompt, both paid for, both answers lost: no machine can tell whose task is whose."""
    (folder / "shots.yaml").write_text(HEAD + TWINS, "utf-8")
    assert kfpipe("run", "shots.yaml").code == 0
    tasks = [fields["task_id"] for fields in requests_in(folder).values()]
    unclear = {"state": "unclear", **dict.fromkeys(UNKNOWN), "candidates": sorted(tasks)}
    rewrite(folder, lambda _, fields: fields.update(unclear))
    shutil.rmtree(folder / "renders")
    return folder
