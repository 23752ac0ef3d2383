"""What a run tells the others of its account, by the book."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from kfpipe.lock.book.account_book import AccountBook
from kfpipe.lock.book.database import path_of
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.paths import LockPaths
from kfpipe.runner.shares import Shares
from tests.support.makers import ACCOUNT, NOW, asked, submitted

NOW_S = NOW.timestamp()
pytestmark = pytest.mark.anyio


def book(project: str) -> AccountBook:
    path = path_of(ACCOUNT)
    assert path is not None
    made = AccountBook(path, Path(f"/{project}/shots.lock.json"))
    made.enter((), (), NOW_S)
    return made


@pytest.fixture
def other() -> Iterator[AccountBook]:
    with closing(book("other")) as made:
        yield made


@pytest.fixture
def shares(tmp_path: Path) -> Iterator[Shares]:
    paths = LockPaths.beside(tmp_path / "shots.lock.json")
    with closing(book("own")) as own, Ledger.open(paths, now=lambda: NOW) as ledger:
        yield Shares(own, ledger, lambda _: None, now_s=lambda: NOW_S)


async def test_others_know_a_task_a_moment_after_it_is_on_record(shares: Shares, other: AccountBook) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shares.run)
        shares.note("kitten/1", submitted())
        for _ in range(1000):
            if other.is_anothers("task-1", ()):
                break
            await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    assert other.is_anothers("task-1", ())


async def test_a_claim_takes_along_what_is_to_be_written(shares: Shares, other: AccountBook) -> None:
    shares.note("kitten/1", submitted())
    assert await shares.rival_of("cat/2", asked(number=2)) is None
    assert other.is_anothers("task-1", ())
