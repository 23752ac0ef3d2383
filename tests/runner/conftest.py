"""A small project, an emulator, and a run on each event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image, ImageChops, ImageStat

from kfpipe import accounts, api
from kfpipe.domain import FrameEnd
from kfpipe.emulator import Emulator
from kfpipe.environment import API_KEY, Environment
from kfpipe.events import Event, RunFinished
from kfpipe.lock import lockfile
from kfpipe.lock.records import Records
from kfpipe.lock.states import Lock, Rendered, Submitting, name_of
from kfpipe.media import frames
from kfpipe.plan.model import Plan
from kfpipe.session import Session
from tests.support import stills

DEFAULTS = """\
kfpipe: 1
provider: {name: emulator}
limits: {submissions_per_second: 50, concurrent_tasks: 4, queries_per_second: 50}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: a.png, last_frame: b.png}
"""


@dataclass
class Studio:
    """A folder with a manifest, and the emulator that its runs go to."""

    folder: Path
    emulator: Emulator
    manifest: str = "shots.yaml"
    options: api.Options = field(default_factory=api.Options)
    submit_timeout_s: float = 2.0
    events: list[Event] = field(default_factory=list)

    def write(self, shots: str, head: str = DEFAULTS) -> None:
        (self.folder / self.manifest).write_text(f"{head}{shots}", "utf-8")

    def load(self) -> api.Project:
        return api.load(self.folder / self.manifest, self.options)

    def plan(self, **options: Any) -> Plan:
        return api.plan(self.load(), **options)

    async def run(
        self,
        *,
        cap: Decimal | None = None,
        emit: Callable[[Event], None] | None = None,
        detach: bool = False,
        **options: Any,
    ) -> RunFinished:
        """One `kfpipe run`; its events are in `events`."""
        self.events = []

        def heard(event: Event) -> None:
            self.events.append(event)
            if emit is not None:
                emit(event)

        with self.session() as session:
            return await session.run_async(session.plan(**options), cap=cap, emit=heard, detach=detach)

    async def run_until(self, is_so: Callable[[], bool], **options: Any) -> None:
        """A run that is broken off as soon as something is so."""
        async with anyio.create_task_group() as group:
            group.start_soon(partial(self.run, **options))
            while not is_so():  # noqa: ASYNC110  what is waited for is on the disk or in the emulator
                await anyio.sleep(0.02)
            group.cancel_scope.cancel()

    @property
    def has_asked(self) -> bool:
        """Whether a request for a task has reached the service, whatever becomes of it."""
        return any(request["phase"] == "submit" for request in self.emulator.requests())

    def unanswered(self) -> list[str]:
        """The takes whose requests have had no answer so far."""
        return [take_id for take_id, record in self.lock.items() if isinstance(record.entry, Submitting)]

    @contextmanager
    def session(self, project: api.Project | None = None) -> Iterator[Session]:
        """The project under its run lock; its requests go to the emulator."""
        with api.session(project or self.load()) as session:
            yield replace(session, settings=self.settings, whose=accounts.known(session.project, self.settings))

    @property
    def settings(self) -> Environment:
        return Environment(
            keys={API_KEY: "sk-test"},
            base_url=self.emulator.base_url,
            submit_timeout_s=self.submit_timeout_s,
            emulator_factor=1.0,
            list_patience_s=0.5,
        )

    @property
    def lock(self) -> Records:
        """What is on record, by take."""
        return api.records(self.load())

    @property
    def ledger(self) -> Lock:
        """All requests on record."""
        return lockfile.read(self.load().paths)

    def keys(self, take_id: str) -> list[str]:
        """The requests that were first asked under this take id, oldest first."""
        requests = self.ledger.requests
        return sorted(
            (key for key in requests if name_of(key) == take_id), key=lambda key: (requests[key].asked.asked_at, key)
        )

    @property
    def lockfile(self) -> Path:
        return (self.folder / self.manifest).with_suffix(".lock.json")

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def billed(self) -> int:
        return len(self.emulator.bill().charges)

    def clips(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.mp4")}


def cut(studio: Studio, take_id: str, end: FrameEnd) -> Image.Image:
    """The take's first or last picture, as a take that continues from it would get it."""
    entry = studio.lock[take_id].entry
    assert isinstance(entry, Rendered)
    medium = frames.cut(entry.render, end, folder=studio.folder, state_dir=studio.folder / ".kfpipe")
    return Image.open(studio.folder / medium.path)


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean distance of two pictures, of 255, in the colour where it is largest."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """Renders that take a fraction of a second; no limits, unless a test asks for them."""
    with Emulator(factor=200, queue_s=(0, 10), run_s=(20, 60), film="tiny", enforces_rates=False) as running:
        yield running


@pytest.fixture
def studio(tmp_path: Path, emulator: Emulator) -> Studio:
    stills.save(tmp_path, stills.PAIR)
    return Studio(tmp_path, emulator)
