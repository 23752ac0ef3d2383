from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import anyio
import pytest

from kfpipe.errors import Position, Problem, ProjectBusy, Refused, StorageFailed
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.lockfile import load, read, save
from kfpipe.lock.paths import LockPaths
from tests.support.makers import NOW, failed, record, rendered, result, submitted, submitting, succeeded
from tests.support.places import ROOT

STRANGER = """
import os, signal, sys
import anyio
from pathlib import Path
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.paths import LockPaths
from tests.support.makers import submitted, submitting
from tests.lock.test_ledger import now

async def main():
    with Ledger.open(LockPaths.beside(Path(sys.argv[1], "shots.lock.json")), now=now) as ledger:
        await ledger.record("kitten", submitting())
        await ledger.record("kitten", submitted())
        print("recorded", flush=True)
        if sys.argv[2] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdin.read()

anyio.run(main)
"""


@pytest.fixture
def home(tmp_path: Path) -> LockPaths:
    return LockPaths.beside(tmp_path / "shots.lock.json")


def now() -> datetime:
    return NOW


def opened(home: LockPaths) -> Ledger:
    return Ledger.open(home, now=now)


def stranger(home: LockPaths, then: str) -> subprocess.Popen[str]:
    """Another process that has recorded a submitted take."""
    root = ROOT
    child = subprocess.Popen(
        [sys.executable, "-c", STRANGER, str(home.lockfile_path.parent), then],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "recorded\n"
    return child


@contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """No file may grow past this: what a full disk is like, for whoever runs the tests."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def problem_in(home: LockPaths, content: str | bytes) -> Problem:
    home.lockfile_path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Refused) as refusal:
        load(home.lockfile_path)
    return refusal.value.problems[0]


def text_of_a_lock(home: LockPaths) -> str:
    save(home.lockfile_path, {"kitten": record(rendered()), "monster": record(submitting())})
    return home.lockfile_path.read_text(encoding="utf-8")


# ---- the lockfile ------------------------------------------------------------------------------------------------


def test_a_lock_that_was_saved_is_loaded_again(home: LockPaths):
    lock = {
        "kitten": record(rendered(serial=2), previous=(failed(),), picked=True),
        "straße": record(submitting(prompt="two\nlines")),
    }
    save(home.lockfile_path, lock)
    assert load(home.lockfile_path) == lock


def test_no_lockfile_means_nothing_on_record(home: LockPaths):
    assert load(home.lockfile_path) == {}


def test_the_lockfile_has_one_fact_a_line_and_ends_with_one(home: LockPaths):
    text = text_of_a_lock(home)
    assert text.startswith('{\n  "kfpipe_lock": 1,\n  "takes": {\n    "kitten": {\n      "state": "rendered",\n')
    assert text.endswith("    }\n  }\n}\n")
    assert all(line.count('": ') <= 1 for line in text.splitlines())


def test_an_empty_lock_can_be_saved(home: LockPaths):
    save(home.lockfile_path, {})
    assert load(home.lockfile_path) == {}


def test_saving_leaves_one_file_and_keeps_its_mode(home: LockPaths):
    text_of_a_lock(home)
    home.lockfile_path.chmod(0o640)
    save(home.lockfile_path, {})
    assert [path.name for path in home.lockfile_path.parent.iterdir()] == ["shots.lock.json"]
    assert stat.S_IMODE(home.lockfile_path.stat().st_mode) == 0o640


def test_a_lockfile_that_is_a_link_is_followed(home: LockPaths):
    elsewhere = home.lockfile_path.parent / "elsewhere"
    elsewhere.mkdir()
    home.lockfile_path.symlink_to(elsewhere / "real.json")
    save(home.lockfile_path, {"kitten": record(submitting())})
    assert home.lockfile_path.is_symlink()
    assert load(elsewhere / "real.json") == {"kitten": record(submitting())}


def test_a_full_disk_leaves_the_old_lockfile_and_no_temporary(home: LockPaths):
    text = text_of_a_lock(home)
    with room_for(1000), pytest.raises(StorageFailed) as failure:
        save(home.lockfile_path, {"kitten": record(rendered(prompt="long " * 1000))})
    assert failure.value.reason == "the file is larger than the system allows"
    assert home.lockfile_path.read_text(encoding="utf-8") == text
    assert len(list(home.lockfile_path.parent.iterdir())) == 1


def test_a_merge_conflict_is_shown_at_its_first_marker(home: LockPaths):
    text = text_of_a_lock(home).replace('      "serial"', '<<<<<<< HEAD\n      "serial"', 1)
    problem = problem_in(home, text)
    assert problem.position == Position(line=6, column=1)
    assert "merge conflict" in problem.what


def test_a_syntax_error_has_line_and_column(home: LockPaths):
    problem = problem_in(home, text_of_a_lock(home).replace('"serial": 1,', '"serial": 1', 1))
    assert problem.position == Position(line=7, column=7)
    assert problem.fix


def test_a_take_that_is_there_twice_is_shown_at_its_second_place(home: LockPaths):
    text = text_of_a_lock(home)
    problem = problem_in(home, text.replace('"monster"', '"kitten"'))
    assert problem.position == Position(line=text[: text.index('"monster"')].count("\n") + 1, column=5)
    assert problem.what == "the name 'kitten' appears twice"


def test_a_wrong_value_is_shown_where_it_stands_with_what_belongs_there(home: LockPaths):
    problem = problem_in(home, text_of_a_lock(home).replace('"seed": 7', '"seed": "seven"', 1))
    assert problem.position == Position(line=10, column=15)
    assert problem.where == "take 'kitten'"
    assert problem.what == "the field `seed` is the text 'seven'"
    assert problem.expected == "The seed as sent; null only when it is not drawn yet."


def test_all_that_is_wrong_is_reported_at_once(home: LockPaths):
    text = text_of_a_lock(home).replace('"seed"', '"sead"')
    home.lockfile_path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as refusal:
        load(home.lockfile_path)
    assert [(problem.where, problem.what) for problem in refusal.value.problems] == [
        (f"take '{take}'", what)
        for take in ("kitten", "monster")
        for what in ("`seed` is missing", "'sead' is not allowed here")
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"state": "rendered"', '"state": "submitting"'),
        ('"task_id": "task-1"', '"task_id": null'),
        ('"task_id": "task-1"', '"task_id": "../../etc/passwd"'),
        ('"path": "renders/kitten.mp4"', '"path": "../kitten.mp4"'),
        ('"path": "renders/kitten.mp4"', '"path": "/kitten.mp4"'),
        ('"path": "renders/kitten.mp4"', '"path": "C:kitten.mp4"'),
        ('"unit_price": "0.10"', '"unit_price": 0.10'),
        ('"unit_price": "0.10"', '"unit_price": "1e3"'),
        ('"unit_price": "0.10"', '"unit_price": "-1"'),
        ('"currency": "USD"', '"currency": "US\\ud83d"'),
        ('"serial": 1,', '"serial": 1.0,'),
        ('"serial": 1,', '"serial": 0,'),
        ('"serial": 1,', f'"serial": {"9" * 5000},'),
        ("2026-11-22T11:50:00.000Z", "2026-02-30T11:50:00.000Z"),
        ("2026-11-22T11:50:00.000Z", "2026-11-22T11:50:00.000Z\\n"),
        ("2026-11-22T11:50:00.000Z", "2026-11-22T11:50:00.000+00:00"),
        ('"kitten"', '"kit\\nten"'),
        ('"previous": []', '"previous": [{}]'),
        ('"kfpipe_lock": 1', '"kfpipe_lock": 0'),
        ('"kfpipe_lock": 1', '"kfpipe_lock": 1, "more": 1'),
    ],
)
def test_what_kfpipe_never_writes_is_refused(home: LockPaths, old: str, new: str):
    text = text_of_a_lock(home)
    assert old in text
    assert problem_in(home, text.replace(old, new, 1)).position is not None


def test_a_lockfile_of_a_newer_kfpipe_says_so(home: LockPaths):
    problem = problem_in(home, '{"kfpipe_lock": 2, "shots": []}')
    assert "newer kfpipe (lock format 2)" in problem.what
    assert problem.fix == "upgrade kfpipe"


def test_earlier_requests_out_of_order_are_refused(home: LockPaths):
    save(home.lockfile_path, {"kitten": record(rendered(serial=2), previous=(failed(serial=2),))})
    with pytest.raises(Refused, match="out of order"):
        load(home.lockfile_path)


@pytest.mark.parametrize("content", [b"", b" \n", b"null", b"[]", b'"takes"', b"[" * 100_000, b"\xff\xfe{}", b"\x00"])
def test_what_is_no_lockfile_is_refused_with_a_way_on(home: LockPaths, content: bytes):
    problem = problem_in(home, content)
    assert problem.file == str(home.lockfile_path)
    assert problem.fix


def test_a_folder_in_the_lockfiles_place_is_refused(home: LockPaths):
    home.lockfile_path.mkdir()
    with pytest.raises(Refused, match="not a file"):
        load(home.lockfile_path)


# ---- the ledger --------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_what_is_recorded_is_in_the_journal_before_record_returns(home: LockPaths):
    with opened(home) as ledger:
        await ledger.record("kitten", submitting())
        assert b'"kitten"' in home.journal_path.read_bytes()
        assert ledger.lock == {"kitten": record(submitting())} == read(home)
        assert load(home.lockfile_path) == {}


@pytest.mark.anyio
async def test_at_the_end_the_journal_is_folded_into_the_lockfile(home: LockPaths):
    with opened(home) as ledger:
        await ledger.record("kitten", submitting())
        await ledger.record("kitten", submitted())
    assert load(home.lockfile_path) == {"kitten": record(submitted())}
    assert sorted(path.name for path in home.state_dir.iterdir()) == [".gitignore", "shots.lock"]
    assert (home.state_dir / ".gitignore").read_text(encoding="utf-8") == "*\n"


@pytest.mark.anyio
async def test_after_a_fold_the_run_continues_in_a_new_journal(home: LockPaths):
    with opened(home) as ledger:
        await ledger.record("kitten", submitting())
        assert ledger.fold()
        assert not home.journal_path.exists()
        await ledger.record("kitten", submitted())
        assert read(home) == {"kitten": record(submitted())}


def test_a_run_that_changes_nothing_leaves_the_lockfile_byte_for_byte(home: LockPaths):
    long_ago = result(url_expires_at=NOW - timedelta(days=1))
    save(home.lockfile_path, {"kitten": record(rendered(of_result=long_ago))})
    by_hand = home.lockfile_path.read_bytes().replace(b"\n", b"\r\n")
    home.lockfile_path.write_bytes(by_hand)
    with opened(home) as ledger:
        assert not ledger.fold()
    assert home.lockfile_path.read_bytes() == by_hand


@pytest.mark.anyio
async def test_dead_links_lose_their_signatures_when_the_lockfile_is_written(home: LockPaths):
    dead = rendered(of_result=result(url_expires_at=NOW))
    save(home.lockfile_path, {"kitten": record(dead, picked=True), "twice": record(failed(serial=2), previous=(dead,))})
    with opened(home) as ledger:
        await ledger.record("monster", succeeded())
    lock = home.lockfile_path.read_text(encoding="utf-8")
    assert lock.count("Signature") == 1
    assert load(home.lockfile_path)["kitten"].picked


@pytest.mark.anyio
async def test_writers_that_wait_share_a_write_and_none_is_lost(home: LockPaths):
    with opened(home) as ledger:
        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(ledger.record, f"take-{number}", submitting())
        assert len(home.journal_path.read_bytes().splitlines()) < 20
        assert len(read(home)) == len(ledger.lock) == 200


@pytest.mark.anyio
async def test_a_cancelled_run_still_records_an_answer_that_was_paid_for(home: LockPaths):
    with opened(home) as ledger:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await ledger.record("kitten", submitted())
        assert read(home) == {"kitten": record(submitted())}


@pytest.mark.anyio
async def test_a_full_disk_stops_recording_and_keeps_what_was_recorded(home: LockPaths):
    with opened(home) as ledger:
        await ledger.record("kitten", submitting())
        sound = home.journal_path.read_bytes()
        with room_for(len(sound) + 100):
            for _ in range(2):
                with pytest.raises(StorageFailed) as failure:
                    await ledger.record("kitten", submitted())
                assert failure.value.reason == "the file is larger than the system allows"
        with pytest.raises(StorageFailed):
            await ledger.record("monster", submitting())
        assert home.journal_path.read_bytes() == sound
        assert ledger.lock == {"kitten": record(submitting())}
    assert load(home.lockfile_path) == {"kitten": record(submitting())}


@pytest.mark.anyio
async def test_writers_that_wait_when_the_disk_fills_up_all_hear_of_it(home: LockPaths):
    failures = []

    async def writer(ledger: Ledger, number: int) -> None:
        try:
            await ledger.record(f"take-{number}", submitting())
        except StorageFailed as failure:
            failures.append(failure)

    with opened(home) as ledger:
        with room_for(100):
            async with anyio.create_task_group() as tasks:
                for number in range(20):
                    tasks.start_soon(writer, ledger, number)
        assert len(failures) == 20
        assert ledger.lock == {}


def test_a_killed_run_is_recovered_by_the_next(home: LockPaths):
    child = stranger(home, "die")
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    assert read(home) == {"kitten": record(submitted())}
    assert load(home.lockfile_path) == {}
    with opened(home) as ledger:
        assert ledger.lock == {"kitten": record(submitted())} == load(home.lockfile_path)
        assert not home.journal_path.exists()


@pytest.mark.anyio
async def test_a_crash_between_lockfile_and_journal_changes_nothing(home: LockPaths):
    with opened(home) as ledger:
        for entry in (submitting(), submitted(), succeeded(), rendered(), submitting(serial=2), failed(serial=2)):
            await ledger.record("kitten", entry)
        journal = home.journal_path.read_bytes()
    before = home.lockfile_path.read_bytes()
    home.journal_path.write_bytes(journal)
    opened(home).close()
    assert home.lockfile_path.read_bytes() == before
    assert not home.journal_path.exists()


@pytest.mark.anyio
async def test_a_damaged_journal_stops_the_run_and_lets_go_of_the_project(home: LockPaths):
    home.state_dir.mkdir()
    home.journal_path.write_bytes(b"damage\nmore damage\n")
    for _ in range(2):
        with pytest.raises(Refused, match="checksum"):
            opened(home)
        assert sorted(path.name for path in home.state_dir.iterdir()) == [".gitignore", "shots.journal", "shots.lock"]


def test_what_a_killed_run_left_half_written_is_cleared_away(home: LockPaths):
    leftover = home.lockfile_path.parent / ".shots.lock.json.4711.tmp"
    leftover.write_text("{", encoding="utf-8")
    other = home.lockfile_path.parent / ".other.lock.json.4711.tmp"
    other.write_text("{", encoding="utf-8")
    opened(home).close()
    assert not leftover.exists()
    assert other.exists()


def test_a_second_run_is_told_who_holds_the_project(home: LockPaths):
    child = stranger(home, "wait")
    with pytest.raises(ProjectBusy) as busy:
        opened(home)
    (problem,) = busy.value.problems
    assert f"process {child.pid}, since '2026-11-22T12:00:00.000Z'" in problem.what
    assert read(home) == {"kitten": record(submitted())}
    child.communicate("")
    opened(home).close()


def test_one_process_opens_a_project_once(home: LockPaths):
    with opened(home), pytest.raises(ProjectBusy, match=str(os.getpid())):
        opened(home)
    opened(home).close()


def test_whatever_the_holder_left_about_itself_is_no_crash(home: LockPaths):
    with opened(home):
        (home.state_dir / "shots.holder.json").write_bytes(b"\xff\x00{")
        with pytest.raises(ProjectBusy):
            opened(home)


def test_reading_writes_nothing(home: LockPaths):
    assert read(home) == {}
    assert list(home.lockfile_path.parent.iterdir()) == []
