"""Disks that are full or read-only: the run says so, keeps what it has, and goes on when there is room again."""

from __future__ import annotations

import pytest

from tests.promises.disk.conftest import CLIPS, Project, mounted, nearly_full, read_only, run_in_a_process

FULL = "the disk is full\n  fix: resolve this, then run the same command again"


@pytest.mark.parametrize("free_pages", [0, 2, 5])
def test_nothing_is_paid_for_while_the_output_disk_is_full(project: Project, free_pages: int) -> None:
    with mounted(project.renders):
        with nearly_full(project.renders, free_pages=free_pages):
            ended = run_in_a_process(project)
            assert (ended.code, project.posted()) == (1, 0)
            assert FULL in ended.err
            assert {path.name for path in project.renders.iterdir()} <= {".ballast", ".partial"}
        project.check_that_the_next_run_finishes()


def test_nothing_is_paid_for_while_the_output_folder_is_read_only(project: Project) -> None:
    with mounted(project.renders):
        with read_only(project.renders):
            ended = run_in_a_process(project)
            assert (ended.code, project.posted()) == (1, 0)
            assert "the file system is read-only\n  fix: " in ended.err
        project.check_that_the_next_run_finishes()


@pytest.mark.parametrize("free_pages", [18, 24])
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
