"""One project, killed at each point of a run and started again: what that costs, and what is lost.

`python -m tests.promises.crash` does so at all points on both event loops, and prints the count.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final

from PIL import Image

from kfpipe import api
from kfpipe.emulator import Emulator
from kfpipe.lock import lockfile
from kfpipe.lock.states import Rendered, task_of
from kfpipe.plan.model import Action
from tests.promises.crash import stage

HEAD: Final = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
limits: {submissions_per_second: 50, concurrent_tasks: 4, queries_per_second: 50}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: a.png, last_frame: b.png}
shots:
  - {id: lamp, prompt: A lamp goes out.}
"""
BEFORE: Final = HEAD + "  - {id: street, prompt: A street by night.}\n"
AFTER: Final = (
    HEAD
    + """\
  - {id: street, prompt: A street by night., first_frame: b.png}
  - {id: kitten, prompt: A kitten looks up., matrix: {seed: [1, 2, 3]}}
  - {id: monster, prompt: A monster looks down.}
"""
)
"""One take that stays, one that is rendered again, three that share a prompt, and one more."""

TAKES: Final = {"lamp", "street", "kitten@seed=1", "kitten@seed=2", "kitten@seed=3", "monster"}
RENDERED_ANEW: Final = len(TAKES) - 1
LANES: Final = 6
A_DAY_S: Final = 25 * 3600.0
"""After which the service has forgotten all tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a kill at `point` led to. `was_reached`: the run came by the point; requests about to be made may differ."""

    point: str
    was_reached: bool
    damage: tuple[str, ...]


