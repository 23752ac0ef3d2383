"""Several runs at once, on one account, by one user: its limits hold, and no clip is paid for twice."""

from __future__ import annotations

import hashlib
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

import kfpipe
from kfpipe.domain import Account
from kfpipe.emulator import Emulator
from kfpipe.emulator.tasks import Task
from kfpipe.events import Event, RunFinished, TakeSubmitted, Unshared
from kfpipe.lock.book.account_book import AccountBook
from kfpipe.lock.book.database import Database, path_of
from kfpipe.lock.book.sharing import EVERY_MODEL, LimitKind, Share
from kfpipe.runner import company
from tests.promises.moving.world import KEY, World, stills
from tests.runner.test_pacing_laws import most_in_any_second
from tests.support.makers import submitted

PER_SECOND: Final = 5
AT_ONCE: Final = 5
TAKES: Final = 11
AMPLE: Final = 10
FACTOR: Final = 200
LIMITS: Final = {"submissions_per_second": PER_SECOND, "concurrent_tasks": AT_ONCE, "queries_per_second": 40}
HEAD: Final = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
limits: {submissions_per_second: 5, concurrent_tasks: 5, queries_per_second: 40}
budget: {max_cost: 100, currency: USD}
defaults: {model: wan2.7-i2v, duration: 2, first_frame: frames/a.png, last_frame: frames/b.png}
"""
KITTEN: Final = "shots:\n- {id: kitten, prompt: A kitten looks up., seed: 7}\n"


@pytest.fixture
def strict() -> Iterator[Emulator]:
    """A service that refuses whatever is more than it allows."""
    with Emulator(
        factor=FACTOR, queue_s=(0, 2), run_s=(160, 240), film="tiny", limits=LIMITS, over_limit="refuse"
    ) as emulator:
        yield emulator


def project(folder: Path, emulator: Emulator, shot: str) -> World:
    stills(folder)
    world = World(folder=folder, emulator=emulator)
    seeds = ", ".join(map(str, range(1, TAKES + 1)))
    world.write(f"shots:\n- {{id: {shot}, prompt: A {shot}., matrix: {{seed: [{seeds}]}}}}\n", head=HEAD)
    return world


def test_three_runs_share_the_limits_of_an_account_and_one_that_is_killed_frees_its_part(
    tmp_path: Path, strict: Emulator
) -> None:
    worlds = [project(tmp_path / one, strict, one) for one in ("kitten", "dog", "fox")]
    with held_up(strict):
        runs = [world.start("run", "shots.yaml") for world in worlds]
        waited_until(lambda: waiting(strict) == len(worlds))
    waited_until(lambda: max(made(strict).values(), default=0) >= AMPLE)
    runs[-1].send_signal(signal.SIGKILL)
    told = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, -signal.SIGKILL], told
    assert not any("warning" in err for _, err in told)
    assert strict.account.throttled == Counter()
    assert most_in_any_second([task.submitted_at / FACTOR for task in strict.account.tasks()]) <= PER_SECOND
    assert is_fair(strict)
    worlds[-1].run()
    assert strict.account.throttled == Counter()
    assert len(strict.bill().charges) == len(worlds) * TAKES


def is_fair(emulator: Emulator) -> bool:
    """Whether no run had more than twice as many tasks as another, when the first had a good many."""
    had = dict.fromkeys(("kitten", "dog", "fox"), 0)
    for task in emulator.account.tasks():
        had[what(task)] += 1
        if had[what(task)] == AMPLE:
            break
    return max(had.values()) <= 2 * min(had.values())


@contextmanager
def held_up(emulator: Emulator) -> Iterator[None]:
    """Another run holds all places for tasks meanwhile, so that all begin at once."""
    book = AccountBook(book_of(emulator), Path("/elsewhere/shots.lock.json"))
    book.enter((), (), time.time())
    own = Share(run=book.run, kind=LimitKind.TASKS, scope=EVERY_MODEL, places=AT_ONCE, held=0, wanted=AT_ONCE)
    ((grant,), _) = book.settle([own], (), time.time(), is_thorough=False)
    assert grant.held == AT_ONCE
    yield
    book.leave((), time.time())


def book_of(emulator: Emulator) -> Path:
    """The file of the account's book."""
    key = hashlib.sha256(KEY.encode()).hexdigest()[:12]
    found = path_of(Account(host=emulator.origin.removeprefix("http://"), key=key))
    assert found is not None
    return found


