"""The output folder goes, leads elsewhere or is in the way: nothing is written outside, nothing is paid for twice."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.promises.disk.conftest import Project


@contextmanager
def during_downloads(project: Project, act: Callable[[], object]) -> Iterator[None]:
    """Act once while the first clip trickles in."""
    project.emulator.script({"on": "download", "nth": 1, "do": "slow", "bytes_per_second": 20_000})

    def wait_and_act() -> None:
        while not over.is_set() and not any(entry["phase"] == "download" for entry in project.emulator.requests()):
            time.sleep(0.005)
        act()

    over = threading.Event()
    actor = threading.Thread(target=wait_and_act)
    actor.start()
    try:
        yield
    finally:
        over.set()
        actor.join()


def test_an_output_folder_that_vanishes_is_made_again(project: Project) -> None:
    with during_downloads(project, lambda: shutil.rmtree(project.renders)):
        ended = project.run()
    assert ended.code in (0, 1)
    assert ended.code == 0 or "fix: resolve this, then run the same command again" in ended.err
    project.check_that_the_next_run_finishes()


def test_an_output_folder_that_leads_out_of_the_project_is_refused(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    project.renders.symlink_to(outside)
    ended = project.run()
    assert (ended.code, project.billed()) == (2, 0)
    assert "leads out of the project" in ended.err
    project.renders.unlink()
    project.check_that_the_next_run_finishes()


def test_an_output_folder_turned_into_a_link_during_the_run_takes_nothing_out(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()

    def turn() -> None:
        project.renders.rename(project.folder / "moved")
        project.renders.symlink_to(outside)

    with during_downloads(project, turn):
        ended = project.run()
    assert ended.code == 1
    assert "\n  fix: resolve this, then run the same command again" in ended.err
    assert not list(outside.rglob("*"))
    project.renders.unlink()
    (project.folder / "moved").rename(project.renders)
    project.check_that_the_next_run_finishes()


@pytest.mark.parametrize("name", [".partial", ".previous"])
def test_a_link_within_the_output_folder_is_not_followed(project: Project, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    project.renders.mkdir()
    (project.renders / "street.mp4").write_bytes(b"somebody's own")
    (project.renders / name).symlink_to(outside)
    ended = project.run("--retry", "street")
    assert ended.code == 1
    assert "a symbolic link is there instead of a folder\n  fix: " in ended.err
    assert not list(outside.rglob("*"))
    (project.renders / name).unlink()
    project.check_that_the_next_run_finishes("--retry", "street")


def test_a_link_where_clips_arrive_is_refused_before_anything_is_paid_for(project: Project, tmp_path: Path) -> None:
    project.renders.mkdir()
    (project.renders / ".partial").symlink_to(tmp_path)
    ended = project.run()
    assert (ended.code, project.posted()) == (1, 0)
    assert "a symbolic link is there instead of a folder\n  fix: " in ended.err


def test_a_link_in_the_place_of_a_clip_is_set_aside_and_never_written_through(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "diary.txt"
    outside.write_text("dear diary", "utf-8")
    project.renders.mkdir()
    (project.renders / "street.mp4").symlink_to(outside)
    assert project.run("--retry", "street").code == 0
    project.check_that_the_next_run_finishes()
    assert outside.read_text("utf-8") == "dear diary"
    assert not (project.renders / "street.mp4").is_symlink()


def test_a_folder_in_the_place_of_a_clip_is_reported_and_left_alone(project: Project) -> None:
    (project.renders / "street.mp4" / "inside").mkdir(parents=True)
    ended = project.run("--retry", "street")
    assert ended.code == 1
    assert "street.mp4: Is a directory\n  fix: " in ended.err
    assert (project.renders / "street.mp4" / "inside").is_dir()
    shutil.rmtree(project.renders / "street.mp4")
    project.check_that_the_next_run_finishes()


def test_a_file_in_the_place_of_the_output_folder_is_refused_before_anything_is_sent(project: Project) -> None:
    project.renders.write_text("not a folder", "utf-8")
    ended = project.run()
    assert (ended.code, project.billed()) == (2, 0)
    project.renders.unlink()
    project.check_that_the_next_run_finishes()


@pytest.mark.parametrize(
    ("shots", "what"),
    [
        ("- {id: kitten, prompt: one}\n  - {id: Kitten, prompt: two}", "differ"),
        (
            f"- {{id: {'k' * 90}, prompt: one, matrix: {{'{'a' * 60}': ['{'b' * 60}', c]}}}}",
            "the name of the clip's file",
        ),
    ],
    ids=["case", "length"],
)
def test_names_that_no_disk_can_hold_are_refused_before_anything_is_sent(
    project: Project, shots: str, what: str
) -> None:
    manifest = project.folder / "shots.yaml"
    head = manifest.read_text("utf-8").partition("shots:")[0]
    manifest.write_text(f"{head}shots:\n  {shots}\n", "utf-8")
    ended = project.run()
    assert (ended.code, project.billed()) == (2, 0)
    assert what in ended.err
