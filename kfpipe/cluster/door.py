"""The way in: the address that a person gave becomes a cluster that can be used, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from kfpipe.cluster import marker, queues
from kfpipe.cluster.address import OPTION, Address
from kfpipe.cluster.database import Postgres
from kfpipe.cluster.handover import HandOver
from kfpipe.cluster.jobs import Payer
from kfpipe.cluster.status import workers_for
from kfpipe.cluster.store import Store, store_at
from kfpipe.errors import Refused
from kfpipe.lock.ledger import Ledger
from kfpipe.provider import Provider
from kfpipe.runner.settings import RunSettings

if TYPE_CHECKING:
    from dbos import DBOSClient


SETTLING_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster that was reached. `tell` gets a sentence now and then."""

    database: Postgres
    store: Store | None
    client: DBOSClient
    tell: Callable[[str], None]

    def check_address(self, base_url: str | None) -> str:
        """Where requests go. Raises Refused for an emulator of this run's own, which no worker could reach."""
        if base_url is None:
            raise Refused.because(
                OPTION,
                "the emulator that a run starts for itself is out of the workers' reach",
                fix="start `kfpipe emulate`, and name it in DASHSCOPE_HTTP_BASE_URL, here and for the workers",
            )
        return base_url

    @asynccontextmanager
    async def handed_over(
        self, payer: Payer, ledger: Ledger, provider: Provider, settings: RunSettings, stem: str
    ) -> AsyncIterator[HandOver]:
        """The way of one run; a note beside the journal says that its work is here, until all of it has ended."""
        place = marker.place_of(settings.state_dir, stem)
        project = marker.leave(place, self.database.address.shown)
        hands = HandOver(self.database, self.store, self.client, payer, ledger, provider, settings, self.tell, project)
        await anyio.to_thread.run_sync(queues.register, self.client, [queues.of_payer(payer)])
        for sentence in await self.database.do(lambda link: workers_for(link, queues.of_payer(payer))):
            self.tell(sentence)
        async with hands.at_work():
            yield hands
        with anyio.move_on_after(SETTLING_S):  # a database that is away then is asked the next time
            if await hands.settle():
                marker.take_away(place)


def reached(address: str, store: str | None, tell: Callable[[str], None]) -> tuple[Postgres, Store | None]:
    """The cluster's database, with its tables, and the store. Raises Refused, with a sentence for each obstacle."""
    queues.check_extra()
    parsed = Address.of(address)

    def on_loss(reason: str | None) -> None:
        tell("the cluster's database is back" if reason is None else f"waiting for the cluster's database: {reason}")

    database = Postgres(parsed, on_loss)
    database.found()
    with database.reaching():
        queues.migrate(parsed)
    place = None if store is None else store_at(store)
    if place is not None:
        place.check()
    return database, place


def cluster(address: str, store: str | None, tell: Callable[[str], None]) -> Cluster:
    """What a run hands its plan over to. Raises Refused."""
    database, place = reached(address, store, tell)
    return Cluster(database=database, store=place, client=queues.client(database.address), tell=tell)
