"""The disk of the tests remembers what was synced, and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kfpipe.files import durable
from tests.promises.crash.forgetful import ForgetfulDisk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which file a descriptor belongs to")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    return folder


@pytest.fixture
def disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgetfulDisk]:
    monkeypatch.setattr(os, "fsync", os.fsync)  # as it was, afterwards
    disk = ForgetfulDisk(folder)
    disk.lay()
    yield disk
    disk.close()


def remembered(disk: ForgetfulDisk, folder: Path) -> dict[str, str]:
    ruin = folder.with_name("ruin")
    disk.lose_power(ruin)
    return {path.relative_to(ruin).as_posix(): path.read_text() for path in ruin.rglob("*") if path.is_file()}


def test_what_was_never_synced_is_gone(disk: ForgetfulDisk, folder: Path) -> None:
    (folder / "old.txt").write_text("changed")
    (folder / "new.txt").write_text("new")
    (folder / "within").mkdir()
    assert remembered(disk, folder) == {"old.txt": "old"}


def test_a_name_without_its_content_is_an_empty_file(disk: ForgetfulDisk, folder: Path) -> None:
    (folder / "new.txt").write_text("new")
    durable.sync_folder(folder)
    assert remembered(disk, folder) == {"old.txt": "old", "new.txt": ""}


def test_a_content_without_its_name_is_nowhere(disk: ForgetfulDisk, folder: Path) -> None:
    with (folder / "new.txt").open("w") as file:
        file.write("new")
        file.flush()
        durable.sync(file.fileno())
    (folder / "old.txt").unlink()
    assert remembered(disk, folder) == {"old.txt": "old"}


def test_what_is_written_durably_is_there(disk: ForgetfulDisk, folder: Path) -> None:
    durable.make_folder(folder / "one" / "two")
    durable.replace(folder / "one" / "two" / "new.txt", [b"new"])
    durable.replace(folder / "old.txt", [b"newer"])
    assert remembered(disk, folder) == {"old.txt": "newer", "one/two/new.txt": "new"}
