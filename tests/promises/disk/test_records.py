"""Lockfiles and journals that people, git or another machine have touched."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kfpipe import api
from kfpipe.lock import journal, lockfile
from kfpipe.lock.states import Lock, task_ids
from tests.promises.crash import stage
from tests.promises.disk.conftest import CLIPS, Project

SHOTS = Path("shots.yaml")

STRIDE = 1 if os.environ.get("KFPIPE_ALL_KILL_POINTS") else 41
"""Bytes from tear to tear; every line's end is among them in any case."""


def leave_a_journal(project: Project, fatal: str) -> Path:
    """A run of the project that was killed; its journal."""
    report = project.folder.parent / "report.json"
    process = stage.fork(project.folder, project.emulator.base_url, backend="asyncio", fatal=fatal, report=report)
    process.join()
    assert process.exitcode == -9
    return project.journal


def key_of(data: dict[str, Any], take_id: str) -> str:
    """That of the take's only request in a lockfile's data."""
    (key,) = (key for key in data["requests"] if key.startswith(f"{take_id}/"))
    return key


def without_street(project: Project) -> None:
    """Git brings back the lockfile of a time before one of the requests."""
    data = json.loads(project.lockfile.read_text("utf-8"))
    del data["requests"][key_of(data, "street")]
    project.lockfile.write_text(json.dumps(data, indent=2), "utf-8")


def of_another_host(content: bytes, lockfile_name: str = "shots.lock.json") -> bytes:
    head, rest = content.split(b"\n", 1)
    assert head[:8] == b"%08x" % zlib.crc32(head[9:])
    return journal.header(lockfile=lockfile_name, host="elsewhere", pid=1, started_at=datetime.now(UTC)) + rest


def test_a_journal_torn_at_any_byte_is_read_up_to_the_tear(project: Project) -> None:
    path = leave_a_journal(project, "before move of draft of shots.lock.json #1")
    content = path.read_bytes()
    assert not project.lockfile.exists()
    loaded = api.load(SHOTS)
    before = Lock()
    ends = [0, *(place + 1 for place, byte in enumerate(content) if byte == ord("\n"))]
    lengths = {*range(0, len(content), STRIDE), *(end + offset for end in ends for offset in (-1, 0, 1)), len(content)}
    for length in sorted(lengths & set(range(len(content) + 1))):
        path.write_bytes(content[:length])
        lock = lockfile.read(loaded.paths)
        assert task_ids(before) <= task_ids(lock), "what was on record stays on record"
        assert lock == before or content[:length].endswith(b"\n")
        before = lock
    assert len(before.requests) == 4


@pytest.mark.parametrize("torn_bytes", [1, 40, 700])
def test_a_run_continues_from_a_torn_journal(project: Project, torn_bytes: int) -> None:
    path = leave_a_journal(project, "before sync of journal #6")
    path.write_bytes(path.read_bytes()[:-torn_bytes])
    project.check_that_the_next_run_finishes()


