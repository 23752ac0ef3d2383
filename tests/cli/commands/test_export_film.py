"""`kfpipe export -o film.mp4`: from shots to the film itself."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from kfpipe.emulator import Emulator
from tests.cli.conftest import HEAD, Call, Furnish

SHOTS = """\
film: {size: 64x36}
shots:
  - {id: kitten, prompt: A kitten looks up., matrix: {seed: [1, 2]}}
  - {id: monster, prompt: A monster waits., first_frame: b.png, last_frame: a.png, trim: {out: "1.0"}}
"""


@pytest.fixture
def shots(folder: Path, emulator: Emulator) -> Path:
    """The folder, with a shot of two takes, and one that begins on the still on which the other ends."""
    (folder / "shots.yaml").write_text(HEAD + SHOTS, "utf-8")
    return folder


@pytest.fixture
def clips(furnish: Furnish) -> Path:
    return furnish(HEAD + SHOTS)


def pictures(path: Path) -> int:
    with av.open(str(path)) as film:
        return sum(1 for _ in film.decode(video=0))


def test_the_film_is_made_of_the_picked_takes(clips: Path, kfpipe: Call) -> None:
    assert kfpipe("pick", "shots.yaml", "kitten", "seed=2").code == 0
    ended = kfpipe("export", "shots.yaml", "-o", "film.mp4")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "shot     start        frames  take           picked  file",
        "kitten   00:00:00:00      60  kitten@seed=2  yes     renders/kitten@seed=2.mp4",
        "monster  00:00:02:00      29  monster                renders/monster.mp4",
        "",
        "film.mp4: 2 shots, 2.97 s, 64x36 at 30 frames per second",
    ]
    assert pictures(clips / "film.mp4") == 89
    first = (clips / "film.mp4").read_bytes()
    told = kfpipe("export", "shots.yaml", "-o", "film.mp4", "--json").json
    assert [(shot["start_frame"], shot["frames"]) for shot in told["shots"]] == [(0, 60), (60, 29)]
    assert (clips / "film.mp4").read_bytes() == first


def test_a_shot_with_several_clips_and_no_pick_is_refused(clips: Path, kfpipe: Call) -> None:
    ended = kfpipe("export", "shots.yaml", "-o", "film.mp4")
    assert ended.code == 1
    assert "it has 2 clips, and none is picked" in ended.out
    assert "to pick a take: kfpipe pick shots.yaml kitten" in ended.out
    assert not (clips / "film.mp4").exists()


def test_a_file_that_is_not_what_was_rendered_is_no_reason_for_a_slate(clips: Path, kfpipe: Call) -> None:
    clip = clips / "renders/monster.mp4"
    clip.write_bytes(clip.read_bytes()[:-100])
    ended = kfpipe("export", "shots.yaml", "-o", "film.mp4", "-s", "monster")
    assert ended.code == 1
    assert "renders/monster.mp4 is altered" in ended.out
    assert not (clips / "film.mp4").exists()


def test_shots_without_clips_are_slates_unless_that_is_forbidden(shots: Path, kfpipe: Call) -> None:
    ended = kfpipe("export", "shots.yaml", "-o", "film.mp4", "--strict")
    assert ended.code == 1
    assert ended.out.splitlines()[4].endswith("frames per second; no clip of kitten and monster")
    assert not (shots / "film.mp4").exists()
    ended = kfpipe("export", "shots.yaml", "-o", "film.mp4")
    assert ended.code == 0
    assert "film.mp4: 2 shots, 2 slates, 3 s, 64x36 at 30 frames per second" in ended.out
    assert pictures(shots / "film.mp4") == 90


def test_one_command_makes_an_animatic_of_what_was_never_rendered(shots: Path, kfpipe: Call) -> None:
    ended = kfpipe("export", "shots.yaml", "--emulator", "-o", "animatic.mp4")
    assert ended.code == 0
    assert ended.out.splitlines()[1:] == [
        "kitten   00:00:00:00      60  kitten@seed=1  .kfpipe/emulator/shots/kitten@seed=1.mp4",
        "monster  00:00:02:00      29  monster        .kfpipe/emulator/shots/monster.mp4",
        "",
        "animatic.mp4: 2 shots, 2.97 s, 64x36 at 30 frames per second",
    ]
    assert "no take is picked of kitten: the first one is shown" in ended.err
    assert not (shots / "shots.lock.json").exists()
    lock = json.loads((shots / ".kfpipe/emulator/shots.lock.json").read_text("utf-8"))
    assert len(lock["requests"]) == 2
    assert "submitted" not in kfpipe("export", "shots.yaml", "--emulator", "-o", "animatic.mp4").err


def test_an_animatic_renders_what_its_takes_wait_for(shots: Path, kfpipe: Call) -> None:
    walk = "  - {id: walk, prompt: It walks., first_frame: {render: monster, frame: last}}\n"
    (shots / "shots.yaml").write_text(HEAD + SHOTS + walk, "utf-8")
    ended = kfpipe("export", "shots.yaml", "--emulator", "-o", "walk.mp4", "-s", "walk")
    assert ended.code == 0
    assert pictures(shots / "walk.mp4") == 60


def test_a_picture_cut_from_the_clip_before_is_shown_once(shots: Path, kfpipe: Call) -> None:
    chain = SHOTS.replace(', trim: {out: "1.0"}', "")
    walk = "  - {id: walk, prompt: It walks., first_frame: {render: monster, frame: last}}\n"
    (shots / "shots.yaml").write_text(HEAD + chain + walk, "utf-8")
    words = ("export", "shots.yaml", "--emulator", "-o", "film.mp4", "-s", "monster", "-s", "walk")
    assert kfpipe(*words).code == 0
    assert pictures(shots / "film.mp4") == 60 + 59


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("theirs.mp4", "theirs.mp4: already exists, and kfpipe did not write it\n"),
        ("renders/monster.mp4", "renders/monster.mp4: is the place of a clip\n"),
    ],
)
def test_a_film_replaces_no_other_file(shots: Path, kfpipe: Call, name: str, told: str) -> None:
    (shots / "theirs.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(100))
    ended = kfpipe("export", "shots.yaml", "-o", name)
    assert (ended.code, ended.err.startswith(told)) == (2, True)


@pytest.mark.parametrize(
    ("content", "warned", "refused"),
    [
        (None, "there is no file 'song.mp3'", "there is no file song.mp3"),
        (b"<html>", "'song.mp3' is not a sound file that is known", "song.mp3 is not a sound file that is known"),
    ],
)
def test_music_that_cannot_be_used_stops_a_film_and_is_told_by_all_other_commands(
    shots: Path, kfpipe: Call, content: bytes | None, warned: str, refused: str
) -> None:
    (shots / "shots.yaml").write_text(HEAD + SHOTS.replace("64x36", "64x36, music: song.mp3"), "utf-8")
    if content is not None:
        (shots / "song.mp3").write_bytes(content)
    ended = kfpipe("export", "shots.yaml", "-o", "film.mp4")
    assert (ended.code, ended.err.splitlines()[0]) == (2, f"film.music: {refused}")
    assert "warning" not in ended.err
    for command in ("validate", "plan"):
        told = kfpipe(command, "shots.yaml")
        line = 1 + HEAD.count("\n")
        assert (told.code, told.err.splitlines()[0]) == (0, f"shots.yaml:{line}:28: film: warning: {warned}")


def test_an_animatic_with_a_slate_for_what_the_emulator_failed_is_not_all_right(
    shots: Path, kfpipe: Call, emulator: Emulator
) -> None:
    emulator.script({"on": "submit", "prompt_contains": "monster", "do": "fail", "code": "DataInspectionFailed"})
    for _ in range(2):  # also when there is nothing left to render
        ended = kfpipe("export", "shots.yaml", "--emulator", "-o", "animatic.mp4")
        assert ended.code == 1
        assert "animatic.mp4: 2 shots, 1 slate, 3 s" in ended.out
        assert pictures(shots / "animatic.mp4") == 90
    assert kfpipe("export", "shots.yaml", "--emulator", "-o", "animatic.mp4", "--allow-gaps").code == 0


def test_a_disk_without_room_leaves_nothing_behind(shots: Path, kfpipe: Call) -> None:
    resource = pytest.importorskip("resource", reason="files have no such limit there")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        ended = kfpipe("export", "shots.yaml", "-o", "film.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ended.code == 1
    assert "film.mp4" in ended.err and "Traceback" not in ended.err
    assert not [path for path in shots.iterdir() if "film.mp4" in path.name]