def waiting(emulator: Emulator) -> int:
    """How many runs want places for tasks, and have none."""
    with closing(sqlite3.connect(book_of(emulator))) as link:
        (count,) = link.execute("SELECT count(*) FROM share WHERE kind = 'tasks' AND wanted > held").fetchone()
        return int(count)


def waited_until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def made(emulator: Emulator) -> Counter[str]:
    """How many tasks there are of each project."""
    return Counter(what(task) for task in emulator.account.tasks())


def what(task: Task) -> str:
    return (task.prompt or "").removeprefix("A ").removesuffix(".")


def test_what_a_killed_run_has_left_holds_its_place_until_another_run_sees_it_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company, "LOOK_S", 0.1)
    head = HEAD.replace("concurrent_tasks: 5", "concurrent_tasks: 1")
    with Emulator(
        factor=FACTOR, queue_s=0, run_s=400, film="tiny", limits={"concurrent_tasks": 1}, over_limit="refuse"
    ) as emulator:
        killed, other = (project(tmp_path / one, emulator, one) for one in ("kitten", "dog"))
        for world, shot in ((killed, "kitten"), (other, "dog")):
            world.write(KITTEN.replace("kitten", shot), head=head)
        killed.killed()
        assert heard(other)[1].exit_code == 0
        one, later = (task.submitted_at for task in emulator.account.tasks())
        assert later >= one + 400
        assert emulator.account.throttled == Counter()


def test_a_task_that_another_project_has_on_record_is_never_adopted(world: World) -> None:
    world.write(KITTEN)
    unlisted = [{"on": "list", "nth": nth, "do": "html", "status": 503} for nth in (2, 3)]
    world.emulator.script(*unlisted, {"on": "submit", "nth": 1, "do": "drop"})
    foreign = world.emulator.account.plant("A kitten looks up.", resolution="720P", duration=2)
    entry = submitted()
    entry = replace(entry, task=replace(entry.task, task_id=foreign.id))
    book = AccountBook(book_of(world.emulator), Path("/elsewhere/shots.lock.json"))
    book.enter([("cat/0123456789", entry)], ["cat/0123456789"], time.time())
    book.leave(["cat/0123456789"], time.time())
    assert heard(world)[1].exit_code == 0
    assert foreign.id not in {entry["task_id"] for entry in world.requests().values()}
    assert len(world.emulator.bill().charges) == 2


# ---- clones and worktrees --------------------------------------------------------------------------------------------


def another(world: World, kind: str, folder: Path) -> World:
    """The same project once more, on the same machine."""
    (world.folder / ".gitignore").write_text(".kfpipe/\nrenders/\n", "utf-8")
    world.git("init", "-q")
    world.commit()
    if kind == "worktree":
        world.git("worktree", "add", "-q", "-b", "other", str(folder))
    else:
        world.git("clone", "-q", str(world.folder), str(folder))
    return World(folder=folder, emulator=world.emulator)


@pytest.mark.parametrize("kind", ["worktree", "clone"])
def test_a_clip_that_is_under_way_in_another_clone_is_left_to_it_and_reused(
    world: World, tmp_path: Path, kind: str
) -> None:
    world.write(KITTEN)
    other = another(world, kind, tmp_path / "other")
    world.emulator.script({"on": "submit", "do": "vanish", "seconds": 400})  # it goes on for two seconds
    world.killed()
    (step,) = other.plan()["takes"]
    assert (step["action"], other.plan()["debts"], other.plan()["totals"]["under_way"]) == ("decide", [], "0")
    assert str(world.folder / "shots.lock.json") in " ".join(step["reasons"])
    other.run(ends=1)
    other.run("--retry", "kitten", ends=1)
    world.run()
    assert other.actions() == {"kitten": "reuse"}
    other.run()
    for one in (world, other):
        one.check(bills=1)