def test_a_folder_copied_to_another_machine_in_the_middle_of_a_run_continues_there(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = leave_a_journal(project, "journal written #7")
    path.write_bytes(of_another_host(path.read_bytes()))
    elsewhere = tmp_path / "elsewhere"
    shutil.move(project.folder, elsewhere)
    monkeypatch.chdir(elsewhere)
    moved = Project(elsewhere, project.emulator, project.call)
    moved.check_that_the_next_run_finishes()


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda text: text.replace('"currency": "USD"', '"currency": 7', 1), "the field `currency` is the number 7"),
        (lambda text: text.replace('"state": "rendered"', '"state": "done"', 1), "the field `state`"),
        (lambda text: text[: len(text) // 2], "shots.lock.json:"),
        (lambda _: "", "the lockfile is empty"),
        (lambda text: f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n", "git left a merge conflict here"),
        (lambda text: text.replace('"kfpipe_lock": 2', '"kfpipe_lock": 3'), "newer kfpipe"),
    ],
    ids=["field", "state", "cut", "empty", "conflict", "newer"],
)
def test_a_damaged_lockfile_stops_everything_until_it_is_restored(project: Project, damage, what: str) -> None:
    project.check_that_the_next_run_finishes()
    sound = project.lockfile.read_text("utf-8")
    project.lockfile.write_text(damage(sound), "utf-8")
    requests = len(project.emulator.requests())
    for command in ("run", "plan", "status"):
        ended = project.call(command, "shots.yaml")
        assert ended.code == 2
        assert what in ended.err
        assert "\n  fix: " in ended.err
    assert len(project.emulator.requests()) == requests
    project.lockfile.write_text(sound, "utf-8")
    project.check_that_the_next_run_finishes()


def test_a_damaged_journal_stops_everything_before_money_is_spent(project: Project) -> None:
    path = leave_a_journal(project, "journal written #7")
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"720P"', b'"480P"', 1))
    requests = len(project.emulator.requests())
    ended = project.run()
    assert ended.code == 2
    assert "the line does not match its checksum" in ended.err
    assert "\n  fix: " in ended.err
    assert len(project.emulator.requests()) == requests
    path.write_bytes(content)
    project.check_that_the_next_run_finishes()


def test_a_fact_changed_by_hand_is_noticed_where_it_matters(project: Project) -> None:
    """Whoever says in the lockfile that a clip is another one gets the clip of the service back beside his own."""
    project.check_that_the_next_run_finishes()
    project.journal.unlink()  # long ago
    data = json.loads(project.lockfile.read_text("utf-8"))
    data["requests"][key_of(data, "street")]["render"]["sha256"] = "0" * 64
    project.lockfile.write_text(json.dumps(data, indent=2), "utf-8")
    before = (project.renders / "street.mp4").read_bytes()
    project.check_that_the_next_run_finishes()
    assert (project.renders / "street.mp4").read_bytes() == before


def test_a_fact_changed_by_hand_right_after_the_run_is_told(project: Project) -> None:
    project.check_that_the_next_run_finishes()
    data = json.loads(project.lockfile.read_text("utf-8"))
    data["requests"][key_of(data, "street")]["render"]["sha256"] = "0" * 64
    project.lockfile.write_text(json.dumps(data, indent=2), "utf-8")
    project.run()
    ended = project.call("lock", "check", "shots.lock.json")
    assert (ended.code, project.billed()) == (2, len(CLIPS))
    assert "there are two different clips of its task" in ended.err


def test_what_was_rehearsed_with_the_emulator_is_rendered_by_the_service(project: Project) -> None:
    paid = SHOTS.read_text("utf-8")
    SHOTS.write_text(paid.replace("{name: dashscope, region: singapore}", "{name: emulator}"), "utf-8")
    project.check_that_the_next_run_finishes()
    SHOTS.write_text(paid, "utf-8")
    assert project.call("plan", "shots.yaml").out.count("so far rendered only with the emulator") == 4
    assert (project.run().code, project.billed()) == (0, 8)
    project.check_that_clips_are_those_on_record()
    assert "4 takes: 4 rendered" in project.call("plan", "shots.yaml").out


def test_an_older_commits_lockfile_forgets_nothing_that_the_journal_still_has(project: Project) -> None:
    project.check_that_the_next_run_finishes()
    newest = project.lockfile.read_text("utf-8")
    without_street(project)
    project.check_that_the_next_run_finishes()
    assert project.lockfile.read_text("utf-8") == newest


def test_an_older_commits_lockfile_costs_no_clip_that_lies_on_disk(project: Project) -> None:
    project.check_that_the_next_run_finishes()
    newest = project.lockfile.read_text("utf-8")
    without_street(project)
    project.journal.unlink()  # on another machine, or days later
    ended = project.run()
    assert (ended.code, project.billed()) == (1, 4)
    assert "street: renders/street.mp4 is here, but not on record" in ended.out
    assert "--retry" not in ended.out, "the clip is here: nobody is told to pay for it again"
    project.lockfile.write_text(newest, "utf-8")
    project.check_that_the_next_run_finishes()

    without_street(project)
    project.journal.unlink()
    ours = {path.read_bytes() for path in project.renders.glob("*.mp4")}
    assert project.run("--retry", "street").code == 0
    assert ours <= {path.read_bytes() for path in project.renders.rglob("*.mp4")}
