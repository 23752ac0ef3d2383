"""One project, killed at each point of a run and started again: what that costs, and what is lost.

`python -m tests.promises.crash` does so at all points, and prints the count.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final, TypeVar

from PIL import Image

from kfpipe import api
from kfpipe.emulator import Emulator
from kfpipe.errors import KfpipeError, Refused
from kfpipe.lock import check, lockfile
from kfpipe.lock.ledger import KEPT_FOR
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import Lock, Rendered, is_unsettled, task_ids
from kfpipe.plan.model import Action
from tests.promises.crash import stage

T = TypeVar("T")
_Played = Generator[BaseProcess, None, T]
"""A process at a time, each to be waited for, and what came of them."""

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
FOLDED: Final = "before removal of shots.holder.json #1"
"""The end of a run: what it knows is in the lockfile."""

A_DAY_S: Final = 25 * 3600.0
"""After which the service has forgotten all tasks."""


class Death(StrEnum):
    """How a run dies: alone, or with the machine, on a disk that forgets what was not synced.

    In the second case the project is a clone of another machine's: nothing of kfpipe's own state is there yet.
    """

    KILL = "kill -9"
    POWER_CUT = "power cut"

    def is_felt_at(self, point: str) -> bool:
        """Whether such a death leaves anything there that it would not leave at the points around it.

        A process that is killed loses nothing that was written, synced or not. To a disk that forgets, only syncs make
        a difference; to both, what the service was told. Of the queries, whose number differs, the first count.
        """
        if point.startswith("query"):
            return _number(point) <= RENDERED_ANEW
        if "sync of" in point:
            return self is Death.POWER_CUT and point.startswith("after")
        is_of_disk = point.startswith(("before", "after", "journal")) and "holder" not in point
        return self is Death.KILL or not is_of_disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a death at `point` led to. `was_reached`: the run came by the point; requests about to be made may differ.

    `paid_twice` and `lost` count clips; `damage` says all that is wrong in words.
    """

    point: str
    was_reached: bool
    paid_twice: int
    lost: int
    damage: tuple[str, ...]


