"""The one writer of a run's records: what is on the disk when, whatever goes wrong, whatever git does meanwhile."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest

from kfpipe.errors import ProjectBusy, Refused, StorageFailed
from kfpipe.files import durable
from kfpipe.lock import lockfile
from kfpipe.lock.ledger import KEPT_FOR, Ledger
from kfpipe.lock.lockfile import load, read, save
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import EMPTY, Doubts, Entry, Lock, Rendered, Unclear
from tests.support.makers import (
    NOW,
    asked,
    failed,
    key,
    lock,
    rendered,
    result,
    submitted,
    submitting,
    succeeded,
    unclear,
)
from tests.support.places import ROOT
from tests.support.surroundings import room_for

STRANGER = """
import os, signal, sys
import anyio
from pathlib import Path
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.paths import LockPaths
from tests.support.makers import key, submitted, submitting
from tests.lock.test_ledger import now

async def main():
    with Ledger.open(LockPaths.beside(Path(sys.argv[1], "shots.lock.json")), now=now) as ledger:
        await ledger.record(key(), submitting())
        await ledger.record(key(), submitted())
        print("recorded", flush=True)
        if sys.argv[2] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdin.read()

anyio.run(main)
"""

KITTEN = key()
MONSTER = key("monster")
LATER = NOW + KEPT_FOR + timedelta(hours=1)


@pytest.fixture
def home(tmp_path: Path) -> LockPaths:
    return LockPaths.beside(tmp_path / "shots.lock.json")


def now() -> datetime:
    return NOW


def opened(home: LockPaths, at: datetime = NOW) -> Ledger:
    return Ledger.open(home, now=lambda: at)


def noted(home: LockPaths) -> Mapping[str, Entry]:
    return lockfile.left_in_journal(home).requests


def stranger(home: LockPaths, then: str) -> subprocess.Popen[str]:
    """Another process that has recorded a submitted take."""
    child = subprocess.Popen(
        [sys.executable, "-c", STRANGER, str(home.lockfile_path.parent), then],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "recorded\n"
    return child


# ---- recording ---------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_what_is_recorded_is_in_the_journal_before_record_returns(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(KITTEN, submitting())
        assert b'"kitten/' in home.journal_path.read_bytes()
        assert ledger.lock == lock(submitting()) == read(home)
        assert load(home.lockfile_path) == EMPTY


@pytest.mark.anyio
async def test_the_line_and_the_names_of_its_folders_are_synced_before_record_returns(
    home: LockPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[object] = []
    sync, sync_folder = durable.sync, durable.sync_folder

    def tapped(descriptor: int) -> None:
        sync(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    def folder_tapped(folder: Path) -> None:
        sync_folder(folder)
        synced.append(folder)

    monkeypatch.setattr(durable, "sync", tapped)
    monkeypatch.setattr(durable, "sync_folder", folder_tapped)
    with opened(home) as ledger:
        assert home.lockfile_path.parent in synced
        synced.clear()
        await ledger.record(KITTEN, submitting())
        assert synced == [home.journal_path.stat().st_size, home.state_dir]
        synced.clear()
        await ledger.record(KITTEN, submitted())
        assert synced == [home.journal_path.stat().st_size]


@pytest.mark.anyio
async def test_nobody_sees_a_request_before_it_is_on_the_disk(home: LockPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    with opened(home) as ledger:
        append = ledger._journal.append

        def slow(line: bytes) -> None:
            seen.append(len(ledger.lock.requests))
            append(line)

        monkeypatch.setattr(ledger._journal, "append", slow)
        await ledger.record(KITTEN, submitting())
        assert seen == [0]
        assert len(ledger.lock.requests) == 1


@pytest.mark.anyio
async def test_writers_that_wait_share_a_write_and_none_is_lost(home: LockPaths) -> None:
    with opened(home) as ledger:
        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(ledger.record, key(f"take-{number}"), submitting())
        assert len(home.journal_path.read_bytes().splitlines()) < 20
        assert len(read(home).requests) == len(ledger.lock.requests) == 200


@pytest.mark.anyio
async def test_two_news_of_one_request_in_one_write_are_joined(home: LockPaths) -> None:
    open_question = Unclear(asked=asked(), doubts=Doubts(candidates=frozenset(("task-7", "task-8"))))
    with opened(home) as ledger:
        async with anyio.create_task_group() as tasks:
            for entry in (submitting(number=9), rendered(), open_question, submitted()):
                tasks.start_soon(ledger.record, MONSTER if entry == submitting(number=9) else KITTEN, entry)
        expected = replace(rendered(), doubts=open_question.doubts)
        assert read(home).requests[KITTEN] == ledger.requests.view[KITTEN] == expected


@pytest.mark.anyio
async def test_a_cancelled_run_still_records_an_answer_that_was_paid_for(home: LockPaths) -> None:
    with opened(home) as ledger:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await ledger.record(KITTEN, submitted())
        assert read(home) == lock(submitted())


@pytest.mark.anyio
async def test_a_record_of_less_turns_nothing_back(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(KITTEN, rendered())
        await ledger.record(KITTEN, submitting())
        assert ledger.lock == read(home) == lock(rendered())
    assert load(home.lockfile_path) == lock(rendered())


@pytest.mark.anyio
async def test_what_the_accounts_list_showed_survives_with_its_first_time(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.note_seen(["a", "b"])
    with opened(home, NOW + timedelta(hours=1)) as ledger:
        assert ledger.seen == {"a": NOW, "b": NOW}
        await ledger.note_seen(["b", "c"])
    with opened(home, NOW + KEPT_FOR) as ledger:
        assert ledger.seen == {"c": NOW + timedelta(hours=1)} | dict.fromkeys("ab", NOW)
    with opened(home, NOW + KEPT_FOR) as ledger:
        assert ledger.seen == {"c": NOW + timedelta(hours=1)}


@pytest.mark.anyio
@pytest.mark.parametrize("brought", [submitting(), unclear(), rendered()], ids=lambda entry: type(entry).__name__)
async def test_what_was_seen_rules_out_no_task_of_another_machines_request(home: LockPaths, brought: Entry) -> None:
    """Only another clock says when it was made: whatever was seen until now may be its own."""
    kept = {"a": NOW} if isinstance(brought, Rendered) else {}
    with opened(home) as ledger:
        await ledger.note_seen(["a"])
        save(home.lockfile_path, lock(brought))
        ledger.fold()
        assert ledger.seen == kept
    with opened(home) as ledger:
        assert ledger.seen == kept


@pytest.mark.anyio
async def test_the_journal_is_the_users_alone_also_when_it_is_written_anew(home: LockPaths) -> None:
    home.state_dir.mkdir()
    with opened(home) as ledger:
        await ledger.record(KITTEN, submitting())
        assert stat.S_IMODE(home.journal_path.stat().st_mode) == 0o600
        home.journal_path.chmod(0o644)
    assert stat.S_IMODE(home.journal_path.stat().st_mode) == 0o600


@pytest.mark.anyio
async def test_what_can_wait_is_written_with_what_comes_meanwhile_and_else_by_itself(home: LockPaths) -> None:
    with opened(home) as ledger:

        async def writer(number: int) -> None:
            await ledger.record(key(f"take-{number}"), submitted(), can_wait=True)
            assert key(f"take-{number}") in read(home).requests

        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(writer, number)
            await anyio.wait_all_tasks_blocked()
            assert not ledger.has_written
            await ledger.record(KITTEN, submitting())
            assert len(home.journal_path.read_bytes().splitlines()) == 2  # the header, and one line of all
        await ledger.record(MONSTER, submitting(), can_wait=True)
        assert read(home) == ledger.lock
        assert len(ledger.lock.requests) == 7


# ---- a writer that fails -----------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_full_disk_stops_recording_and_keeps_what_was_recorded(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(KITTEN, submitting())
        sound = home.journal_path.read_bytes()
        with room_for(len(sound) + 100):
            for _ in range(2):
                with pytest.raises(StorageFailed) as failure:
                    await ledger.record(KITTEN, submitted())
                assert failure.value.reason == "the file is larger than the system allows"
        with pytest.raises(StorageFailed):
            await ledger.record(MONSTER, submitting())
        assert home.journal_path.read_bytes() == sound
        assert ledger.lock == lock(submitting())
    assert load(home.lockfile_path) == lock(submitting())


@pytest.mark.anyio
@pytest.mark.parametrize("can_wait", [False, True])
async def test_writers_that_wait_when_the_disk_fills_up_all_hear_of_it(can_wait: bool, home: LockPaths) -> None:
    failures = []

    async def writer(ledger: Ledger, number: int) -> None:
        try:
            await ledger.record(key(f"take-{number}"), submitting(), can_wait=can_wait)
        except StorageFailed as failure:
            failures.append(failure)

    with opened(home) as ledger:
        with room_for(100):
            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(writer, ledger, number)
        assert len(failures) == 20
        assert ledger.lock == EMPTY


class Interrupted(BaseException):
    """As `KeyboardInterrupt` is, which the loops would take for their own."""


def failing(place: str, error: BaseException, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    match place:
        case "append":
            monkeypatch.setattr(ledger._journal, "append", fail)
        case "write":
            monkeypatch.setattr(os, "write", fail)
        case "sync":
            monkeypatch.setattr(durable, "sync", fail)
        case "line":
            monkeypatch.setattr("kfpipe.lock.journal.line", fail)
        case "join":
            monkeypatch.setattr(ledger.requests, "take_in", fail)


@pytest.mark.anyio
@pytest.mark.parametrize("place", ["append", "write", "sync", "line", "join"])
@pytest.mark.parametrize(
    "error", [OSError(5, "gone"), MemoryError(), Interrupted("^C")], ids=lambda one: type(one).__name__
)
async def test_whatever_a_writer_fails_with_nothing_is_written_after_it(
    place: str, error: BaseException, home: LockPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[BaseException] = []

    async def writer(ledger: Ledger, number: int) -> None:
        try:
            await ledger.record(key(f"take-{number}"), submitting())
        except BaseException as failure:
            told.append(failure)
            if not isinstance(failure, OSError | StorageFailed | MemoryError | Interrupted):
                raise

    with opened(home) as ledger:
        await ledger.record(KITTEN, submitting())
        with monkeypatch.context() as patch:
            failing(place, error, ledger, patch)
            async with anyio.create_task_group() as tasks:
                for number in range(5):
                    tasks.start_soon(writer, ledger, number)
        assert len(told) == 5
        before = home.journal_path.read_bytes()
        with pytest.raises(StorageFailed):
            await ledger.record(KITTEN, submitted())
        with pytest.raises(StorageFailed):
            await ledger.note_seen(["task-9"])
        assert home.journal_path.read_bytes() == before
        if place != "join":  # the line itself was written then
            assert read(home) == lock(submitting())
    assert load(home.lockfile_path).requests[KITTEN] == submitting()


@pytest.mark.anyio
async def test_an_interrupt_in_the_writer_breaks_the_ledger(home: LockPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: bytes) -> None:
        raise KeyboardInterrupt

    with opened(home) as ledger:
        with monkeypatch.context() as patch:
            patch.setattr(anyio.to_thread, "run_sync", _at_once)
            patch.setattr(ledger._journal, "append", interrupted)
            with pytest.raises(KeyboardInterrupt):
                await ledger.record(KITTEN, submitting())
        with pytest.raises(StorageFailed, match="KeyboardInterrupt"):
            await ledger.record(KITTEN, submitting())
        assert not home.journal_path.exists()


async def _at_once(doing: Callable[[bytes], None], line: bytes) -> None:
    doing(line)


@pytest.mark.anyio
async def test_a_journal_that_is_deleted_during_a_run_stops_it_and_loses_nothing(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(KITTEN, submitted())
        home.journal_path.unlink()
        with pytest.raises(StorageFailed, match="deleted during the run"):
            await ledger.record(KITTEN, rendered())
        assert not home.journal_path.exists()
    assert load(home.lockfile_path) == read(home) == lock(submitted())


# ---- folding -----------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_at_the_end_the_journal_is_joined_into_the_lockfile_and_keeps_what_is_young(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(KITTEN, submitting())
        await ledger.record(KITTEN, submitted())
    assert load(home.lockfile_path) == lock(submitted())
    assert noted(home) == lock(submitted()).requests
    assert sorted(path.name for path in home.state_dir.iterdir()) == [
        ".gitignore",
        "shots.journal",
        "shots.lock",
        "shots.writing",
    ]
    assert (home.state_dir / ".gitignore").read_text(encoding="utf-8") == "*\n"


@pytest.mark.anyio
async def test_requests_older_than_two_days_go_from_the_journal(home: LockPaths) -> None:
    young = submitted(number=2, asked_at=LATER - KEPT_FOR + timedelta(seconds=1))
    old = submitted(asked_at=LATER - KEPT_FOR)
    with opened(home, LATER) as ledger:
        await ledger.record(KITTEN, old)
        await ledger.record(MONSTER, young)
    assert noted(home) == {MONSTER: young}
    opened(home, LATER + KEPT_FOR).close()
    assert not home.journal_path.exists()
    assert load(home.lockfile_path).requests == {KITTEN: old, MONSTER: young}


@pytest.mark.anyio
async def test_after_a_fold_the_run_continues_in_the_journal(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(KITTEN, submitting())
        assert ledger.fold()
        assert not ledger.fold()
        await ledger.record(KITTEN, submitted())
        assert read(home) == lock(submitted())
        assert load(home.lockfile_path) == lock(submitting())


def test_a_run_that_changes_nothing_leaves_the_lockfile_byte_for_byte(home: LockPaths) -> None:
    save(home.lockfile_path, lock(rendered(of_result=result(url_expires_at=NOW - timedelta(days=1)))))
    by_hand = home.lockfile_path.read_bytes().replace(b"\n", b"\r\n")
    home.lockfile_path.write_bytes(by_hand)
    with opened(home) as ledger:
        assert not ledger.fold()
    assert home.lockfile_path.read_bytes() == by_hand


@pytest.mark.anyio
async def test_dead_links_lose_their_signatures_when_the_lockfile_is_written(home: LockPaths) -> None:
    dead = result(url_expires_at=NOW)
    kept = lock(
        rendered(of_result=dead), failed(number=2), rendered(of_result=dead, number=3), picked={"kitten": "kitten"}
    )
    save(home.lockfile_path, kept)
    with opened(home) as ledger:
        await ledger.record(MONSTER, succeeded(number=4))
    assert home.lockfile_path.read_text(encoding="utf-8").count("Signature") == 1
    assert load(home.lockfile_path).picked == kept.picked


@pytest.mark.anyio
async def test_a_colleagues_lockfile_that_git_brings_during_a_run_is_joined_not_overwritten(home: LockPaths) -> None:
    save(home.lockfile_path, lock(submitted()))
    with opened(home) as ledger:
        await ledger.record(MONSTER, submitting(number=2))
        save(home.lockfile_path, Lock(requests={KITTEN: rendered(), key("walk"): failed(number=3)}))
        assert ledger.fold()
        assert ledger.lock.requests[KITTEN] == rendered()
    assert load(home.lockfile_path).requests == {
        KITTEN: rendered(),
        key("walk"): failed(number=3),
        MONSTER: submitting(number=2),
    }


@pytest.mark.anyio
async def test_an_older_lockfile_that_git_brings_during_a_run_turns_nothing_back(home: LockPaths) -> None:
    save(home.lockfile_path, lock(submitted()))
    older = home.lockfile_path.read_bytes()
    with opened(home) as ledger:
        await ledger.record(KITTEN, rendered())
        ledger.fold()
        home.lockfile_path.write_bytes(older)
    assert load(home.lockfile_path) == lock(rendered())


@pytest.mark.anyio
async def test_a_lockfile_deleted_during_a_run_is_written_again(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(KITTEN, rendered())
        ledger.fold()
        home.lockfile_path.unlink()
    assert load(home.lockfile_path) == lock(rendered())


@pytest.mark.anyio
async def test_an_older_lockfile_that_git_brings_between_two_runs_loses_nothing(home: LockPaths) -> None:
    save(home.lockfile_path, lock(failed()))
    older = home.lockfile_path.read_bytes()
    with opened(home) as ledger:
        await ledger.record(MONSTER, submitted(number=2))
    home.lockfile_path.write_bytes(older)
    assert read(home).requests[MONSTER] == submitted(number=2)
    with opened(home) as ledger:
        assert ledger.lock.requests == {KITTEN: failed(), MONSTER: submitted(number=2)}
    assert load(home.lockfile_path) == ledger.lock


@pytest.mark.anyio
async def test_a_stale_journal_that_is_brought_back_turns_nothing_back(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(KITTEN, submitting())
        stale = home.journal_path.read_bytes()
        for entry in (submitted(), succeeded(), rendered()):
            await ledger.record(KITTEN, entry)
        await ledger.record(MONSTER, failed(number=2))
    before = home.lockfile_path.read_bytes()
    home.journal_path.write_bytes(stale)
    opened(home, LATER).close()
    assert home.lockfile_path.read_bytes() == before
    assert not home.journal_path.exists()


@pytest.mark.anyio
async def test_a_pick_that_is_made_during_a_run_survives_it(home: LockPaths) -> None:
    save(home.lockfile_path, lock(rendered(), picked={"walk": "walk@seed=1", "gone": "gone"}))
    with opened(home) as ledger:
        await ledger.record(MONSTER, submitted(number=2))
        assert lockfile.pick(home, "kitten", "kitten", key=KITTEN)
        assert lockfile.pick(home, "walk", None)
        ledger.fold()
        assert ledger.lock.picked == {"kitten": "kitten", "gone": "gone"}
        assert ledger.lock.picked_from == {"kitten": KITTEN}
        assert lockfile.pick(home, "gone", None)
    assert load(home.lockfile_path) == Lock(
        requests={KITTEN: rendered(), MONSTER: submitted(number=2)},
        picked={"kitten": "kitten"},
        picked_from={"kitten": KITTEN},
    )


@pytest.mark.anyio
async def test_a_lockfile_torn_by_git_during_a_run_is_left_to_its_owner_and_the_journal_keeps_all(
    home: LockPaths,
) -> None:
    torn = b"<<<<<<< HEAD\n=======\n>>>>>>> main\n"
    ledger = opened(home)
    await ledger.record(KITTEN, rendered())
    home.lockfile_path.write_bytes(torn)
    with pytest.raises(Refused):
        ledger.close()
    assert home.lockfile_path.read_bytes() == torn
    assert noted(home) == lock(rendered()).requests
    home.lockfile_path.unlink()
    opened(home).close()
    assert load(home.lockfile_path) == lock(rendered())


@pytest.mark.anyio
async def test_a_run_in_one_lockfile_joins_a_task_that_git_has_brought_under_another_name(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(key(number=2), replace(submitted(number=2), task=submitted().task))
        save(home.lockfile_path, Lock(requests={MONSTER: rendered()}))
    owners = [one for one, entry in load(home.lockfile_path).requests.items() if not isinstance(entry, Unclear)]
    assert owners == [MONSTER]


# ---- crashes, and others -----------------------------------------------------------------------------------------


def test_a_killed_run_is_recovered_by_the_next(home: LockPaths) -> None:
    child = stranger(home, "die")
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert read(home) == lock(submitted())
    assert load(home.lockfile_path) == EMPTY
    with opened(home) as ledger:
        assert ledger.lock == lock(submitted()) == load(home.lockfile_path)


@pytest.mark.anyio
async def test_a_torn_last_line_is_dropped_and_the_journal_is_sound_after(home: LockPaths) -> None:
    with opened(home) as ledger:
        await ledger.record(KITTEN, submitting())
        whole = home.journal_path.read_bytes()
        await ledger.record(KITTEN, submitted())
        torn = home.journal_path.read_bytes()
    for length in (len(whole) + 1, len(torn) - 1):
        home.lockfile_path.unlink()
        home.journal_path.write_bytes(torn[:length])
        with opened(home) as ledger:
            assert ledger.lock == lock(submitting())
            await ledger.record(MONSTER, submitted(number=2))
            assert noted(home) == {KITTEN: submitting(), MONSTER: submitted(number=2)}


@pytest.mark.anyio
async def test_a_crash_between_lockfile_and_journal_changes_nothing(home: LockPaths) -> None:
    with opened(home) as ledger:
        for entry in (submitting(), submitted(), succeeded(), rendered()):
            await ledger.record(KITTEN, entry)
        await ledger.record(key(number=2), failed(number=2))
        journal = home.journal_path.read_bytes()
    before = home.lockfile_path.read_bytes()
    home.journal_path.write_bytes(journal)
    opened(home).close()
    assert home.lockfile_path.read_bytes() == before


@pytest.mark.anyio
async def test_a_damaged_journal_stops_the_run_and_lets_go_of_the_project(home: LockPaths) -> None:
    home.state_dir.mkdir()
    home.journal_path.write_bytes(b"damage\nmore damage\n")
    for _ in range(2):
        with pytest.raises(Refused, match="checksum"):
            opened(home)
        assert sorted(path.name for path in home.state_dir.iterdir()) == [".gitignore", "shots.journal", "shots.lock"]


def test_what_a_killed_run_left_half_written_is_cleared_away(home: LockPaths) -> None:
    leftover = home.lockfile_path.parent / ".shots.lock.json.4711.tmp"
    leftover.write_text("{", encoding="utf-8")
    other = home.lockfile_path.parent / ".other.lock.json.4711.tmp"
    other.write_text("{", encoding="utf-8")
    opened(home).close()
    assert not leftover.exists()
    assert other.exists()


def test_a_second_run_is_told_who_holds_the_project(home: LockPaths) -> None:
    child = stranger(home, "wait")
    with pytest.raises(ProjectBusy) as busy:
        opened(home)
    (problem,) = busy.value.problems
    assert f"process {child.pid}, since '2026-11-22T12:00:00.000Z'" in problem.what
    assert read(home) == lock(submitted())
    child.communicate("")
    opened(home).close()


def test_one_process_opens_a_project_once(home: LockPaths) -> None:
    with opened(home), pytest.raises(ProjectBusy, match=str(os.getpid())):
        opened(home)
    opened(home).close()


def test_whatever_the_holder_left_about_itself_is_no_crash(home: LockPaths) -> None:
    with opened(home):
        (home.state_dir / "shots.holder.json").write_bytes(b"\xff\x00{")
        with pytest.raises(ProjectBusy):
            opened(home)


def test_reading_writes_nothing(home: LockPaths) -> None:
    assert read(home) == EMPTY
    assert list(home.lockfile_path.parent.iterdir()) == []