@pytest.mark.parametrize("kind", ["worktree", "clone"])
def test_two_clones_that_run_at_once_pay_for_each_take_once(world: World, tmp_path: Path, kind: str) -> None:
    world.write("shots:\n- {id: kitten, prompt: A kitten., matrix: {seed: [1, 2, 3, 4, 5, 6]}}\n")
    other = another(world, kind, tmp_path / "other")
    runs = [one.start("run", "shots.yaml") for one in (world, other)]
    told = [run.communicate(timeout=60) for run in runs]
    assert {run.returncode for run in runs} <= {0, 1}, told
    for one in (world, other, world):
        one.run()
    for one in (world, other):
        one.check(bills=6)


def test_a_clip_that_is_gone_from_the_other_clone_is_rendered_as_if_it_had_never_been(
    world: World, tmp_path: Path
) -> None:
    world.write(KITTEN)
    other = another(world, "clone", tmp_path / "other")
    world.run()
    (world.folder / "renders" / "kitten.mp4").write_bytes(b"something else")
    assert other.actions() == {"kitten": "render"}


def test_takes_with_a_random_seed_are_each_clones_own(world: World, tmp_path: Path) -> None:
    world.write(KITTEN.replace("seed: 7", "seed: random"))
    other = another(world, "clone", tmp_path / "other")
    for one in (world, other):
        one.run()
    assert len(world.emulator.bill().charges) == 2


# ---- a book that cannot be used --------------------------------------------------------------------------------------


def corrupt(path: Path) -> None:
    path.write_bytes(b"no book at all, " * 999)


def of_another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as link:
        link.execute("PRAGMA user_version = 99")


def not_to_be_made(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("a file where the folder should be", "utf-8")


def with_a_table_less(path: Path) -> None:
    Database(path).close()
    with closing(sqlite3.connect(path)) as link:
        link.execute("DROP TABLE request")


@pytest.mark.parametrize("damage", [corrupt, of_another_version, not_to_be_made, with_a_table_less])
def test_a_book_that_cannot_be_used_costs_a_warning(world: World, damage: Callable[[Path], None]) -> None:
    world.write(KITTEN)
    path = book_of(world.emulator)
    path.parent.mkdir(parents=True)
    damage(path)
    warnings, end = heard(world)
    assert len(warnings) == 1
    assert str(path) in warnings[0].reason
    assert end.exit_code == 0
    world.check(bills=1)


def test_so_does_one_that_another_program_keeps_for_itself(world: World) -> None:
    world.write(KITTEN)
    path = book_of(world.emulator)
    Database(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as link:
        link.execute("BEGIN EXCLUSIVE")
        warnings, end = heard(world)
    assert (len(warnings), end.exit_code) == (1, 0)
    world.check(bills=1)


def test_so_does_one_that_is_deleted_during_the_run(world: World) -> None:
    world.write("shots:\n- {id: kitten, prompt: A kitten., matrix: {seed: [1, 2, 3, 4, 5, 6]}}\n")
    folder = book_of(world.emulator).parent
    warnings, end = heard(world, lambda event: isinstance(event, TakeSubmitted) and shutil.rmtree(folder, True))
    assert (len(warnings), end.exit_code) == (1, 0)
    world.check(bills=6)


def heard(world: World, listen: Callable[[Event], object] = id) -> tuple[list[Unshared], RunFinished]:
    """A run in this process: its warnings about the book, and its end."""
    warnings: list[Unshared] = []

    def emit(event: Event) -> None:
        listen(event)
        if isinstance(event, Unshared):
            warnings.append(event)

    with world._here():
        return warnings, kfpipe.run(kfpipe.load("shots.yaml"), emit=emit)


def test_no_byte_of_the_book_holds_the_key(world: World) -> None:
    world.write(KITTEN)
    world.killed()
    files = [path for path in book_of(world.emulator).parent.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite3" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_rehearsal_keeps_no_book(world: World, state_home: Path) -> None:
    world.write(KITTEN)
    world.run("--emulator")
    assert not state_home.exists()
