"""A project, its account, and runs as a user makes them: what they end with, and what is found afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from PIL import Image

from kfpipe import api, connection
from kfpipe.cli.output import messages
from kfpipe.emulator import Emulator
from kfpipe.environment import Environment
from kfpipe.errors import ExitCode, KfpipeError
from kfpipe.events import Event, RunFinished
from kfpipe.lock.states import Lock, Rendered, entries, spent, state_name
from kfpipe.session import Session

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

    def write(self, shots: str) -> None:
        (self.folder / "shots.yaml").write_text(f"{HEAD}shots:\n{shots}", "utf-8")
        for name, colour in _STILLS.items():
            Image.new("RGB", (640, 360), colour).save(self.folder / name)

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
            api_key=KEY,
            base_url=self.emulator.base_url,
            submit_timeout_s=SUBMIT_TIMEOUT_S,
            list_patience_s=self.list_patience_s,
            emulator_factor=1.0,
        )
        with api.session(self.project) as session:
            yield Session(project=session.project, ledger=session.ledger, settings=settings)

    @property
    def project(self) -> api.Project:
        return api.load(self.folder / "shots.yaml")

    @property
    def lock(self) -> Lock:
        return api.records(self.project)

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

    def check(self, *, foreign: int = 0) -> None:
        """Every take has its clip and was paid for once; nothing else was, and nothing else lies around.

        `foreign` tasks of the account belong to somebody else.
        """
        lock, charges = self.lock, self.emulator.bill().charges
        takes = {take.id for take in self.project.takes}
        owned = {task_id: record for record in lock.values() if (task_id := _rendered_task(record.entry)) is not None}
        assert lock.keys() == takes, "every take is on record"
        assert len(owned) == len(takes), f"every take is rendered: {self.states()}"
        billed = Counter(charge.task_id for charge in charges)
        assert billed.keys() >= owned.keys(), "what was rendered was billed"
        assert len(charges) == len(takes) + foreign, f"{len(charges)} charges for {len(takes)} takes"
        recorded = spent(entries(lock)).get("USD", 0)
        assert recorded == sum(c.amount or 0 for c in charges if c.task_id in owned), "the record equals the bill"
        self._check_disk(lock)

    def _check_disk(self, lock: Lock) -> None:
        clips = {record.entry.render.path for record in lock.values() if isinstance(record.entry, Rendered)}
        wanted = {"shots.yaml", "shots.lock.json", *_STILLS, *clips}
        found = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}
        assert {path for path in found if not path.startswith(".kfpipe/")} == wanted
        assert not [path for path in found if path.endswith(".journal")]
        assert all(verified.condition == "sound" for verified in api.verify(self.project))


def _rendered_task(entry: Any) -> str | None:
    return entry.task.task_id if isinstance(entry, Rendered) else None


@contextmanager
def stage(folder: Path, *script: Mapping[str, Any], **settings: Any) -> Iterator[Stage]:
    """An empty project whose account has these faults; renders take a fraction of a second.

    The clock is slow enough that no link or upload of the service runs out during a long test.
    """
    usual = {"factor": 10, "queue_s": (0, 0.1), "run_s": (0.2, 0.6), "film": "tiny", "enforces_rates": False}
    with Emulator(faults=script, **{**usual, **settings}) as emulator:
        yield Stage(folder=folder, emulator=emulator)
