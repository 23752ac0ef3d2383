"""What is left on record of a request when a run is interrupted around it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from kfpipe.domain import NEVER_CREATED
from kfpipe.lock.join import Requests
from kfpipe.lock.states import Entry, Failed, Submitting
from kfpipe.runner.gate import Gate
from kfpipe.runner.interlock import Interlock
from kfpipe.runner.shields import Shields
from kfpipe.runner.slots import Slots
from kfpipe.runner.submitter import Submitter
from tests.support import makers

pytestmark = pytest.mark.anyio


class World:
    """A run's ledger and its service; `at_record` and `at_post` are called when either is asked."""

    def __init__(self) -> None:
        self.requests = Requests()
        self.posted = 0
        self.at_record: Callable[[], None] = lambda: None
        self.at_post: Callable[[], None] = lambda: None

    async def record(self, key: str, entry: Entry) -> None:
        self.requests.take_in([(key, entry)])
        self.at_record()

    async def submit(self, *_: Any, **__: Any) -> Any:
        self.posted += 1
        self.at_post()
        await anyio.sleep_forever()

    async def taken(self) -> None:
        """The list shows nothing."""


def submitter(world: World, shields: Shields) -> Submitter:
    async def nowhere(*_: Any) -> None:
        """No other project has a request for the clip."""

    context: Any = SimpleNamespace(
        ledger=world,
        provider=world,
        shields=shields,
        shares=SimpleNamespace(rival_of=nowhere),
        settings=SimpleNamespace(region="singapore", account=makers.ACCOUNT, approval=None),
        now=lambda: makers.NOW,
        random=Random(1),
        sent_at_s={},
        known=set(),
    )
    snapshot: Any = world
    return Submitter(context, Gate(10), Slots(1), Interlock(), snapshot)


async def interrupted(world: World, shields: Shields, hook: str) -> Entry:
    with anyio.CancelScope() as run:

        def interrupt() -> None:
            run.cancel()
            shields.lower(0)

        setattr(world, hook, interrupt)
        await submitter(world, shields).submit("kitten/1", makers.take(), {})
    assert run.cancelled_caught
    return world.requests.view["kitten/1"]


async def test_a_request_that_had_not_left_is_no_debt() -> None:
    world = World()
    entry = await interrupted(world, Shields(), "at_record")
    assert isinstance(entry, Failed)
    assert entry.failure.code == NEVER_CREATED
    assert not world.posted


async def test_a_request_that_had_left_is_looked_for() -> None:
    world = World()
    assert isinstance(await interrupted(world, Shields(), "at_post"), Submitting)
    assert world.posted
