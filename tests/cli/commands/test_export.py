"""`kfpipe export`: from shots to a file that an editor opens."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import av
import pytest

from tests.cli.conftest import HEAD, Call, Furnish

SHOTS = """\
shots:
  - {id: kitten, tags: [hero], prompt: A kitten looks up., matrix: {seed: [1, 2]}}
  - {id: monster, prompt: A monster waits., model: wan2.2-kf2v-flash, duration: 5}
"""

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")


@pytest.fixture
def clips(furnish: Furnish) -> Path:
    """The folder, with a shot of two takes and a shot of one."""
    return furnish(HEAD + SHOTS)


@pytest.fixture
def picked(clips: Path, kfpipe: Call) -> Path:
    assert kfpipe("pick", "shots.yaml", "kitten", "seed=2").code == 0
    return clips


def test_the_picked_takes_are_written_in_the_order_of_the_manifest(picked: Path, kfpipe: Call) -> None:
    ended = kfpipe("export", "shots.yaml", "-o", "film.edl")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "shot     start        frames  take           picked  file",
        "kitten   00:00:00:00      60  kitten@seed=2  yes     renders/kitten@seed=2.mp4",
        "monster  00:00:02:00     150  monster                renders/monster.mp4",
        "",
        "film.edl: 2 shots, 7 s at 30 frames per second",
    ]
    assert "* FROM CLIP: renders/kitten@seed=2.mp4" in (picked / "film.edl").read_text("utf-8")


def test_without_a_name_the_file_lies_beside_the_clips(picked: Path, kfpipe: Call) -> None:
    assert kfpipe("export", "shots.yaml", "--format", "ffconcat", "-s", "monster").code == 0
    assert "file 'monster.mp4'" in (picked / "renders" / "shots.ffconcat").read_text("utf-8")


def test_from_another_folder_the_way_leads_back_to_the_clips(picked: Path, kfpipe: Call) -> None:
    assert kfpipe("export", "shots.yaml", "-o", "edit/now/film.ffconcat", "-s", "monster").code == 0
    assert "file '../../renders/monster.mp4'" in (picked / "edit/now/film.ffconcat").read_text("utf-8")


def test_ffmpeg_plays_the_list_as_one_film(picked: Path, kfpipe: Call) -> None:
    (picked / "shots.yaml").write_text(
        HEAD + SHOTS.replace("model: wan2.2-kf2v-flash, duration: 5", "tags: [x]"), "utf-8"
    )
    assert kfpipe("run", "shots.yaml").code == 0
    assert kfpipe("export", "shots.yaml", "--format", "ffconcat").code == 0
    with av.open(str(picked / "renders" / "shots.ffconcat"), format="concat", options={"safe": "0"}) as film:
        assert sum(1 for _ in film.decode(video=0)) == 60 + 60


def test_a_shot_without_a_choice_stops_the_export(clips: Path, kfpipe: Call) -> None:
    ended = kfpipe("export", "shots.yaml", "-o", "film.otio")
    assert ended.code == 1
    assert ended.out.splitlines()[1:] == [
        "kitten   00:00:00:00      60  -        it has 2 clips, and none is picked",
        "monster  00:00:02:00     150  monster  renders/monster.mp4",
        "",
        "nothing written: 2 shots, 1 gap, 7 s at 30 frames per second; to export with gaps: --allow-gaps",
        "to pick a take: kfpipe pick shots.yaml kitten",
    ]
    assert not (clips / "film.otio").exists()


def test_gaps_are_written_when_they_are_allowed(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("export", "shots.yaml", "-o", "film.edl", "--allow-gaps")
    assert ended.code == 0
    assert "film.edl: 2 shots, 2 gaps, 4 s at 30 frames per second\nnext: kfpipe run shots.yaml\n" in ended.out
    assert (folder / "film.edl").read_text("utf-8").count(" BL ") == 2


def test_a_selection_chooses_shots_and_takes(clips: Path, kfpipe: Call) -> None:
    told = kfpipe("export", "shots.yaml", "-o", "film.csv", "-s", "kitten@seed=1", "--json").json
    assert [shot["take"] for shot in told["shots"]] == ["kitten@seed=1"]
    assert (told["file"], told["gaps"], told["exit_code"]) == ("film.csv", 0, 0)


def test_json_tells_what_is_missing(clips: Path, kfpipe: Call) -> None:
    ended = kfpipe("export", "shots.yaml", "--format", "csv", "--json")
    assert ended.code == ended.json["exit_code"] == 1
    assert (ended.json["file"], ended.json["gaps"]) == (None, 1)
    assert [shot["gap"] for shot in ended.json["shots"]] == ["it has 2 clips, and none is picked", None]


def test_a_clip_of_an_earlier_request_is_told_apart(picked: Path, kfpipe: Call) -> None:
    (picked / "shots.yaml").write_text(HEAD + SHOTS.replace("waits", "leaves"), "utf-8")
    ended = kfpipe("export", "shots.yaml", "-o", "film.otio")
    assert ended.code == 0
    assert "monster, changed in the manifest" in ended.out


def test_the_same_shots_give_the_same_bytes(picked: Path, kfpipe: Call) -> None:
    kfpipe("export", "shots.yaml", "-o", "one.otio")
    kfpipe("export", "shots.yaml", "-o", "two.otio")
    assert (picked / "one.otio").read_bytes() == (picked / "two.otio").read_bytes()


# ---- where the file may go -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "kfpipe export: give -o FILE or --format\n"),
        (
            ["-o", "film.mov"],
            "--output: 'film.mov' does not have the extension of an export format\n  expected: a file name ending in",
        ),
        (
            ["-o", "film.edl", "--format", "otio"],
            "--output: 'film.edl' does not have the extension of an export format\n",
        ),
    ],
)
def test_the_ending_says_the_format(folder: Path, kfpipe: Call, words: list[str], told: str) -> None:
    ended = kfpipe("export", "shots.yaml", *words)
    assert ended.code == 2
    assert ended.err.startswith(told)


def test_a_file_that_kfpipe_did_not_write_is_not_replaced(folder: Path, kfpipe: Call) -> None:
    (folder / "list.csv").write_text("id,prompt\n", "utf-8")
    ended = kfpipe("export", "shots.yaml", "-o", "list.csv", "--allow-gaps")
    assert ended.code == 2
    assert ended.err.startswith("list.csv: already exists, and kfpipe did not write it\n")
    assert (folder / "list.csv").read_text("utf-8") == "id,prompt\n"


def test_an_earlier_export_is_replaced(folder: Path, kfpipe: Call) -> None:
    assert kfpipe("export", "shots.yaml", "-o", "film.csv", "--allow-gaps").code == 0
    assert kfpipe("export", "shots.yaml", "-o", "film.csv", "--allow-gaps", "-s", "kitten").code == 0
    assert "monster" not in (folder / "film.csv").read_text("utf-8")


@needs_links
@pytest.mark.parametrize("link", ["film.otio", "edit"])
def test_a_link_does_not_lead_the_file_out_of_the_project(
    folder: Path, kfpipe: Call, link: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (folder / link).symlink_to(outside)
    ended = kfpipe("export", "shots.yaml", "-o", os.fspath(Path(link) / "film.otio") if link == "edit" else link)
    assert (ended.code, list(outside.iterdir())) == (2, [])
    assert "leads out of the project through a symbolic link" in ended.err


@needs_links
def test_a_clip_that_lies_outside_of_the_project_is_not_handed_over(
    picked: Path, kfpipe: Call, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clip, outside = picked / "renders" / "monster.mp4", tmp_path_factory.mktemp("outside") / "clip.mp4"
    clip.rename(outside)
    clip.symlink_to(outside)
    ended = kfpipe("export", "shots.yaml", "-o", "film.edl")
    assert ended.code == 1
    assert "it has no clip: renders/monster.mp4 leads out of the project" in ended.out


def test_a_folder_is_not_replaced(folder: Path, kfpipe: Call) -> None:
    (folder / "film.edl").mkdir()
    ended = kfpipe("export", "shots.yaml", "-o", "film.edl", "--allow-gaps")
    assert (ended.code, ended.err.splitlines()[0]) == (2, "film.edl: is a folder")
