"""A project that real processes work on, while the world around it moves; and what must hold after that."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

import kfpipe
from kfpipe import connection
from kfpipe.cli.views import plan as plan_view
from kfpipe.emulator import Emulator
from kfpipe.lock import lockfile
from kfpipe.lock.codec import to_json
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.tidy import LockPlace
from tests.support.processes import Running
from tests.support.stills import save
from tests.support.surroundings import neutral

KEY: Final = "sk-ours"
MANIFEST: Final = "shots.yaml"
HEAD: Final = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
limits: {submissions_per_second: 20, concurrent_tasks: 5, queries_per_second: 20}
budget: {max_cost: 100, currency: USD}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: frames/a.png, last_frame: frames/b.png}
"""
COLOURS: Final = {"a": (40, 60, 120), "b": (230, 180, 90), "c": (30, 160, 90), "d": (200, 40, 40)}
PATIENCE_S: Final = 60.0


def stills(folder: Path) -> None:
    """Four pictures to begin and end on."""
    (folder / "frames").mkdir(parents=True)
    save(folder / "frames", {f"{name}.png": colour for name, colour in COLOURS.items()})


@dataclass
class World:
    """One folder, one service, and one person's environment. `variables` are theirs beside key and address."""

    folder: Path
    emulator: Emulator
    key: str = KEY
    variables: dict[str, str] = field(default_factory=dict)

    def write(self, shots: str, name: str = MANIFEST, head: str = HEAD) -> None:
        (self.folder / name).write_text(head + shots, "utf-8")

    def environment(self) -> dict[str, str]:
        own = {"DASHSCOPE_API_KEY": self.key, "DASHSCOPE_HTTP_BASE_URL": self.emulator.base_url}
        return {**neutral(), **own, **self.variables}

    def start(self, *words: str) -> Running:
        """`kfpipe WORDS` as a process of its own."""
        return Running(*words, cwd=self.folder, env=self.environment())

    def kfpipe(self, *words: str, ends: int | None = 0) -> str:
        """What it prints; `ends` is the exit code that is expected, None any."""
        process = self.start(*words)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert ends in (None, process.returncode), f"{words}: {process.returncode}\n{out}\n{err}"
        return out if out else err

    def run(self, *words: str, manifest: str = MANIFEST, ends: int | None = 0) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.kfpipe("run", manifest, "--json", *words, ends=ends))
        return told

    def plan(self, manifest: str = MANIFEST) -> dict[str, Any]:
        """What `kfpipe plan --json` prints, made in this process: it is asked often, and starts slowly."""
        with self._here():
            project = kfpipe.load(manifest)
            found = kfpipe.plan(project)
            told = plan_view.as_json(found, connection.destination(project), project.warnings)
        return {**told, "takes": [*told["takes"]]}

    @contextmanager
    def _here(self) -> Iterator[None]:
        """This process in the project's folder, with the person's variables."""
        there = self.environment()
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(("DASHSCOPE_", "KFPIPE_"))]:
                patch.delenv(name)
            for name, value in there.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            yield

    def actions(self, manifest: str = MANIFEST) -> dict[str, str]:
        """What the next run does with each take."""
        return {step["take"]: step["action"] for step in self.plan(manifest=manifest)["takes"]}

    def killed(self, *, tasks: int = 1, manifest: str = MANIFEST) -> None:
        """A run that is killed when it has this many tasks on record."""
        process = self.start("run", manifest)
        self.wait_for(lambda: len(self._submitted(manifest)) >= tasks, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def wait_for(self, is_so: Any, process: Running) -> None:
        end = time.monotonic() + PATIENCE_S
        while not is_so():
            assert process.poll() is None, f"it has ended: {process.communicate()}"
            assert time.monotonic() < end, "it takes too long"
            time.sleep(0.02)

    def _submitted(self, manifest: str) -> set[str]:
        """The requests that are on record with a task, in the journal of a run."""
        journal = self.folder / ".kfpipe" / f"{Path(manifest).stem}.journal"
        text = journal.read_text("utf-8") if journal.exists() else ""
        return {
            key
            for line in text.splitlines()[1:]
            for key, entry in json.loads(line.partition(" ")[2]).get("requests", {}).items()
            if entry["task_id"]
        }

    def requests(self, manifest: str = MANIFEST) -> dict[str, dict[str, Any]]:
        """All requests on record, by key."""
        paths = LockPaths.beside(self.folder / f"{Path(manifest).stem}.lock.json")
        found: dict[str, dict[str, Any]] = to_json(lockfile.read(paths))["requests"]
        return found

    def git(self, *words: str, check: bool = True) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
        command = ["git", *who, *words]
        environment = {**self.environment(), "GIT_CONFIG_GLOBAL": os.devnull}
        ended = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert not check or ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def commit(self, message: str = "Work") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def under_git(self) -> None:
        """Put the project under git, with the merge driver; clips are not committed."""
        self.git("init", "-q")
        (self.folder / ".gitignore").write_text(".kfpipe/\nrenders/\n", "utf-8")
        self.kfpipe("lock", "merge", "--install")
        self.commit("Begin")

    def clone(self, folder: Path) -> World:
        """A colleague's clone: without clips, journals or settings of git."""
        self.git("clone", "-q", str(self.folder), str(folder))
        other = World(folder=folder, emulator=self.emulator, key=self.key, variables=dict(self.variables))
        other.kfpipe("lock", "merge", "--install")
        return other

    # ---- what must hold --------------------------------------------------------------------------------------------

    def bytes_at_hand(self) -> set[str]:
        """The digests of all clips in the folder, wherever they lie."""
        clips = (path for path in self.folder.rglob("*.mp4") if ".git" not in path.parts)
        return {hashlib.sha256(clip.read_bytes()).hexdigest() for clip in clips}

    def check(self, *, bills: int, manifests: tuple[str, ...] = (MANIFEST,)) -> None:
        """So many bills, each of one request on record, each clip at hand; the lock is sound, the next run silent."""
        for name in manifests:
            assert set(self.actions(name).values()) <= {"keep"}
            assert not self.plan(name)["debts"]
            assert not LockPlace.of(self.folder / name).problems()
        charges = self.emulator.bill().charges
        assert len(charges) == bills, [charge.task_id for charge in charges]
        known = {key: entry for name in manifests for key, entry in self.requests(name).items()}
        paid = {entry["task_id"]: entry for entry in known.values() if entry["state"] == "rendered"}
        assert {charge.task_id for charge in charges} == set(paid)
        assert {entry["render"]["sha256"] for entry in paid.values()} <= self.bytes_at_hand()


def worlds(folder: Path, **settings: Any) -> Iterator[World]:
    """A folder with stills, and a fast service."""
    usual: dict[str, Any] = {
        "factor": 200,
        "queue_s": (0, 4),
        "run_s": (8, 16),
        "film": "tiny",
        "enforces_rates": False,
    }
    stills(folder)
    with Emulator(**{**usual, **settings}) as emulator:
        yield World(folder=folder, emulator=emulator)


def copied(world: World, folder: Path) -> World:
    """The same project on another disk, with all that is in its folder."""
    shutil.copytree(world.folder, folder)
    return World(folder=folder, emulator=world.emulator, key=world.key)
