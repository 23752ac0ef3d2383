"""Disks that are full or read-only: the run says so, keeps what it has, and goes on when there is room again."""

from __future__ import annotations

import pytest

from tests.promises.disk.conftest import CLIPS, Project, mounted, nearly_full, read_only

FULL = "the disk is full\n  fix: resolve this, then run the same command again"


@pytest.mark.parametrize("free_pages", [0, 2, 5])
def test_a_full_output_disk_stops_the_run_and_keeps_the_clips_that_are_there(project: Project, free_pages: int) -> None:
    with mounted(project.renders):
        with nearly_full(project.renders, free_pages=free_pages):
            ended = project.run()
            assert ended.code == 1
            assert FULL in ended.err
            project.check_that_clips_are_those_on_record()
            assert project.clips() < CLIPS
        project.check_that_the_next_run_finishes()


@pytest.mark.parametrize("free_pages", [0, 2, 4])
def test_a_full_disk_under_the_journal_stops_the_run_before_it_spends_unrecorded(
    project: Project, free_pages: int
) -> None:
    state = project.folder / ".kfpipe"
    with mounted(state):
        with nearly_full(state, free_pages=free_pages):
            ended = project.run()
            assert ended.code == 1
            assert FULL in ended.err
        project.check_that_the_next_run_finishes()


def test_a_project_on_a_full_disk_pays_once_however_often_it_is_tried(project: Project) -> None:
    stills = {path.name: path.read_bytes() for path in project.folder.iterdir()}
    with mounted(project.folder):
        for name, content in stills.items():
            (project.folder / name).write_bytes(content)
        for free_pages in (0, 1, 2, 3, 5, 7, 9, 12):
            with nearly_full(project.folder, free_pages=free_pages):
                assert project.run().code in (0, 1)
        project.check_that_the_next_run_finishes()


def test_nothing_is_sent_from_a_folder_that_cannot_be_written(project: Project) -> None:
    state = project.folder / ".kfpipe"
    with mounted(state):
        with read_only(state):
            ended = project.run()
            assert (ended.code, project.billed()) == (1, 0)
            assert "the file system is read-only\n  fix: " in ended.err
        project.check_that_the_next_run_finishes()


def test_clips_wait_at_the_service_while_their_folder_cannot_be_written(project: Project) -> None:
    with mounted(project.renders):
        with read_only(project.renders):
            ended = project.run()
            assert ended.code == 1
            assert "the file system is read-only\n  fix: " in ended.err
        project.check_that_the_next_run_finishes()
