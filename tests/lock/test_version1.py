"""Lockfiles and journals of version 1, as kfpipe wrote them, read as requests."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from kfpipe.domain import SEED_MAX, RenderRequest
from kfpipe.errors import Refused
from kfpipe.lock import check, journal, lockfile
from kfpipe.lock import text as locktext
from kfpipe.lock.join import join
from kfpipe.lock.ledger import Ledger
from kfpipe.lock.merge import merge
from kfpipe.lock.paths import LockPaths
from kfpipe.lock.states import (
    EMPTY,
    Canceled,
    Entry,
    Failed,
    Lock,
    Lost,
    Rendered,
    Submitted,
    Unclear,
    name_of,
    state_name,
)
from kfpipe.lock.tidy import LockPlace
from kfpipe.takes import fingerprint, seeds
from tests.support.makers import NOW, parameters, request

NAME: Final = "shots.lock.json"

RENDER: Final = {
    "path": "renders/kitten.mp4",
    "sha256": "e0b489426e39a3e1d2f4f4ffc01c2ab1f5600a7ef91661095edfca9508e4570b",
    "bytes": 3140241,
    "width": 1280,
    "height": 720,
    "fps": "30",
    "duration": "5",
    "audio": True,
}

KITTEN: Final[dict[str, Any]] = {
    "state": "rendered",
    "serial": 1,
    "fingerprint": "94e3246ed08d66d6860485dae302b16d1313bd69c729a9cb74f539f0267b12b6",
    "model": "wan2.7-i2v",
    "region": "singapore",
    "seed": 42,
    "parameters": {"resolution": "720P", "duration": 5, "prompt_extend": False, "watermark": False},
    "prompt": "A black kitten looks up at the evening sky.",
    "negative_prompt": "",
    "media": {
        "first_frame": "sha256:0b80416ad34461419714395fc2302f318691a01f024f4f822250298362559a26",
        "last_frame": "sha256:3e244d326cecc96fe70f81b5f90103bc30a08aec62cbcb2e5d31ff9209cfe892",
    },
    "asked_at": "2026-11-22T09:41:36.288Z",
    "candidates": None,
    "task_id": "5c906830-d6e8-4b5b-a19c-c0568b1e4ba8",
    "request_id": "7c815a7b-69ce-4f87-8c07-6ff74b59e504",
    "submitted_at": "2026-11-22T09:41:36.335Z",
    "finished_at": "2026-11-22T09:43:38.060Z",
    "video_url": "https://dashscope-result.example.com/5c/90/20261122/5c906830/01985448.mp4",
    "url_expires_at": "2026-11-23T09:43:36.000Z",
    "actual_prompt": None,
    "billed_seconds": "5",
    "unit_price": "0.10",
    "cost": "0.50",
    "currency": "USD",
    "render": RENDER,
    "failure": None,
    "picked": False,
    "previous": [],
}
"""From the page about the lockfile of the last release that wrote version 1."""

_RESULT: Final = ("video_url", "url_expires_at", "actual_prompt", "billed_seconds", "cost", "render")


def took(minute: int, state: str = "rendered", code: str = "", **changes: Any) -> dict[str, Any]:
    """A record as version 1 had it, of a request of its own that was made at this minute."""
    made = {**KITTEN, "state": state, "asked_at": f"2026-11-22T09:{minute:02}:00.000Z", "task_id": f"task-{minute}"}
    if state in ("failed", "submitted", "submitting", "unclear"):
        made |= dict.fromkeys(_RESULT)
    if state in ("submitted", "submitting", "unclear"):
        made["finished_at"] = None
    if state in ("submitting", "unclear"):
        made |= {"task_id": None, "request_id": None, "submitted_at": None}
    if state == "unclear":
        made["candidates"] = ["task-8", "task-9"]
    if state == "failed":
        made["failure"] = {"code": code or "InternalError", "message": "it broke", "request_id": None, "billed": False}
    return made | changes


def earlier(of: Mapping[str, Any]) -> dict[str, Any]:
    """The record as one of those that came before another."""
    return {name: value for name, value in of.items() if name not in ("picked", "previous")}


def content(**takes: Mapping[str, Any]) -> bytes:
    text = json.dumps({"kfpipe_lock": 1, "takes": takes}, indent=2, ensure_ascii=False)
    return f"{text}\n".encode()


def read(of: bytes) -> Lock:
    return locktext.parsed(of, NAME)


def entries(of: bytes) -> list[Entry]:
    return sorted(read(of).requests.values(), key=lambda entry: entry.asked.asked_at)


def journal_of(*lines: Sequence[tuple[str, Mapping[str, Any]]]) -> bytes:
    head = {"kfpipe_journal": 1, "lockfile": NAME, "host": "desk", "pid": 1, "started_at": "2026-11-22T09:00:00.000Z"}
    data: list[Any] = [head, *([{"take": take, "entry": earlier(entry)} for take, entry in line] for line in lines)]
    texts = [json.dumps(one).encode() for one in data]
    return b"".join(b"%08x %s\n" % (zlib.crc32(text), text) for text in texts)


def notes(of: bytes) -> Mapping[str, Entry]:
    return journal.parsed(of, "shots.journal", lockfile=NAME).requests


def test_a_clip_is_the_clip_it_was() -> None:
    ((key, entry),) = read(content(kitten=KITTEN)).requests.items()
    assert name_of(key) == "kitten"
    assert isinstance(entry, Rendered)
    assert (entry.render.path, entry.render.moved, entry.render.codec) == ("renders/kitten.mp4", 0, None)
    assert (entry.task.task_id, str(entry.result.cost)) == (KITTEN["task_id"], "0.50")
    assert (entry.asked.account, entry.asked.parameters.seed) == (None, 42)


def test_what_is_migrated_is_sound_and_says_the_same_again() -> None:
    lock = read(content(kitten={**took(5), "previous": [earlier(took(3, "failed"))], "picked": True}))
    again = read(b"".join(locktext.pieces(lock)))
    assert again == lock
    assert check.problems(b"".join(locktext.pieces(lock)), NAME) == ()


def test_earlier_requests_are_requests_of_their_own() -> None:
    record = {**took(5, serial=3), "previous": [earlier(took(1, serial=1)), earlier(took(3, "failed", serial=2))]}
    assert [state_name(entry) for entry in entries(content(kitten=record))] == ["rendered", "failed", "rendered"]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("kfpipe.Canceled", Canceled),
        ("kfpipe.Abandoned", Lost),
        ("kfpipe.TaskUnknown", Lost),
        ("kfpipe.NeverCreated", Failed),
        ("InternalError", Failed),
    ],
)
def test_a_failure_by_kfpipes_own_word_is_the_state_that_it_meant(code: str, state: type[Entry]) -> None:
    (entry,) = entries(content(kitten=took(1, "failed", code)))
    assert type(entry) is state


def test_a_request_that_was_given_up_stays_so() -> None:
    gone = took(1, "failed", "kfpipe.Abandoned", task_id=None, request_id=None, submitted_at=None)
    (entry,) = entries(content(kitten=gone))
    assert isinstance(entry, Lost)
    assert entry.task is None


@pytest.mark.parametrize("state", ["submitting", "submitted", "unclear"])
def test_what_was_open_is_open(state: str) -> None:
    (entry,) = entries(content(kitten=took(1, state)))
    assert state_name(entry) == state
    assert entry.doubts.candidates == ({"task-8", "task-9"} if state == "unclear" else set())


def test_a_pick_is_that_of_its_shot() -> None:
    lock = read(content(**{"kitten@seed=1": took(1), "kitten@seed=2": took(2, picked=True), "walk": took(3)}))
    assert lock.picked == {"kitten": "kitten@seed=2"}


def test_a_restored_clip_is_no_second_request() -> None:
    clip = took(1)
    before = content(kitten={**took(5, "submitting", serial=2), "previous": [earlier(clip)]})
    after = content(kitten={**clip, "serial": 3, "render": {**RENDER, "path": "renders/kitten.mp4"}})
    both = join(read(before).requests, read(after).requests)
    assert sorted(state_name(entry) for entry in both.values()) == ["rendered", "submitting"]


def test_two_branches_that_migrate_the_same_agree_also_where_a_merge_had_counted_anew() -> None:
    mine = content(kitten={**took(5, serial=2), "previous": [earlier(took(1))]})
    theirs = content(kitten={**took(5, serial=4), "previous": [earlier(took(1, serial=3))]})
    assert b"".join(locktext.pieces(read(mine))) == b"".join(locktext.pieces(read(theirs)))
    assert merge(read(mine), read(mine), read(theirs)).lock == read(mine)


def test_a_branch_that_has_migrated_and_gone_on_meets_one_that_has_not() -> None:
    old = content(kitten=took(1, "submitted"))
    ours, theirs = read(content(kitten=took(1))), read(old)
    merged = merge(read(old), read(b"".join(locktext.pieces(ours))), theirs)
    assert merged.lock == ours
    assert merged.clashes == ()


def test_a_task_of_two_takes_has_one_owner_after() -> None:
    lock = read(content(kitten=took(1), walk=took(2, task_id="task-1")))
    assert {name_of(key): type(entry) for key, entry in lock.requests.items()} == {"kitten": Rendered, "walk": Unclear}
    assert read(b"".join(locktext.pieces(lock))) == lock


# ---- journals ----------------------------------------------------------------------------------------------------


def test_a_journal_of_a_killed_run_is_read() -> None:
    story = [took(1, "submitting"), took(1, "submitted"), took(1)]
    lines = [[("kitten", entry)] for entry in story]
    (entry,) = notes(journal_of(*lines)).values()
    assert isinstance(entry, Rendered)
    (half,) = notes(journal_of(*lines)[:-5]).values()
    assert isinstance(half, Submitted)


def test_a_journal_and_its_lockfile_tell_of_the_same_requests() -> None:
    lock = read(content(kitten=took(1, "submitted"), walk=took(2)))
    found = notes(journal_of([("kitten", took(1)), ("walk", took(2))]))
    assert join(lock.requests, found).keys() == lock.requests.keys() == found.keys()


def test_the_next_run_takes_an_old_lockfile_and_an_old_journal_over(tmp_path: Path) -> None:
    paths = LockPaths.beside(tmp_path / NAME)
    paths.state_dir.mkdir()
    paths.lockfile_path.write_bytes(content(kitten=took(1, "submitted", picked=True), walk=took(2)))
    paths.journal_path.write_bytes(journal_of([("kitten", took(1))], [("monster", took(3, "submitting"))]))
    expected = lockfile.read(paths)
    assert [state_name(entry) for entry in expected.requests.values()].count("rendered") == 2
    Ledger.open(paths, now=lambda: datetime(2026, 11, 22, 10, tzinfo=UTC)).close()
    assert lockfile.load(paths.lockfile_path) == expected
    assert b'"kfpipe_lock": 2' in paths.lockfile_path.read_bytes()
    assert b'"kfpipe_journal":2' in paths.journal_path.read_bytes()
    assert lockfile.read(paths) == expected


def test_an_old_lockfile_is_left_alone_until_there_is_something_to_say(tmp_path: Path) -> None:
    paths = LockPaths.beside(tmp_path / NAME)
    old = content(kitten=took(1, picked=True))
    paths.lockfile_path.write_bytes(old)
    Ledger.open(paths, now=lambda: NOW).close()
    assert paths.lockfile_path.read_bytes() == old
    (problem,) = LockPlace.of(paths.lockfile_path).problems()
    assert problem.fix is not None
    assert problem.fix.startswith("kfpipe lock migrate")
    assert LockPlace.of(paths.lockfile_path).rewrite()
    assert lockfile.load(paths.lockfile_path) == read(old) != EMPTY
    assert LockPlace.of(paths.lockfile_path).problems() == ()


# ---- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"previous": None},
        {"previous": [3]},
        {"previous": [{}]},
        {"candidates": 3},
        {"failure": []},
        {"render": 3},
        {"render": {**RENDER, "path": "../kitten.mp4"}},
        {"asked_at": None},
        {"asked_at": "2026-02-30T09:00:00.000Z"},
        {"fingerprint": 3},
        {"state": "done"},
        {"task_id": "a/b"},
        {"more": 1},
    ],
    ids=str,
)
def test_what_version_1_never_wrote_is_refused_at_its_place(change: dict[str, Any]) -> None:
    damaged = content(walk=took(2), kitten={**took(1), **change})
    with pytest.raises(Refused) as refused:
        read(damaged)
    problem = refused.value.problems[0]
    assert problem.where == "take 'kitten'"
    assert problem.position is not None
    assert problem.position.line > 40
    assert problem.fix


@pytest.mark.parametrize("damage", [b"null", b"[]", b"3", b'"x"'])
def test_a_take_that_is_no_record_is_refused(damage: bytes) -> None:
    with pytest.raises(Refused):
        read(b'{"kfpipe_lock": 1, "takes": {"kitten": ' + damage + b"}}")


@pytest.mark.parametrize("line", [[3], {"take": "kitten"}, [{"take": "kitten"}], [{"take": "", "entry": {}}], 3])
def test_a_line_of_an_old_journal_that_is_none_is_refused(line: object) -> None:
    text = json.dumps(line).encode()
    with pytest.raises(Refused) as refused:
        notes(journal_of() + b"%08x %s\n" % (zlib.crc32(text), text))
    (problem,) = refused.value.problems
    assert problem.position is not None
    assert problem.position.line == 2


@pytest.mark.parametrize("take_id", ["kit\nten", "../kitten", "/kitten", ""])
def test_a_take_id_that_is_none_is_refused(take_id: str) -> None:
    with pytest.raises(Refused):
        notes(journal_of([(take_id, took(1))]))
    with pytest.raises(Refused):
        read(content(**{take_id: took(1)}))


# ---- what was asked for ----------------------------------------------------------------------------------------------


def named_seed(take_id: str) -> int:
    """The seed that version 1 derived from a take's name."""
    return int.from_bytes(hashlib.sha256(take_id.encode()).digest(), "big") % (SEED_MAX + 1)


