"""What is wrong is said in a sentence; nothing is lost, and nothing is paid twice."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import psycopg
import pytest

from kfpipe.cluster.address import Address
from kfpipe.cluster.store import store_at
from kfpipe.errors import Refused, StorageFailed
from tests.cluster.studio import Studio, finished, numbered, planned, project, rendered
from tests.support.surroundings import room_for


def refused(studio: Studio, *words: str, cwd: Path | None = None, code: int = 2, **environment: str) -> str:
    """The only sentence that a command ends with."""
    told = studio.command(*words, cwd=cwd, **environment)
    assert told.returncode == code, told.stderr
    assert "Traceback" not in told.stderr
    return str(told.stderr)


@pytest.mark.parametrize("text", ["mysql://db/kfpipe", "postgresql://db", "kfpipe", "postgresql://u:hush@db:x/kfpipe"])
def test_an_address_that_names_no_database_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(Refused) as error:
        Address.of(text)
    assert "hush" not in str(error.value)


def test_a_password_is_for_connecting_and_never_shown() -> None:
    address = Address.of("postgresql://ann:hush@db.studio.example/kfpipe")
    assert address.shown == "postgresql://ann@db.studio.example/kfpipe"
    assert "hush" in address.url
    assert "hush" not in repr(address)


def test_a_database_that_cannot_be_reached_is_exit_code_2(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(1))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nowhere = f"postgresql://ann:hush@127.0.0.1:{port}/kfpipe"
    for words in (["run", "shots.yaml"], ["worker"], ["cluster", "status"]):
        told = refused(studio, *words, cwd=folder, KFPIPE_CLUSTER=nowhere)
        assert f"postgresql://ann@127.0.0.1:{port}/kfpipe cannot be used" in told
        assert "hush" not in told
    assert not studio.emulator.requests() or studio.bill.total() == 0


def test_tables_of_another_version_are_refused(studio: Studio) -> None:
    with psycopg.connect(studio.address.url, autocommit=True) as link:
        link.execute("UPDATE kfpipe.about SET version = 99")
    assert "its tables have version 99" in refused(studio, "cluster", "status")


def test_a_worker_without_a_key_says_so(studio: Studio) -> None:
    told = refused(studio, "worker", code=4, DASHSCOPE_API_KEY="", DASHSCOPE_HTTP_BASE_URL="")
    assert "DASHSCOPE_API_KEY is not set" in told


def test_work_waits_for_a_worker_of_its_version_and_with_its_key(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(1))
    told = studio.command("run", "shots.yaml", "--detach", cwd=folder)
    assert "no worker is at work" in told.stderr
    with psycopg.connect(studio.address.url, autocommit=True) as link:
        link.execute("INSERT INTO kfpipe.worker VALUES ('old', 1, 'attic', 7, '0.0.1', '{}', NULL)")
        told = studio.command("run", "shots.yaml", "--detach", cwd=folder)
        assert "(there is 0.0.1 on attic)" in told.stderr
        link.execute("UPDATE kfpipe.worker SET version = %s", [version()])
        told = studio.command("run", "shots.yaml", "--detach", cwd=folder)
        assert "no worker has the key of this account" in told.stderr
    studio.workers(1)
    finished(studio.run(folder))
    assert len(rendered(folder)) == studio.bill.total() == 1


def version() -> str:
    from kfpipe.version import __version__

    return __version__


def test_manifests_of_two_accounts_are_not_handed_over_together(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(1))
    text = (folder / "shots.yaml").read_text("utf-8")
    other = text.replace("region: singapore", "region: singapore, account: ben") + "output: {dir: others}\n"
    (folder / "other.yaml").write_text(other, "utf-8")
    told = refused(studio, "run", "shots.yaml", "other.yaml", cwd=folder, DASHSCOPE_API_KEY_BEN="sk-ben")
    assert "the manifests are of several accounts" in told


def test_a_run_without_the_cluster_leaves_alone_what_was_handed_over(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(2))
    studio.command("run", "shots.yaml", "--detach", cwd=folder)
    told = refused(studio, "run", "shots.yaml", cwd=folder, KFPIPE_CLUSTER="")
    assert "was handed over to 'postgresql://postgres@" in told
    studio.workers(1)
    finished(studio.run(folder))
    assert studio.command("run", "shots.yaml", cwd=folder, KFPIPE_CLUSTER="").returncode == 0
    assert planned(studio, folder) == {"keep": 2}
    assert studio.bill.total() == 2


def test_a_store_that_nothing_can_be_put_into_is_refused(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "share").write_text("a file", "utf-8")
    told = refused(studio, "worker", "--store", str(tmp_path / "share"))
    assert "nothing can be stored at" in told
    assert "fsspec" in refused(studio, "worker", "--store", "s3://clips/kfpipe")


def filled_up(store: Path) -> list[Path]:
    """Let the store take nothing more; what it has stays.

    A disk that is full is root's to make. So each folder that the store has yet to make is a file: it fails in the same
    place, with the same kind of error.
    """
    store.mkdir(exist_ok=True)
    names = [store / f"{number:02x}" for number in range(256)]
    obstacles = [place for place in names if not place.exists()]
    for place in obstacles:
        place.write_text("", "utf-8")
    return obstacles


def cleared(obstacles: list[Path]) -> None:
    for place in obstacles:
        place.unlink()


def test_a_store_that_fills_up_loses_nothing_and_is_used_again_when_room_is_made(
    studio: Studio, tmp_path: Path
) -> None:
    folder, store = project(tmp_path / "ann", numbered(2)), tmp_path / "share"
    words = ("--store", str(store))
    full = filled_up(store)
    told = refused(studio, "run", "shots.yaml", *words, cwd=folder, code=1)
    assert told.count(f"{store}/") == 1, told
    assert not studio.states()
    cleared(full)
    studio.command("run", "shots.yaml", "--detach", *words, cwd=folder)  # its stills are there now
    full = filled_up(store)
    (worker,) = studio.workers(1, *words)
    run = studio.run(folder, *words)
    studio.until(lambda: "the store takes no clips" in worker.so_far())
    cleared(full)
    finished(run)
    assert worker.so_far().count("the store takes no clips") == 1
    assert {path.stem for path in store.rglob("*.mp4")} == {one.render.sha256 for one in rendered(folder).values()}
    assert len(rendered(folder)) == studio.bill.total() == studio.emulator.traffic()["download"] == 2


def test_a_file_that_grows_too_large_for_the_store_leaves_nothing_of_it_there(tmp_path: Path) -> None:
    clip, store = tmp_path / "clip.mp4", store_at(str(tmp_path / "share"))
    clip.write_bytes(b"clip" * 10_000)
    store.check()
    with room_for(4096), pytest.raises(StorageFailed, match=r"share/clip\.mp4: the file is larger than the system"):
        store.put(clip, "clip.mp4")
    assert not [path for path in (tmp_path / "share").rglob("*") if path.is_file()]
    store.put(clip, "clip.mp4")
    with room_for(4096), pytest.raises(StorageFailed, match=r"home\.mp4: the file is larger than the system"):
        store.get("clip.mp4", tmp_path / "home.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "share"]
    assert store.get("clip.mp4", tmp_path / "home.mp4")
    assert (tmp_path / "home.mp4").read_bytes() == clip.read_bytes()


def test_a_still_that_the_store_has_lost_costs_nothing_and_the_next_run_puts_it_there(
    studio: Studio, tmp_path: Path
) -> None:
    folder, store = project(tmp_path / "ann", numbered(2)), tmp_path / "share"
    run = studio.run(folder, "--store", str(store))
    studio.until(lambda: studio.query("SELECT count(*) FROM kfpipe.job")[0][0] == 2)
    for still in store.rglob("*.png"):
        still.unlink()
    studio.workers(1, "--store", str(store))
    told = finished(run, 1)
    assert f"the store {store} has lost the still a.png; `kfpipe run` puts it there again" in told
    assert not studio.states()
    finished(studio.run(folder, "--store", str(store)))
    assert len(rendered(folder)) == studio.bill.total() == 2


def test_twins_whose_answers_are_lost_are_paid_once_and_their_tasks_are_adopted(studio: Studio, tmp_path: Path) -> None:
    twins = {f"seed{seed}": f"The kitten looks up, seed: {seed}" for seed in (1, 2)}
    ann, ben = (project(tmp_path / name, twins) for name in ("ann", "ben"))
    lost = [{"on": "submit", "nth": number, "do": "drop", "when": "after"} for number in (1, 2)]
    studio.emulator.script(*lost)
    studio.command("run", "shots.yaml", "--detach", cwd=ann)  # and once more below
    studio.workers(2)
    runs = [studio.run(folder) for folder in (ann, ben)]
    for run in runs:
        finished(run)
    assert sum(entry["phase"] == "submit" for entry in studio.emulator.requests()) == len(twins)
    assert studio.bill.total() == len(rendered(ann)) == len(twins)
    tasks = [{one: entry.task.task_id for one, entry in rendered(folder).items()} for folder in (ann, ben)]
    assert tasks[0] == tasks[1]
    assert studio.states() == {"rendered": 2}


def test_a_clip_that_the_store_has_lost_is_fetched_by_its_link(studio: Studio, tmp_path: Path) -> None:
    folder, store = project(tmp_path / "ann", numbered(2)), tmp_path / "share"
    studio.workers(1, "--store", str(store))
    finished(studio.run(folder, "--store", str(store)))
    for clip in store.rglob("*.mp4"):
        clip.unlink()
    ben = shutil.copytree(folder, tmp_path / "ben", ignore=shutil.ignore_patterns("renders", ".kfpipe", "*.lock.json"))
    told = finished(studio.run(ben, "--store", str(store)))
    assert "has lost" in told
    assert len(rendered(ben)) == studio.bill.total() == 2


def test_limits_are_set_by_hand_and_cleared(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(1))
    assert "no limit is given" in refused(studio, "cluster", "limits", "set")
    studio.command("run", "shots.yaml", "--detach", cwd=folder)
    assert "does not name one account" in refused(studio, "cluster", "limits", "set", "ben", "--concurrent-tasks", "2")
    (account,) = studio.json("cluster", "limits", "set", "--concurrent-tasks", "2")["accounts"]
    assert account["limits"]["concurrent_tasks"] == 2
    assert account["set_by_hand"] == {"concurrent_tasks": 2}
    assert account["waiting"] == 1
    (account,) = studio.json("cluster", "limits", "clear")["accounts"]
    assert account["limits"]["concurrent_tasks"] == 40


def test_a_drained_worker_ends_and_another_goes_on(studio: Studio, tmp_path: Path) -> None:
    folder = project(tmp_path / "ann", numbered(8), "{submissions_per_second: 4, concurrent_tasks: 4}")
    (first,) = studio.workers(1)
    run = studio.run(folder)
    studio.until(lambda: studio.states().total() >= 2)
    assert "is not at work" in refused(studio, "cluster", "drain", "attic")
    assert len(studio.json("cluster", "drain")["drained"]) == 1
    assert first.communicate(timeout=60)
    assert first.returncode == 0
    studio.worker()
    finished(run)
    assert len(rendered(folder)) == studio.bill.total() == 8


def test_prune_forgets_what_is_over_and_removes_clips_that_have_come_home(studio: Studio, tmp_path: Path) -> None:
    folder, store = project(tmp_path / "ann", numbered(2)), tmp_path / "share"
    studio.workers(1, "--store", str(store))
    finished(studio.run(folder, "--store", str(store)))
    done = studio.json("cluster", "prune", "--days", "0", "--store", str(store))
    assert (done["jobs"], done["clips"]) == (2, 2)
    assert not [*store.rglob("*.mp4")]
    assert studio.states()["rendered"] == 2
    assert "KFPIPE_CLUSTER" in refused(studio, "cluster", "status", KFPIPE_CLUSTER="")
    assert json.loads((folder / "shots.lock.json").read_text("utf-8"))["requests"]