class Stage:
    """Emulators, and a project to be copied for each run."""

    def __init__(self, folder: Path, emulators: Sequence[Emulator], backend: str) -> None:
        """The first emulator is for the project's past: what was uploaded there, no later run can count on."""
        self._folder = folder
        self._past, *self._emulators = emulators
        self._backend = backend
        self._model = folder / "model"
        self._prepare()

    def points(self) -> list[str]:
        """The points of an undisturbed run, in its order; of its queries, whose number differs, only the first."""
        lanes = self._lanes(["undisturbed"])
        (report,) = self._play(lanes, [None])
        shutil.rmtree(lanes[0].folder)
        return [point for point in report["points"] if not point.startswith("query") or _number(point) <= RENDERED_ANEW]

    def kill_at(self, points: Sequence[str]) -> Iterator[Outcome]:
        """Kill one run at each point, run again, and look at everything."""
        for start in range(0, len(points), len(self._emulators)):
            fatal = points[start : start + len(self._emulators)]
            lanes = self._lanes(fatal)
            killed = self._play(lanes, fatal)
            ended = self._play(lanes, [None] * len(lanes))
            for lane, point, death, report in zip(lanes, fatal, killed, ended, strict=True):
                yield Outcome(point=point, was_reached=not death, damage=tuple(lane.damage(report)))
                shutil.rmtree(lane.folder)

    def _prepare(self) -> None:
        """The project after its first run, and after one take was given another frame."""
        self._model.mkdir()
        for name, colour in (("a.png", (40, 60, 120)), ("b.png", (230, 180, 90))):
            Image.new("RGB", (640, 360), colour).save(self._model / name)
        (self._model / "shots.yaml").write_text(BEFORE, "utf-8")
        lane = Lane(folder=self._model, emulator=self._past, billed_before=0)
        (report,) = self._play([lane], [None])
        assert report["exit_code"] == 0
        (self._model / "shots.yaml").write_text(AFTER, "utf-8")

    def _lanes(self, names: Sequence[str]) -> list[Lane]:
        lanes = []
        for name, emulator in zip(names, self._emulators, strict=False):
            folder = self._folder / name.replace(" ", "-")
            shutil.copytree(self._model, folder)
            emulator.clock.advance(A_DAY_S)
            lanes.append(Lane(folder=folder, emulator=emulator, billed_before=len(emulator.bill().charges)))
        return lanes

    def _play(self, lanes: Sequence[Lane], fatal: Sequence[str | None]) -> list[dict[str, Any]]:
        """What each run reports; nothing of one that was killed."""
        reports = [lane.folder.parent / f"{lane.folder.name}.json" for lane in lanes]
        processes = [
            stage.fork(lane.folder, lane.emulator.base_url, backend=self._backend, fatal=point, report=report)
            for lane, point, report in zip(lanes, fatal, reports, strict=True)
        ]
        told = []
        for process, report in zip(processes, reports, strict=True):
            process.join()
            assert process.exitcode in (0, -SIGKILL), f"a run ended with {process.exitcode}"
            told.append(json.loads(report.read_text("utf-8")) if process.exitcode == 0 else {})
            report.unlink(missing_ok=True)
            process.close()
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A copy of the project, and the service that its runs go to."""

    folder: Path
    emulator: Emulator
    billed_before: int

    def damage(self, report: dict[str, Any]) -> Iterator[str]:
        """All that is wrong after the last run."""
        if report["exit_code"] != 0:
            yield f"the run after it ended with exit code {report['exit_code']}"
        bill = self.emulator.bill().charges[self.billed_before :]
        if len(bill) != RENDERED_ANEW or len({charge.request_digest for charge in bill}) != len(bill):
            yield f"{len(bill)} clips were billed instead of {RENDERED_ANEW}"
        yield from self._lost({charge.task_id for charge in bill})
        yield from self._strewn()

    def _lost(self, billed: set[str]) -> Iterator[str]:
        lock = lockfile.load(self.folder / "shots.lock.json")
        if set(lock) != TAKES or not all(isinstance(record.entry, Rendered) for record in lock.values()):
            yield "not every take is on record as rendered"
        owned = {task.task_id for record in lock.values() if (task := task_of(record.entry)) is not None}
        if not billed <= owned:
            yield f"{len(billed - owned)} billed clips have no owner"
        if [type(entry) for entry in lock["street"].previous] != [Rendered]:
            yield "the older clip is not on record"
        if any(step.action is not Action.KEEP for step in api.plan(api.load(self.folder / "shots.yaml")).steps):
            yield "there is something left to do"

    def _strewn(self) -> Iterator[str]:
        """Files that should be elsewhere or nowhere."""
        older = _sha256(self.folder.parent / "model" / "renders" / "street.mp4")
        expected = {f"renders/{take_id}.mp4" for take_id in TAKES} | {
            "a.png", "b.png", "shots.yaml", "shots.lock.json", "renders", "renders/.previous",
            f"renders/.previous/street.{older[:12]}.mp4",
        }  # fmt: skip
        state = {".gitignore", "digests.json", "renders.json", "shots.lock", "uploads.jsonl"}
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if name == "renders/.partial" and not any(path.iterdir()):
                continue  # an empty folder; the next download takes it away
            if name not in expected and name.removeprefix(".kfpipe").removeprefix("/") not in {"", *state}:
                yield f"{name} is left over"
        yield from (f"{name} is missing" for name in sorted(expected) if not (self.folder / name).exists())


@contextmanager
def staged(folder: Path, backend: str) -> Iterator[Stage]:
    """A stage in `folder`, whose runs are on the event loop `backend`."""
    settings = {"factor": 2000, "queue_s": (0, 10), "run_s": (20, 60), "film": "tiny", "enforces_rates": False}
    emulators = [Emulator(**settings) for _ in range(1 + LANES)]
    with ThreadPoolExecutor(len(emulators)) as crew:
        list(crew.map(Emulator.__enter__, emulators))
        try:
            yield Stage(folder, emulators, backend)
        finally:
            list(crew.map(lambda emulator: emulator.__exit__(None, None, None), emulators))


def _number(point: str) -> int:
    return int(point.rpartition("#")[2])


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