def record_of(asked: RenderRequest, seed: int | None) -> dict[str, Any]:
    """A request with this seed (None: a random one) as version 1 had it on record, with its fingerprint."""
    form = {**json.loads(fingerprint.canonical(asked)), "version": 1}
    form["parameters"]["seed"] = seed
    digest = hashlib.sha256(json.dumps(form, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    given = {name: value for name, value in form["parameters"].items() if name != "seed"}
    return {
        **took(1),
        "fingerprint": digest,
        "model": asked.model,
        "seed": 7 if seed is None else seed,
        "parameters": given,
        "prompt": asked.prompt,
        "negative_prompt": asked.negative_prompt,
        "media": form["media"],
    }


def with_seed(seed: int | None) -> RenderRequest:
    return request(parameters=parameters(seed=seed))


DERIVED: Final = {"kitten": {}, "kitten@resolution=720P,sky=red": {"sky": "red"}}


@pytest.mark.parametrize("seed", [42, None])
def test_the_same_request_is_asked_for_today(seed: int | None) -> None:
    (entry,) = read(content(kitten=record_of(with_seed(seed), seed))).requests.values()
    assert entry.asked.fingerprint == fingerprint.of(with_seed(seed))


@pytest.mark.parametrize(("take_id", "variables"), DERIVED.items())
def test_a_seed_of_the_takes_name_stands_for_the_one_of_its_request(take_id: str, variables: dict[str, str]) -> None:
    named = named_seed(take_id)
    (entry,) = read(content(**{take_id: record_of(with_seed(named), named)})).requests.values()
    today = seeds.derived(with_seed(None), variables, ())
    assert entry.asked.fingerprint == fingerprint.of(with_seed(today))
    assert entry.asked.parameters.seed == named


def test_a_fingerprint_that_is_not_understood_stays() -> None:
    (entry,) = read(content(kitten=took(1, fingerprint="f" * 64))).requests.values()
    assert entry.asked.fingerprint == "f" * 64
