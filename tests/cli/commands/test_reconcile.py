"""`kfpipe reconcile`: takes whose answers were lost, the tasks that may be theirs, and a person's word on it."""

from __future__ import annotations

import json
from pathlib import Path

from kfpipe.emulator import Emulator
from tests.cli.conftest import Call
from tests.support.terminals import at_a_terminal, needs_a_terminal


def candidates(kfpipe: Call) -> list[str]:
    return [one["task_id"] for one in kfpipe("reconcile", "shots.yaml", "--json").json["takes"][0]["candidates"]]


def test_the_candidates_are_shown_with_all_that_tells_them_apart(twins: Path, kfpipe: Call) -> None:
    ended = kfpipe("reconcile", "shots.yaml")
    assert ended.code == 1
    first, second = candidates(kfpipe)
    lines = ended.out.splitlines()
    assert lines[0].startswith("cat@seed=1: submitted at 20")
    assert lines[0].endswith("Z, and the answer was lost")
    assert lines[1].startswith("  request cat@seed=1/")
    assert lines[2] == "  wan2.7-i2v, 720P, 2 s: 'A cat looks up.'"
    assert lines[3].split() == ["task", "created", "status", "seconds", "resolution", "prompt"]
    for line, number, task_id in zip(lines[4:6], "12", (first, second), strict=True):
        assert line.split()[:2] == [number, task_id]
        assert line.endswith("Z  SUCCEEDED        2  720P        A cat looks up.")
    assert lines[6].startswith("  clip 1: http://127.0.0.1:")
    assert lines[-3:] == [
        "2 takes to settle: cat@seed=1, cat@seed=2",
        "to name a task: kfpipe reconcile shots.yaml --adopt cat@seed=1=TASK_ID",
        "to give it up, at the risk of paying twice: kfpipe reconcile shots.yaml --lost cat@seed=1",
    ]


def test_both_tasks_are_named_and_nothing_is_paid_for_twice(twins: Path, kfpipe: Call, emulator: Emulator) -> None:
    first, second = candidates(kfpipe)
    asked = len(emulator.requests())
    ended = kfpipe("reconcile", "shots.yaml", "--adopt", f"cat@seed=1={first}", "--adopt", f"cat@seed=2={second}")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"cat@seed=1: task {first} adopted; the next run follows it",
        f"cat@seed=2: task {second} adopted; the next run follows it",
        "nothing left to settle",
        "next: kfpipe run shots.yaml",
    ]
    assert len(emulator.requests()) == asked, "what a person says needs no request"
    assert kfpipe("run", "shots.yaml").code == 0
    assert len(emulator.bill().charges) == 2


def test_what_is_given_up_is_rendered_again_and_stays_on_record(twins: Path, kfpipe: Call, emulator: Emulator) -> None:
    first, _ = candidates(kfpipe)
    ended = kfpipe("reconcile", "shots.yaml", "--adopt", f"cat@seed=1={first}")
    assert (ended.code, ended.out.splitlines()[1]) == (1, "1 take to settle: cat@seed=2")
    ended = kfpipe("reconcile", "shots.yaml", "--lost", "cat@seed=2")
    assert ended.code == 0
    assert ended.out.splitlines()[0] == (
        "cat@seed=2: given up; the next run renders it again, which may mean paying twice"
    )
    assert kfpipe("run", "shots.yaml").code == 0
    assert len(emulator.bill().charges) == 3
    assert "and 1 request that may be billed" in kfpipe("status", "shots.yaml").out


def test_a_program_gets_the_same_as_json(twins: Path, kfpipe: Call) -> None:
    data = kfpipe("reconcile", "shots.yaml", "--json").json
    case = data["takes"][1]
    assert (case["take"], case["state"], case["seconds"]) == ("cat@seed=2", "unclear", 2)
    assert {one["prompt"] for one in case["candidates"]} == {"A cat looks up."}
    assert (data["settled"], data["unsettled"], data["exit_code"]) == ([], ["cat@seed=1", "cat@seed=2"], 1)
    task_id = case["candidates"][0]["task_id"]
    data = kfpipe("reconcile", "shots.yaml", "--json", "--adopt", f"cat@seed=2={task_id}", "--lost", "cat@seed=1").json
    assert data == {
        "takes": [],
        "unrecorded": [],
        "taken_back": [],
        "settled": [{"take": "cat@seed=2", "task_id": task_id}, {"take": "cat@seed=1", "task_id": None}],
        "unsettled": [],
        "exit_code": 0,
    }


