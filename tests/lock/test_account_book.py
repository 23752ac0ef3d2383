"""The account book on disk, as several runs use it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kfpipe.domain import Account
from kfpipe.lock.book import account_book, database
from kfpipe.lock.book.account_book import AccountBook, Grant
from kfpipe.lock.book.database import BookLost, path_of
from kfpipe.lock.book.sharing import LimitKind, Share
from tests.support.makers import ACCOUNT, asked, failed, rendered, submitted, submitting

NOW_S = asked().asked_at.timestamp()


@pytest.fixture
def path() -> Path:
    found = path_of(ACCOUNT)
    assert found is not None
    return found


@pytest.fixture
def opening() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def come_in(path: Path, project: str, opening: ExitStack, **known: object) -> AccountBook:
    book = AccountBook(path, Path(f"/{project}/shots.lock.json"))
    opening.callback(book.close)
    book.enter(known.items(), known.keys(), NOW_S)  # type: ignore[arg-type]
    return book


def die(book: AccountBook) -> None:
    """What becomes of a process that is killed: the system takes its lock away."""
    book._presence._mark.release()


def grant(
    book: AccountBook,
    wanted: int,
    *,
    held: int = 0,
    busy: int = 0,
    kind: LimitKind = LimitKind.TASKS,
    after_s: float = 0,
) -> Grant:
    own = Share(run=book.run, kind=kind, scope="wan2.7-i2v", places=5, held=held, wanted=wanted, busy=busy)
    (found,), _ = book.settle([own], (), NOW_S + after_s, is_thorough=True)
    return found


def test_it_is_for_its_user_alone(path: Path, opening: ExitStack) -> None:
    book = come_in(path, "one", opening)
    grant(book, 1)
    modes = {one.name: one.stat().st_mode & 0o777 for one in (path.parent, *path.parent.rglob("*"))}
    assert {mode for name, mode in modes.items() if name not in (path.parent.name, "runs")} == {0o600}
    assert (modes[path.parent.name], modes["runs"]) == (0o700, 0o700)


@pytest.mark.parametrize("account", [Account(host="emulator"), Account(host="example.com"), Account(host="")])
def test_there_is_none_without_an_account(account: Account) -> None:
    assert path_of(account) is None


def test_a_second_run_gets_its_share_as_soon_as_the_first_can_give(path: Path, opening: ExitStack) -> None:
    one, other = come_in(path, "one", opening), come_in(path, "other", opening)
    assert grant(one, 5) == Grant(held=5, may_use=5)
    assert grant(other, 5).held == 0
    owing = grant(one, 5, held=5, busy=5)
    assert (owing.held, owing.may_use) in ((5, 2), (5, 3))
    assert grant(other, 5).held == 0
    assert grant(one, 5, held=5, busy=owing.may_use).held == owing.may_use
    assert grant(other, 5).held == 5 - owing.may_use


def test_the_tasks_of_a_dead_run_hold_their_places_and_its_other_places_are_free(
    path: Path, opening: ExitStack
) -> None:
    dead, other = come_in(path, "dead", opening), come_in(path, "other", opening)
    assert grant(dead, 5).held == 5
    assert dead.claim("kitten/1", asked(), NOW_S, since_s=NOW_S) == []
    dead.note([("kitten/1", submitted())], NOW_S)
    die(dead)
    assert grant(other, 5).held == 4
    (left,) = other.left_tasks(NOW_S)
    assert (left.request, left.task_id) == ("kitten/1", "task-1")
    other.ended(left.request)
    assert grant(other, 5, held=4).held == 5


def test_what_nobody_can_be_asked_about_holds_a_place_until_its_age_makes_it_certain(
    path: Path, opening: ExitStack
) -> None:
    come_in(path, "gone", opening, **{"kitten/1": submitting(), "dog/1": submitted(number=2)}).leave(
        ("kitten/1", "dog/1"), NOW_S
    )
    other = come_in(path, "other", opening)
    assert grant(other, 5).held == 3
    assert grant(other, 5, held=3, after_s=account_book.UNANSWERED_LIFE_S + 1).held == 4
    assert grant(other, 5, held=4, after_s=account_book.TASK_LIFE_S + 1).held == 5


def test_who_goes_on_with_a_task_has_its_place(path: Path, opening: ExitStack) -> None:
    come_in(path, "one", opening, **{"kitten/1": submitted()}).leave(("kitten/1",), NOW_S)
    other, again = come_in(path, "other", opening), come_in(path, "one", opening)
    assert grant(other, 5).held == 4
    own = Share(run=again.run, kind=LimitKind.TASKS, scope="wan2.7-i2v", places=5, held=1, wanted=1, busy=1)
    again.settle([own], ["kitten/1"], NOW_S, is_thorough=True)
    assert other.left_tasks(NOW_S) == []
    assert grant(other, 5, held=4, busy=4).held == 4


def test_the_last_requests_of_a_run_that_ends_count_for_another_moment(path: Path, opening: ExitStack) -> None:
    one, other = come_in(path, "one", opening), come_in(path, "other", opening)
    assert grant(one, 5, kind=LimitKind.SUBMISSIONS).held == 5
    own = Share(run=one.run, kind=LimitKind.SUBMISSIONS, scope="wan2.7-i2v", places=5, held=5, wanted=2, busy=2)
    one.leave((), NOW_S, [own])
    assert grant(other, 5, kind=LimitKind.SUBMISSIONS).held == 3
    assert grant(other, 5, kind=LimitKind.SUBMISSIONS, after_s=account_book.COOLING_S + 0.1).held == 5


def test_a_sign_is_never_older_than_the_last_request(path: Path, opening: ExitStack) -> None:
    book = come_in(path, "one", opening)
    for _ in range(200):
        before_s = time.time()
        book.sign()
        assert before_s <= book._presence._path.stat().st_mtime <= time.time() + 1
        time.sleep(0.001)


def test_a_sign_is_given_when_the_clock_was_set_back(path: Path, opening: ExitStack) -> None:
    book = come_in(path, "one", opening)
    book._presence._signed_until_s = time.time() + 3600
    os.utime(book._presence._path, (NOW_S, NOW_S))
    book.sign()
    assert book._presence._path.stat().st_mtime > NOW_S


def test_the_places_of_a_dead_run_are_free_a_second_after_its_last_sign(path: Path, opening: ExitStack) -> None:
    dead, other = come_in(path, "dead", opening), come_in(path, "other", opening)
    assert grant(dead, 5, kind=LimitKind.SUBMISSIONS).held == 5
    os.utime(dead._presence._path, (NOW_S, NOW_S))
    assert grant(other, 5, kind=LimitKind.SUBMISSIONS, after_s=60).held == 0
    die(dead)
    assert grant(other, 5, kind=LimitKind.SUBMISSIONS, after_s=account_book.COOLING_S - 0.1).held == 0
    assert grant(other, 5, kind=LimitKind.SUBMISSIONS, after_s=account_book.COOLING_S + 0.1).held == 5


def test_a_clip_is_claimed_by_one_project(path: Path, opening: ExitStack) -> None:
    one, other = come_in(path, "one", opening), come_in(path, "other", opening)
    assert one.claim("kitten/1", asked(), NOW_S, since_s=NOW_S) == []
    assert one.claim("kitten/1", asked(), NOW_S, since_s=NOW_S) == []  # the same request, made again
    (rival,) = other.claim("cat/2", asked(), NOW_S, since_s=NOW_S)
    assert (rival.request, rival.lockfile, rival.is_live) == ("kitten/1", Path("/one/shots.lock.json"), True)
    one.note([("kitten/1", rendered())], NOW_S + 1)
    assert other.claim("cat/2", asked(), NOW_S + 2, since_s=NOW_S)  # its plan was made before that
    assert not other.claim("cat/2", asked(), NOW_S + 2, since_s=NOW_S + 1)


def test_a_request_that_was_never_made_or_has_failed_is_in_nobodys_way(path: Path, opening: ExitStack) -> None:
    one, other = come_in(path, "one", opening), come_in(path, "other", opening)
    one.claim("kitten/1", asked(), NOW_S, since_s=NOW_S)
    one.leave((), NOW_S)
    assert not other.claim("cat/2", asked(), NOW_S, since_s=NOW_S)
    other.note([("cat/2", failed())], NOW_S)
    assert not come_in(path, "one", opening).claim("kitten/3", asked(), NOW_S, since_s=NOW_S)


def test_a_task_belongs_to_the_project_that_has_it_on_record(path: Path, opening: ExitStack) -> None:
    one, other = come_in(path, "one", opening), come_in(path, "other", opening)
    one.note([("kitten/1", submitted())], NOW_S)
    assert other.is_anothers("task-1", ())
    assert not other.is_anothers("task-1", ("kitten/1",))  # a clone of it
    assert not one.is_anothers("task-1", ())
    assert not other.is_anothers("task-2", ())


def test_what_is_long_settled_is_forgotten(path: Path, opening: ExitStack) -> None:
    one = come_in(path, "one", opening)
    for number in range(9):
        one.note([(f"kitten/{number}", rendered(number=number + 1))], NOW_S + number)
    one.note([("cat/1", submitted(number=20))], NOW_S)
    one.leave((), NOW_S + 9, kept_rows=3)
    with sqlite3.connect(path) as link:
        kept = {key for (key,) in link.execute("SELECT request FROM request")}
    link.close()
    assert kept == {"cat/1", "kitten/6", "kitten/7", "kitten/8"}


def test_a_run_that_was_taken_for_dead_knows_it(path: Path, opening: ExitStack) -> None:
    one, other = come_in(path, "one", opening), come_in(path, "other", opening)
    one._presence._path.unlink()
    grant(other, 1)
    with pytest.raises(BookLost, match="taken this one for dead"):
        grant(one, 1)


def test_it_notices_what_others_write_and_that_its_file_is_gone(path: Path, opening: ExitStack) -> None:
    one, other = come_in(path, "one", opening), come_in(path, "other", opening)
    grant(one, 1)
    grant(one, 1, held=1)
    assert not one.is_changed()
    grant(other, 1)
    assert one.is_changed()
    path.unlink()
    with pytest.raises(BookLost, match="deleted"):
        one.is_changed()


def test_what_it_writes_of_its_own_requests_is_no_news_to_it(path: Path, opening: ExitStack) -> None:
    one, other = come_in(path, "one", opening), come_in(path, "other", opening)
    grant(one, 1)
    grant(one, 1, held=1)
    one.claim("kitten/1", asked(), NOW_S, since_s=0)
    one.note([("kitten/1", submitted())], NOW_S)
    assert not one.is_changed()
    grant(other, 1)
    one.claim("kitten/2", asked(), NOW_S, since_s=0)
    assert one.is_changed()
    grant(one, 1, held=1)
    grant(one, 1, held=1)
    assert not one.is_changed()


def test_another_versions_book_is_left_alone(path: Path) -> None:
    database.Database(path).close()
    with sqlite3.connect(path) as link:
        link.execute("PRAGMA user_version = 99")
    link.close()
    before = path.read_bytes()
    with pytest.raises(BookLost, match="another version"):
        database.Database(path)
    assert path.read_bytes() == before


def test_a_look_at_it_takes_no_lock_away_from_a_run_of_the_same_process(path: Path, opening: ExitStack) -> None:
    one = come_in(path, "one", opening)
    with database.look_into(path) as book:
        assert book is not None
    program = f"import sqlite3; sqlite3.connect({str(path)!r}).execute('SELECT * FROM run').fetchall()"
    subprocess.run([sys.executable, "-c", program], check=True)  # were it the last one there, it would take the log
    assert path.with_name(f"{path.name}-wal").exists()
    grant(one, 1)
