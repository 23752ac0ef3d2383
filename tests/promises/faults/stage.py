"""A project, its account, and runs as a user makes them: what they end with, and what is found afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from kfpipe import accounts, api, connection
from kfpipe.cli.output import messages
from kfpipe.emulator import Emulator
from kfpipe.environment import API_KEY, Environment
from kfpipe.errors import ExitCode, KfpipeError
from kfpipe.events import Event, RunFinished
from kfpipe.files.durable import sha256_of
from kfpipe.lock import check, lockfile
from kfpipe.lock.records import Records
from kfpipe.lock.states import Entry, Lock, Rendered, is_unsettled, result_of, spent, state_name, task_of
from kfpipe.plan.model import Action
from kfpipe.session import Session
from tests.support import stills

KEY: Final = connection.EMULATOR_KEY

SUBMIT_TIMEOUT_S: Final = 20.0
LIST_PATIENCE_S: Final = 2.0
"""On the runs' fast clock: a second of real time."""

HEAD: Final = """\
kfpipe: 1
provider: {name: emulator}
limits: {submissions_per_second: 1000, concurrent_tasks: 16, queries_per_second: 5}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: a.png, last_frame: b.png}
"""

_STILLS: Final = {"a.png": (40, 60, 120), "b.png": (230, 180, 90)}


@dataclass(kw_only=True)
class Stage:
    """`endings` holds how each run so far has ended, `events` what the last one told."""

    folder: Path
    emulator: Emulator
    endings: list[ExitCode] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    list_patience_s: float = LIST_PATIENCE_S
    key: str = KEY

    def write(self, shots: str, head: str = HEAD) -> None:
        (self.folder / "shots.yaml").write_text(f"{head}shots:\n{shots}", "utf-8")
        stills.save(self.folder, _STILLS)

    async def run(self, emit: Callable[[Event], None] | None = None, **choices: Any) -> ExitCode:
        """One `kfpipe run`; what kfpipe does not mean to raise is raised."""
        self.events = []

        def heard(event: Event) -> None:
            self.events.append(event)
            if emit is not None:
                emit(event)

        try:
            with self.session() as session:
                code = (await session.run_async(session.plan(**choices), cap=None, emit=heard)).exit_code
        except KfpipeError as error:
            code = messages.exit_code(error)
        self.endings.append(code)
        return code

    @contextmanager
    def session(self) -> Iterator[Session]:
        settings = Environment(
            keys={API_KEY: self.key},
            base_url=self.emulator.base_url,
            submit_timeout_s=SUBMIT_TIMEOUT_S,
            list_patience_s=self.list_patience_s,
            emulator_factor=1.0,
        )
        with api.session(self.project) as session:
            whose = accounts.known(session.project, settings)
            yield replace(session, settings=settings, whose=whose)

    @property
    def project(self) -> api.Project:
        return api.load(self.folder / "shots.yaml")

    @property
    def lock(self) -> Records:
        """What is on record, by take."""
        return api.records(self.project)

    @property
    def ledger(self) -> Lock:
        """All requests on record."""
        return lockfile.read(self.project.paths)

    def clips(self) -> list[Path]:
        """Every clip in the folder, those set aside included."""
        return [*self.folder.rglob("*.mp4")]

    def finished(self) -> RunFinished | None:
        """The last event of the last run, unless it was broken off."""
        return next((event for event in self.events if isinstance(event, RunFinished)), None)

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def states(self) -> Counter[str]:
        return Counter(state_name(record.entry) for record in self.lock.values())

    def undecided(self) -> list[str]:
        return [step.take_id for step in api.plan(self.project).undecided]

    # ---- what must hold at the end -----------------------------------------------------------------------------

    def check(self, *, foreign: Collection[str] = ()) -> None:
        """Every take has its clip and was paid for once; nothing else was, and nothing else lies around.

        `foreign` are the tasks of the account that belong to somebody else.
        """
        project = self.project
        takes, on_record = {take.id for take in project.takes}, api.records(project)
        assert on_record.keys() == takes, "every take is on record, and nothing that no take asks for"
        paid = [entry for entry in lockfile.read(project.paths).requests.values() if result_of(entry) is not None]
        assert len(paid) == len(takes), f"{len(paid)} clips were paid for, for {len(takes)} takes"
        assert all(record.is_wanted and isinstance(record.entry, Rendered) for record in on_record.values())
        self.check_books(foreign=foreign)

    def check_books(self, *, foreign: Collection[str] = ()) -> None:
        """Nothing is owed, nothing that was paid for is missing, on record or on disk, and nothing is left to do."""
        project = self.project
        requests = lockfile.read(project.paths).requests
        self._check_bill(requests, set(foreign))
        self._check_disk(project, requests)
        text = project.lockfile_path.read_bytes()
        assert check.problems(text, "shots.lock.json") == (), "`kfpipe lock check` finds nothing"
        plan = api.plan(project)
        assert (plan.work, plan.debts, plan.under_way, plan.cost) == ((), (), 0, 0), "the next plan is silent"
        assert {step.action for step in plan.takes} <= {Action.KEEP}

    def _check_bill(self, requests: Mapping[str, Entry], foreign: set[str]) -> None:
        """Every charge is that of just one request on record, to the last digit; so is every request that has ended."""
        owners = Counter(task.task_id for entry in requests.values() if (task := task_of(entry)) is not None)
        assert not [task_id for task_id, count in owners.items() if count > 1], "a task belongs to one request"
        assert not owners.keys() & foreign, "no task of somebody else is on record"
        billed = {c.task_id: c.amount for c in self.emulator.bill().charges if c.task_id not in foreign}
        costs = {
            task.task_id: result.cost
            for entry in requests.values()
            if (task := task_of(entry)) is not None and (result := result_of(entry)) is not None
        }
        assert costs == billed, "the record equals the bill, charge for charge"
        assert spent(requests.values()).get("USD", 0) == sum(amount or 0 for amount in billed.values())
        unsettled = {key: state_name(entry) for key, entry in requests.items() if is_unsettled(entry)}
        assert not unsettled, "every request is settled"
        assert not any(entry.doubts.rivals for entry in requests.values()), "no record contradicts another"

    def _check_disk(self, project: api.Project, requests: Mapping[str, Entry]) -> None:
        """The bytes of every rendered request are where the record says, and there is no other file."""
        clips = {e.render.path: e.render.sha256 for e in requests.values() if isinstance(e, Rendered)}
        wanted = {"shots.yaml", "shots.lock.json", *(still.name for still in self.folder.glob("*.png")), *clips}
        found = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}
        assert {path for path in found if not path.startswith(".kfpipe/")} == wanted
        assert {path: sha256_of(self.folder / path) for path in clips} == clips
        assert all(verified.condition == "sound" for verified in api.verify(project))


@contextmanager
def stage(folder: Path, *script: Mapping[str, Any], **settings: Any) -> Iterator[Stage]:
    """An empty project whose account has these faults; renders take a fraction of a second.

    The clock is slow enough that no link or upload of the service runs out during a long test.
    """
    usual = {"factor": 10, "queue_s": (0, 0.1), "run_s": (0.2, 0.6), "film": "tiny", "enforces_rates": False}
    with Emulator(faults=script, **{**usual, **settings}) as emulator:
        yield Stage(folder=folder, emulator=emulator)