def test_typos_are_refused_together_and_nothing_is_settled(twins: Path, kfpipe: Call) -> None:
    before = (twins / "shots.lock.json").read_bytes()
    words = ["--adopt", "cat@seed=1=", "--adopt", "cat@seed=1=a", "--lost", "cat@seed=1", "--lost", "cat@seed=3"]
    ended = kfpipe("reconcile", "shots.yaml", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "--adopt: 'cat@seed=1=' is not a take and its task",
        "  expected: TAKE=TASK_ID",
        "--lost: no take 'cat@seed=3' is on record",
        "  fix: did you mean `cat@seed=2`?",
        "kfpipe reconcile: take cat@seed=1 is given twice",
        "  expected: one decision for each",
    ]
    assert (twins / "shots.lock.json").read_bytes() == before


def test_a_task_has_one_owner(twins: Path, kfpipe: Call) -> None:
    first, second = candidates(kfpipe)
    assert kfpipe("reconcile", "shots.yaml", "--adopt", f"cat@seed=1={first}").code == 1
    ended = kfpipe("reconcile", "shots.yaml", "--adopt", f"cat@seed=2={first}")
    assert (ended.code, ended.err) == (
        2,
        f"--adopt: cat@seed=2: task {first} already belongs to another take on record\n",
    )
    assert candidates(kfpipe) == [second]


def test_a_task_that_was_no_candidate_is_taken_with_a_warning(twins: Path, kfpipe: Call) -> None:
    ended = kfpipe("reconcile", "shots.yaml", "--adopt", "cat@seed=1=1d37e05a")
    assert ended.err == "warning: cat@seed=1: task 1d37e05a was not among its candidates\n"
    assert ended.code == 1


def test_where_several_requests_of_a_take_are_open_each_is_settled_by_its_key(twins: Path, kfpipe: Call) -> None:
    lockfile = twins / "shots.lock.json"
    lock = json.loads(lockfile.read_text("utf-8"))
    (first,) = [key for key in lock["requests"] if key.startswith("cat@seed=1/")]
    second = "cat@seed=1/ffffffffff"
    lock["requests"][second] = lock["requests"][first]
    lockfile.write_text(json.dumps(lock), "utf-8")
    refused = kfpipe("reconcile", "shots.yaml", "--lost", "cat@seed=1")
    assert (refused.code, refused.err.splitlines()) == (
        2,
        ["--lost: cat@seed=1: the answers to 2 of its requests were lost", f"  expected: one of {first} or {second}"],
    )
    data = kfpipe("reconcile", "shots.yaml", "--lost", "cat@seed=2", "--json").json
    assert (data["unsettled"], data["exit_code"]) == ([first, second], 1)
    assert kfpipe("reconcile", "shots.yaml", "--lost", second, "--json").json["unsettled"] == ["cat@seed=1"]


def test_a_take_that_is_settled_needs_no_word(folder: Path, kfpipe: Call, emulator: Emulator) -> None:
    assert kfpipe("run", "shots.yaml").code == 0
    asked = len(emulator.requests())
    ended = kfpipe("reconcile", "shots.yaml")
    assert (ended.code, ended.out) == (0, "nothing left to settle\n")
    assert {request["phase"] for request in emulator.requests()[asked:]} == {"list"}
    ended = kfpipe("reconcile", "shots.yaml", "--lost", "kitten")
    assert (ended.code, ended.err) == (2, "--lost: kitten: there is nothing to settle, it is rendered\n")


@needs_a_terminal
def test_a_person_at_a_terminal_is_asked_take_by_take(twins: Path, kfpipe: Call) -> None:
    first, second = candidates(kfpipe)
    shown = at_a_terminal("reconcile", "shots.yaml", typed="9\n2\nl\n")
    screen, out = shown.screen, shown.out
    assert shown.code == 0
    assert screen.count("cat@seed=1: which task is it? [1 to 2, l = give up as lost, Enter = decide later]") == 2
    assert "cat@seed=2: which task is it? [1, l = give up as lost, Enter = decide later]" in screen
    assert f"cat@seed=1: task {second} adopted; the next run follows it" in out
    assert "cat@seed=2: given up; the next run renders it again, which may mean paying twice" in out
    assert f"  no longer a candidate: task {second}" in out
    assert first in out
