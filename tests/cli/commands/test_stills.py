"""`kfpipe stills`, and what `kfpipe plan` says of stills that are prepared."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Call


@pytest.fixture
def turned(folder: Path) -> Path:
    """The first frame of both takes lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (360, 640), (40, 60, 120)).save(folder / "a.png", exif=exif)
    return folder


def test_prepared_stills_are_written_to_look_at(turned: Path, kfpipe: Call) -> None:
    for _ in range(2):
        (still,) = kfpipe("stills", "shots.yaml", "--json").json["stills"]
    assert (still["still"], still["recipe"], still["width_px"]) == ("a.png", ["upright"], 640)
    (file,) = (turned / "renders" / "stills").iterdir()
    assert still["file"] == file.relative_to(turned).as_posix()
    with Image.open(file) as picture:
        assert picture.size == (640, 360)


def test_stills_that_are_sent_as_they_are_are_left_alone(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("stills", "shots.yaml").out == "all stills are sent as they are\n"
    assert not (folder / "renders").exists()


def test_a_link_of_the_project_chooses_no_folder_outside(turned: Path, kfpipe: Call) -> None:
    (turned / "out").symlink_to(turned.parent)
    ended = kfpipe("stills", "shots.yaml", "-o", "out")
    assert (ended.code, "leads out of the project" in ended.err) == (2, True)


def test_the_plan_lists_what_was_prepared(turned: Path, kfpipe: Call) -> None:
    told = kfpipe("plan", "shots.yaml")
    assert "1 still prepared before sending\n  a.png: upright\n" in told.out
    takes = kfpipe("plan", "shots.yaml", "--json").json["takes"]
    wanted = [{"medium": "first_frame", "file": "a.png", "recipe": ["upright"]}]
    assert [take["prepared"] for take in takes] == [wanted, wanted]