class Stage:
    """Emulators, and a project to be copied for each run."""

    def __init__(self, folder: Path, emulators: Sequence[Emulator], backend: str, death: Death) -> None:
        """The first emulator is for the project's past: what was uploaded there, no later run can count on."""
        self._folder = folder
        self._past, *self._emulators = emulators
        self._backend = backend
        self._death = death
        self._model = folder / "model" / "project"
        self._prepare()

    def points(self) -> list[str]:
        """The points of an undisturbed run that such a death is felt at, in its order."""
        lane = self._lane("undisturbed", self._emulators[0])
        report = _at_once(self._played(lane, None))
        shutil.rmtree(lane.folder.parent)
        return list(filter(self._death.is_felt_at, report["points"]))

    def kill_at(self, points: Sequence[str]) -> Iterator[Outcome]:
        """Kill one run at each point, run again, and look at everything; as many at a time as there are emulators."""
        free, rest = list(self._emulators), list(reversed(points))
        under_way: dict[int, tuple[BaseProcess, Emulator, _Played[Outcome]]] = {}
        while rest or under_way:
            while rest and free:
                emulator = free.pop()
                steps = self._outcome(rest.pop(), emulator)
                process = next(steps)
                under_way[process.sentinel] = (process, emulator, steps)
            for over in wait(list(under_way)):
                process, emulator, steps = under_way.pop(over)
                process.join()
                try:
                    process = next(steps)
                except StopIteration as end:
                    free.append(emulator)
                    yield end.value
                else:
                    under_way[process.sentinel] = (process, emulator, steps)

    def _outcome(self, point: str, emulator: Emulator) -> _Played[Outcome]:
        lane = self._lane(point, emulator)
        died = yield from self._played(lane, point)
        gone = list(lane.gone())
        if point == FOLDED and not died:
            gone += lane.missing_in_lockfile()
        report = yield from self._played(lane, None)
        try:
            damage, lost = [*gone, *lane.damage(report)], len(gone) + len(lane.without_owner())
        except KfpipeError as error:
            damage, lost = [*gone, str(error)], len(gone) or 1
        shutil.rmtree(lane.folder.parent)
        return Outcome(point=point, was_reached=not died, paid_twice=lane.paid_twice(), lost=lost, damage=tuple(damage))

    def _prepare(self) -> None:
        """The project after its first run, and after one take was given another frame."""
        self._model.mkdir(parents=True)
        for name, colour in (("a.png", (40, 60, 120)), ("b.png", (230, 180, 90))):
            Image.new("RGB", (640, 360), colour).save(self._model / name)
        (self._model / "shots.yaml").write_text(BEFORE, "utf-8")
        report = _at_once(self._played(Lane(folder=self._model, emulator=self._past, billed_before=0), None))
        assert report["exit_code"] == 0
        (self._model / "shots.yaml").write_text(AFTER, "utf-8")
        if self._death is Death.POWER_CUT:
            shutil.rmtree(self._model / ".kfpipe")
            self._let_days_pass()

    def _let_days_pass(self) -> None:
        """Nothing on record is young enough for a journal, so that the run has to begin one."""
        path = self._model / "shots.lock.json"
        lock = lockfile.load(path)
        aged = {
            key: replace(entry, asked=replace(entry.asked, asked_at=entry.asked.asked_at - 2 * KEPT_FOR))
            for key, entry in lock.requests.items()
        }
        lockfile.save(path, replace(lock, requests=aged))

    def _lane(self, name: str, emulator: Emulator) -> Lane:
        folder = self._folder / name.replace(" ", "-") / "project"
        shutil.copytree(self._model, folder)
        emulator.clock.advance(A_DAY_S)
        return Lane(folder=folder, emulator=emulator, billed_before=len(emulator.bill().charges))

    def _played(self, lane: Lane, fatal: str | None) -> _Played[dict[str, Any]]:
        """What a run reports; nothing where it died. Yields its process, and goes on when that has ended."""
        report, ruin = (lane.folder.with_name(f"{lane.folder.name}.{ending}") for ending in ("json", "ruin"))
        process = stage.fork(
            lane.folder,
            lane.emulator.base_url,
            backend=self._backend,
            fatal=fatal,
            report=report,
            ruin=ruin if self._death is Death.POWER_CUT else None,
        )
        yield process
        told: dict[str, Any] = {} if process.exitcode == -SIGKILL else {"exit_code": process.exitcode}
        if report.exists():
            told |= json.loads(report.read_text("utf-8"))
        report.unlink(missing_ok=True)
        process.close()
        if ruin.exists():
            shutil.rmtree(lane.folder)
            ruin.rename(lane.folder)
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A copy of the project, and the service that its runs go to."""

    folder: Path
    emulator: Emulator
    billed_before: int

    def gone(self) -> Iterator[str]:
        """Clips that are on record as here, and are not: at the service or not, they were to be kept."""
        here = {_sha256(path) for path in self.folder.rglob("*.mp4")}
        with suppress(Refused):  # the next run will say so
            for key, entry in lockfile.read(self._paths).requests.items():
                if isinstance(entry, Rendered) and entry.render.sha256 not in here:
                    yield f"the clip of {key} is on record, and nowhere"

    def missing_in_lockfile(self) -> Iterator[str]:
        """What only the journal knows."""
        with suppress(Refused):
            known, lock = lockfile.read(self._paths).requests, self._lock.requests
            yield from (f"the journal knows more of {key}" for key in known if known[key] != lock.get(key))

    def damage(self, report: dict[str, Any]) -> Iterator[str]:
        """All that is wrong after the last run."""
        if report["exit_code"] != 0:
            yield f"the run after it ended with exit code {report['exit_code']}"
        if len(self._bill) != RENDERED_ANEW or self.paid_twice():
            yield f"{len(self._bill)} clips were billed instead of {RENDERED_ANEW}"
        if lost := self.without_owner():
            yield f"{len(lost)} billed clips have no owner"
        yield from self.gone()
        yield from self._wrong_on_record()
        yield from self._strewn()

    def paid_twice(self) -> int:
        """How many clips were billed that had been billed already."""
        return len(self._bill) - len({charge.request_digest for charge in self._bill})

    def without_owner(self) -> set[str]:
        """The tasks that were billed, and that no request has."""
        return {charge.task_id for charge in self._bill} - task_ids(self._lock)

    @property
    def _bill(self) -> Sequence[Any]:
        return self.emulator.bill().charges[self.billed_before :]

    @property
    def _paths(self) -> LockPaths:
        return LockPaths.beside(self.folder / "shots.lock.json")

    @property
    def _lock(self) -> Lock:
        return lockfile.load(self._paths.lockfile_path)

    def _wrong_on_record(self) -> Iterator[str]:
        lock, project = self._lock, api.load(self.folder / "shots.yaml")
        records, plan = api.records(project), api.plan(project)
        if {take_id for take_id, record in records.items() if isinstance(record.entry, Rendered)} != TAKES:
            yield "not every take is on record as rendered"
        if any(map(is_unsettled, lock.requests.values())):
            yield "a request is not settled"
        if sum(isinstance(entry, Rendered) for entry in records["street"].previous) != 1:
            yield "the older clip is not on record"
        yield from self.missing_in_lockfile()
        found = check.problems(self._paths.lockfile_path.read_bytes(), "shots.lock.json")
        yield from (f"lock check: {problem.what}" for problem in found)
        if plan.debts or any(step.action not in (Action.KEEP, Action.RETIRED) for step in plan.steps):
            yield "there is something left to do"

    def _strewn(self) -> Iterator[str]:
        """Files that should be elsewhere or nowhere."""
        older = _sha256(self.folder.parents[1] / "model" / "project" / "renders" / "street.mp4")
        expected = {f"renders/{take_id}.mp4" for take_id in TAKES} | {
            "a.png", "b.png", "shots.yaml", "shots.lock.json", "renders", "renders/.previous",
            f"renders/.previous/street.{older[:12]}.mp4",
            ".kfpipe", ".kfpipe/.gitignore", ".kfpipe/shots.journal",
        }  # fmt: skip
        state = {"digests.json", "renders.json", "shots.lock", "shots.writing", "uploads.jsonl"}
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if name == "renders/.partial" and not any(path.iterdir()):
                continue  # an empty folder; the next download takes it away
            if name in (".kfpipe/posters", ".kfpipe/ends") or path.parent.name in ("posters", "ends"):
                continue  # pictures of clips; those of an older clip stay
            if name not in expected and name.removeprefix(".kfpipe/") not in state:
                yield f"{name} is left over"
        yield from (f"{name} is missing" for name in sorted(expected) if not (self.folder / name).exists())
        if (self.folder / ".kfpipe/.gitignore").read_text("utf-8") != "*\n":
            yield "git would take up the folder for kfpipe's own state"


@contextmanager
def staged(folder: Path, backend: str, death: Death = Death.KILL) -> Iterator[Stage]:
    """A stage in `folder`, whose runs are on the event loop `backend` and die in this way."""
    settings = {"factor": 2000, "queue_s": (0, 10), "run_s": (20, 60), "film": "tiny", "enforces_rates": False}
    settings["films"] = folder / "films"
    emulators = [Emulator(**settings) for _ in range(1 + LANES)]
    with ThreadPoolExecutor(len(emulators)) as crew:
        list(crew.map(Emulator.__enter__, emulators))
        try:
            yield Stage(folder, emulators, backend, death)
        finally:
            list(crew.map(lambda emulator: emulator.__exit__(None, None, None), emulators))


def _at_once(steps: _Played[T]) -> T:
    """What comes of them when each process is waited for."""
    while True:
        try:
            next(steps).join()
        except StopIteration as end:
            value: T = end.value
            return value


def _number(point: str) -> int:
    return int(point.rpartition("#")[2])


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
