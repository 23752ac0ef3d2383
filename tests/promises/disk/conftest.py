"""A project whose disk can be small, read-only or gone, and the command line called in this process."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from kfpipe.cli import main
from kfpipe.emulator import Emulator
from tests.support import processes, stills
from tests.support.manifests import PAID

MANIFEST = (
    PAID
    + """\
shots:
  - {id: kitten, prompt: A kitten looks up., matrix: {seed: [1, 2]}}
  - {id: monster, prompt: A monster looks down.}
  - {id: street, prompt: The lamps of a street come on.}
"""
)

CLIPS = {"kitten@seed=1.mp4", "kitten@seed=2.mp4", "monster.mp4", "street.mp4"}
PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Project:
    """A manifest with four takes in a folder of its own, below a place that is not the project's."""

    folder: Path
    emulator: Emulator
    call: Callable[..., Ended]

    def run(self, *words: str) -> Ended:
        return self.call("run", "shots.yaml", *words)

    @property
    def renders(self) -> Path:
        return self.folder / "renders"

    @property
    def lockfile(self) -> Path:
        return self.folder / "shots.lock.json"

    @property
    def journal(self) -> Path:
        return self.folder / ".kfpipe" / "shots.journal"

    def billed(self) -> int:
        return len(self.emulator.bill().charges)

    def posted(self) -> int:
        """How many submissions the service has had, billed or not."""
        return sum(entry["phase"] == "submit" for entry in self.emulator.requests())

    def clips(self) -> set[str]:
        return {path.name for path in self.renders.glob("*.mp4")}

    def check_that_clips_are_those_on_record(self) -> None:
        requests = json.loads(self.lockfile.read_text("utf-8"))["requests"] if self.lockfile.exists() else {}
        for request in requests.values():
            if request["render"] is not None:
                content = (self.folder / request["render"]["path"]).read_bytes()
                assert hashlib.sha256(content).hexdigest() == request["render"]["sha256"]

    def check_that_the_next_run_finishes(self, *words: str) -> None:
        """Every take has its clip and was billed once."""
        ended = self.run(*words)
        assert ended.code == 0, ended.err
        self.check_that_clips_are_those_on_record()
        assert (self.clips(), self.billed()) == (CLIPS, len(CLIPS))


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(factor=500, queue_s=0, run_s=(20, 60), film="tiny", enforces_rates=False) as running:
        yield running


@pytest.fixture
def project(
    tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Project:
    """The project, and its folder the current one."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "shots.yaml").write_text(MANIFEST, "utf-8")
    stills.save(folder, stills.PAIR)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.base_url)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")

    def call(*words: str) -> Ended:
        with pytest.raises(SystemExit) as leaving:
            main(words)
        out, err = capfd.readouterr()
        return Ended(code=int(leaving.value.code or 0), out=out, err=err)

    return Project(folder, emulator, call)


def run_in_a_process(project: Project) -> Ended:
    """`kfpipe run`, apart from this process."""
    ended = processes.ended("run", "shots.yaml", cwd=project.folder, env=os.environ)
    return Ended(code=ended.returncode, out=ended.stdout, err=ended.stderr)


@contextmanager
def mounted(folder: Path, *, size_bytes: int = 20 << 20) -> Iterator[None]:
    """A disk of its own for `folder`, while the block lasts; the test is skipped where that is not allowed."""
    folder.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The disk of `folder`, which is `mounted`, takes no more writes."""
    _mount("-o", "remount,ro", str(folder))
    try:
        yield
    finally:
        _mount("-o", "remount,rw", str(folder))


@contextmanager
def nearly_full(folder: Path, *, free_pages: int) -> Iterator[None]:
    """The disk of `folder` with so little space left."""
    ballast = folder / ".ballast"
    facts = os.statvfs(folder)
    with ballast.open("wb") as file:
        file.write(bytes(max(facts.f_bavail * facts.f_frsize - free_pages * PAGE_BYTES, 0)))
    try:
        yield
    finally:
        ballast.unlink()


def _mount(*words: str) -> None:
    with suppress(FileNotFoundError):
        if subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0:
            return
    pytest.skip("this user may not mount disks")
