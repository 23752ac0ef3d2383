"""`kfpipe lock`: tidy, checked, and merged by git itself in two clones."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from kfpipe.emulator import Emulator
from kfpipe.lock import text as locktext
from kfpipe.lock.join import joined
from kfpipe.lock.lockfile import load, save
from kfpipe.lock.states import Entry, Lock, Rendered, name_of, spent
from tests.cli.conftest import HEAD, Call, clone_at
from tests.support.makers import NOW, asked, key, render, rendered, result, task

LOCK = "shots.lock.json"
PATH = "renders/a.mp4"
CAT = "shots:\n  - {id: cat, prompt: A cat looks up., matrix: {seed: [1, 2]}}\n"


def clip(name: str, minute: int = 1) -> Rendered:
    """A paid clip of a take."""
    return replace(
        rendered(of_result=result(finished_at=NOW + timedelta(minutes=minute))),
        asked=asked(asked_at=NOW + timedelta(minutes=minute)),
        task=replace(task(), task_id=f"task-{name}-{minute}"),
        render=render(f"renders/{name}.mp4", sha256=sha256(name.encode()).hexdigest()),
    )


def records(*names: str) -> Lock:
    return Lock(requests={key(name): clip(name) for name in names})


def spent_by(lock: Lock) -> dict[str, Decimal]:
    return spent(lock.requests.values())


@pytest.fixture
def lockfile(folder: Path) -> Path:
    save(folder / LOCK, records("kitten", "monster"))
    return folder / LOCK


# ---- fmt ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [LOCK, "shots.yaml"])
def test_a_tidy_lockfile_is_not_touched(lockfile: Path, kfpipe: Call, name: str) -> None:
    before = lockfile.stat()
    ended = kfpipe("lock", "fmt", name)
    assert (ended.code, ended.out) == (0, "shots.lock.json: unchanged\n")
    assert (lockfile.stat().st_ino, lockfile.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_untidy_lockfile_is_rewritten_and_says_the_same(lockfile: Path, kfpipe: Call) -> None:
    tidy = lockfile.read_bytes()
    lockfile.write_bytes(tidy.replace(b"\n", b"\r\n"))
    assert kfpipe("lock", "check", LOCK).err == (
        "shots.lock.json: warning: the records are sound, but not formatted as kfpipe formats them\n"
        "  fix: kfpipe lock fmt shots.lock.json\n"
    )
    assert kfpipe("lock", "fmt", LOCK, "--json").json == {"file": LOCK, "changed": True, "exit_code": 0}
    assert lockfile.read_bytes() == tidy


def test_a_lockfile_that_is_not_there_is_refused(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("lock", "fmt", "shots.yaml")
    assert ended.code == 2
    assert ended.err.startswith("shots.yaml: it has no lockfile yet: there is no shots.lock.json\n")


# ---- check -------------------------------------------------------------------------------------------------------


def test_a_sound_lockfile_is_well(lockfile: Path, kfpipe: Call) -> None:
    ended = kfpipe("lock", "check", LOCK)
    assert (ended.code, ended.out, ended.err) == (0, "shots.lock.json: 2 requests, no problems\n", "")


def test_a_lockfile_that_is_wrong_throughout_is_told_by_its_first_mistakes(
    lockfile: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    lockfile.write_text(lockfile.read_text("utf-8").replace('"cost": "0.50"', '"cost": "0.05"'), "utf-8")
    assert kfpipe("lock", "check", LOCK).err.count("the cost 0.05") == 2
    monkeypatch.setattr(locktext, "MOST_EXPLAINED", 1)
    assert kfpipe("lock", "check", LOCK).err.count("the cost 0.05") == 1


def test_a_cost_that_was_changed_by_hand_is_found_with_its_line(lockfile: Path, kfpipe: Call) -> None:
    lockfile.write_text(lockfile.read_text("utf-8").replace('"cost": "0.50"', '"cost": "0.05"', 1), "utf-8")
    ended = kfpipe("lock", "check", LOCK)
    line = next(number for number, text in enumerate(lockfile.read_text("utf-8").splitlines(), 1) if "0.05" in text)
    assert ended.code == 2
    assert ended.err.splitlines()[:2] == [
        f"shots.lock.json:{line}:15: request 'kitten/0000000001': the cost 0.05 does not match its seconds and price",
        "  expected: 5 s x 0.10 = 0.50",
    ]
    assert kfpipe("lock", "check", LOCK, "--json").json["problems"][0]["line"] == line


@pytest.mark.parametrize(
    ("requests", "what"),
    [
        (
            {key("a"): joined(clip("a"), clip("b"))},
            "it has two tasks on record: task-b-1 and task-a-1, which may both be billed",
        ),
        (
            {key("a"): joined(clip("a"), replace(clip("a"), render=clip("b").render))},
            "there are two different clips of its task task-a-1 on record",
        ),
    ],
)
def test_what_cannot_be_true_is_found(folder: Path, kfpipe: Call, requests: dict[str, Entry], what: str) -> None:
    save(folder / LOCK, Lock(requests=requests))
    problems = kfpipe("lock", "check", LOCK, "--json").json["problems"]
    assert [problem["what"] for problem in problems] == [what]
    assert problems[0]["line"] > 1 and problems[0]["fix"]


def test_a_broken_lockfile_is_refused(lockfile: Path, kfpipe: Call) -> None:
    lockfile.write_text("{}", "utf-8")
    assert kfpipe("lock", "check", LOCK).code == kfpipe("lock", "migrate", LOCK).code == 2


# ---- migrate -----------------------------------------------------------------------------------------------------


def test_this_format_is_current_and_a_newer_one_is_refused(lockfile: Path, kfpipe: Call) -> None:
    assert kfpipe("lock", "migrate", LOCK).out == "shots.lock.json: format 2, which is current\n"
    lockfile.write_text(lockfile.read_text("utf-8").replace('"kfpipe_lock": 2', '"kfpipe_lock": 3'), "utf-8")
    ended = kfpipe("lock", "migrate", LOCK)
    assert (ended.code, ended.err) == (
        2,
        "shots.lock.json: it was written by a newer kfpipe (lock format 3)\n  fix: upgrade kfpipe\n",
    )


# ---- merge -------------------------------------------------------------------------------------------------------


@pytest.fixture
def clones(tmp_path: Path, kfpipe: Call, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two clones of a repository with a lockfile, each of which has kfpipe as its merge driver."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "no-config"))
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    git = clone_at(first)
    git("init", "-q", "-b", "main")
    monkeypatch.chdir(first)
    ended = kfpipe("lock", "merge", "--install")
    assert ended.code == 0
    assert ended.out.endswith("next: git add .gitattributes, then commit it; run --install once in each clone\n")
    save(first / LOCK, records("kitten"))
    git("add", ".")
    git("commit", "-q", "-m", "Begin")
    git("clone", "-q", str(first), str(second))
    monkeypatch.chdir(second)
    assert kfpipe("lock", "merge", "--install", "--json").json["changed"] is False
    return first, second


def rendered_in(folder: Path, lock: Lock) -> None:
    save(folder / LOCK, lock)
    clone_at(folder)("commit", "-q", "-a", "-m", "Render")


def test_branches_that_rendered_different_takes_merge_without_a_conflict(clones: tuple[Path, Path]) -> None:
    first, second = clones
    rendered_in(first, records("kitten", "monster"))
    rendered_in(second, records("kitten", "roof"))
    clone_at(second)("pull", "-q", "--no-rebase", "--no-edit")
    assert load(second / LOCK) == records("kitten", "monster", "roof")


def test_a_take_rendered_in_both_clones_keeps_both_bills(clones: tuple[Path, Path], kfpipe: Call) -> None:
    first, second = clones
    begun = records("kitten").requests
    rendered_in(first, Lock(requests={**begun, key("kitten", 5): clip("kitten", 5)}))
    rendered_in(second, Lock(requests={**begun, key("kitten", 3): clip("kitten", 3)}))
    clone_at(second)("pull", "-q", "--no-rebase", "--no-edit")
    merged = load(second / LOCK)
    assert merged.requests == {key("kitten", minute): clip("kitten", minute) for minute in (1, 3, 5)}
    assert spent_by(merged) == {"USD": Decimal("1.50")}
    assert kfpipe("lock", "check", LOCK).code == 0


HARBOUR, STREET = ("  - {id: harbour, prompt: A boat casts off.}\n", "  - {id: street, prompt: Lamps are lit.}\n")


@pytest.fixture
def rendered_clones(
    folder: Path, emulator: Emulator, clones: tuple[Path, Path], kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """Both have paid for `kitten` and `monster`, and each for a shot of its own; then both have merged the other."""
    first, second = clones
    (first / LOCK).unlink()
    (first / ".gitignore").write_text("renders/\n.kfpipe/\n", "utf-8")
    for name in ("shots.yaml", "a.png", "b.png"):
        shutil.copy(folder / name, first)
    clone_at(first)("add", ".")
    clone_at(first)("commit", "-q", "-m", "Write a shot list")
    clone_at(second)("pull", "-q")
    for clone, before, after in ((first, "shots:\n", HARBOUR), (second, "vars: {mood: calm}}\n", STREET)):
        manifest = clone / "shots.yaml"
        manifest.write_text(manifest.read_text("utf-8").replace(before, before + after), "utf-8")
        monkeypatch.chdir(clone)
        assert kfpipe("run", "shots.yaml").code == 0
        clone_at(clone)("add", ".")
        clone_at(clone)("commit", "-q", "-m", "Render")
    clone_at(second)("pull", "-q", "--no-rebase", "--no-edit")
    clone_at(first)("pull", "-q", str(second), "main")
    return first, second


def test_what_two_clones_have_rendered_is_one_record_with_every_bill(
    rendered_clones: tuple[Path, Path], emulator: Emulator, kfpipe: Call
) -> None:
    first, second = rendered_clones
    merged = load(first / LOCK)
    assert merged == load(second / LOCK)
    assert Counter(map(name_of, merged.requests)) == {
        "harbour": 1,
        "kitten": 2,
        "monster": 2,
        "street": 1,
    }
    assert spent_by(merged) == {"USD": emulator.bill().total}
    ended = kfpipe("lock", "check", LOCK)
    assert (ended.code, ended.out, ended.err) == (0, "shots.lock.json: 6 requests, no problems\n", "")


def test_after_a_merge_nobody_pays_again(
    rendered_clones: tuple[Path, Path], emulator: Emulator, kfpipe: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    for clone in rendered_clones:
        monkeypatch.chdir(clone)
        assert kfpipe("run", "shots.yaml").code == 0
        assert kfpipe("verify", "shots.yaml").code == 0
    assert len(emulator.bill().charges) == 6


def test_picks_that_differ_are_a_conflict_of_a_few_lines_which_a_pick_settles(
    clones: tuple[Path, Path], kfpipe: Call
) -> None:
    first, second = clones
    both = Lock(requests=records("cat@seed=1", "cat@seed=2", "dog").requests, picked={"dog": "dog"})
    rendered_in(first, replace(both, picked={"dog": "dog", "cat": "cat@seed=1"}))
    rendered_in(second, replace(both, picked={"cat": "cat@seed=2"}))
    ended = clone_at(second)("pull", "-q", "--no-rebase", "--no-edit", code=1)
    told = "shots.lock.json: shot 'cat': each side has picked another take: cat@seed=2, and cat@seed=1"
    assert told in ended.stderr
    text = (second / LOCK).read_text("utf-8")
    assert text.partition("<<<<<<< ours\n")[2].splitlines()[:5] == [
        '    "cat": "cat@seed=2",',
        "=======",
        '    "cat": "cat@seed=1",',
        ">>>>>>> theirs",
        '    "dog": "dog"',
    ]
    refused = kfpipe("lock", "check", LOCK)
    assert refused.code == 2
    assert "each side of a merge has picked another take here" in refused.err
    (second / "shots.yaml").write_text(HEAD + CAT, "utf-8")
    Image.new("RGB", (640, 360)).save(second / "a.png")
    Image.new("RGB", (640, 360)).save(second / "b.png")
    assert kfpipe("pick", "shots.yaml", "cat", "seed=1").code == 0
    settled = replace(both, picked={"cat": "cat@seed=1", "dog": "dog"})
    assert load(second / LOCK) == replace(settled, picked_from={"cat@seed=1": key("cat@seed=1")})
    assert kfpipe("lock", "check", LOCK).code == 0


def test_a_side_that_cannot_be_read_is_not_dropped(clones: tuple[Path, Path]) -> None:
    first, second = clones
    rendered_in(first, records("kitten", "roof"))
    (second / LOCK).write_text("not a lockfile\n", "utf-8")
    clone_at(second)("commit", "-q", "-a", "-m", "Break it")
    ended = clone_at(second)("pull", "-q", "--no-rebase", "--no-edit", code=1)
    assert "shots.lock.json (ours):1:1: this is not JSON" in ended.stderr
    text = (second / LOCK).read_text("utf-8")
    assert text.startswith("<<<<<<< ours\nnot a lockfile\n=======\n")
    assert "task-roof-1" in text


def test_install_keeps_what_is_in_gitattributes(clones: tuple[Path, Path], kfpipe: Call) -> None:
    _, second = clones
    (second / ".gitattributes").write_text("*.png binary", "utf-8")
    for _ in range(2):
        assert kfpipe("lock", "merge", "--install").code == 0
    assert (second / ".gitattributes").read_text("utf-8") == "*.png binary\n*.lock.json merge=kfpipe\n"


def test_install_outside_of_a_repository_is_refused(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("lock", "merge", "--install")
    assert ended.code == 2
    assert "not a git repository" in ended.err


def test_merge_without_its_three_files_is_wrong_usage(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("lock", "merge", LOCK).err.startswith("kfpipe lock merge: give either --install, or BASE OURS THEIRS")
