"""`kfpipe verify`: files against the lockfile, and what can be done about those that are not sound."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kfpipe.emulator import Emulator
from tests.cli.conftest import HEAD, SHOTS, Call, requests_in, rewrite


@pytest.fixture
def clips(folder: Path, kfpipe: Call, emulator: Emulator) -> Path:
    """The folder of two finished clips."""
    assert kfpipe("run", "shots.yaml").code == 0
    return folder / "renders"


def spoil(path: Path) -> None:
    """Turn one byte."""
    with path.open("r+b") as file:
        file.seek(600)
        byte = file.read(1)
        file.seek(600)
        file.write(bytes([byte[0] ^ 0xFF]))


def remember_as_sound(path: Path, folder: Path) -> None:
    """Have kfpipe believe that it knows the file as it is now, as after a disk has lost a bit without telling."""
    sha256 = requests_in(folder)[path.stem]["render"]["sha256"]
    facts = path.stat()
    stamp = f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns} {facts.st_ino}"
    memory = {"version": 2, "files": {path.as_posix(): [stamp, sha256]}}
    (folder / ".kfpipe" / "renders.json").write_text(json.dumps(memory), "utf-8")


def test_sound_files_take_one_line(clips: Path, kfpipe: Call, emulator: Emulator) -> None:
    asked = len(emulator.requests())
    ended = kfpipe("verify", "shots.yaml")
    assert (ended.code, ended.out, ended.err) == (0, "2 clips: 2 intact\n", "")
    assert len(emulator.requests()) == asked
    data = kfpipe("verify", "shots.yaml", "--json").json
    assert [(take["take"], take["finding"]) for take in data["takes"]] == [("kitten", "sound"), ("monster", "sound")]
    assert data["totals"] == {"sound": 2, "missing": 0, "altered": 0, "unreadable": 0, "earlier": 0}


def test_what_is_missing_or_altered_is_downloaded_again_for_nothing(
    clips: Path, kfpipe: Call, emulator: Emulator
) -> None:
    spoil(clips / "kitten.mp4")
    (clips / "monster.mp4").unlink()
    ended = kfpipe("verify", "shots.yaml")
    assert ended.code == 1
    assert [re.split(" {2,}", line) for line in ended.out.splitlines()[1:3]] == [
        ["kitten", "renders/kitten.mp4", "altered", "its digest is not the one on record",
         "the next run downloads it again, free of charge"],
        ["monster", "renders/monster.mp4", "missing", "there is no such file",
         "the next run downloads it again, free of charge"],
    ]  # fmt: skip
    assert ended.out.splitlines()[3:] == ["", "2 clips: 1 missing, 1 altered", "next: kfpipe run shots.yaml"]
    assert kfpipe("run", "shots.yaml").code == 0
    assert kfpipe("verify", "shots.yaml").code == 0
    assert len(emulator.bill().charges) == 2


def test_a_file_that_went_bad_without_a_trace_is_noticed_and_fixed(clips: Path, folder: Path, kfpipe: Call) -> None:
    spoil(clips / "kitten.mp4")
    remember_as_sound(clips / "kitten.mp4", folder)
    assert kfpipe("plan", "shots.yaml", "--json").json["takes"][0]["action"] == "keep"
    ended = kfpipe("verify", "shots.yaml")
    assert (ended.code, ended.out.splitlines()[-1]) == (1, "next: kfpipe run shots.yaml")
    assert kfpipe("run", "shots.yaml").code == 0
    assert kfpipe("verify", "shots.yaml").code == 0


def test_past_the_life_of_the_link_the_way_on_costs_money_and_says_so(clips: Path, kfpipe: Call) -> None:
    over = {"url_expires_at": "2020-01-01T00:00:00.000Z", "video_url": "https://results.example.com/clip.mp4"}
    rewrite(clips.parent, lambda _, fields: fields.update(over))
    (clips / "kitten.mp4").unlink()
    (clips / "monster.mp4").unlink()  # its bytes are the same
    ended = kfpipe("verify", "shots.yaml")
    assert "its link has expired: restore the file from a backup, or render it again with --retry" in ended.out
    assert (
        ended.out.splitlines()[-1]
        == "if no backup has the file, to render and pay again: kfpipe run shots.yaml --retry kitten --retry monster"
    )


def test_earlier_clips_are_only_counted(clips: Path, folder: Path, kfpipe: Call) -> None:
    (folder / "shots.yaml").write_text((HEAD + SHOTS).replace("looks up.", "looks up., last_frame: a.png"), "utf-8")
    assert kfpipe("run", "shots.yaml").code == 0
    for path in (clips / ".previous").iterdir():
        path.unlink()
    ended = kfpipe("verify", "shots.yaml")
    assert (ended.code, ended.out) == (0, "2 clips: 2 intact\n  not checked: 1 earlier clip\n")


def test_without_any_clip_there_is_nothing_amiss(folder: Path, kfpipe: Call) -> None:
    ended = kfpipe("verify", "shots.yaml")
    assert (ended.code, ended.out) == (0, "no clips on record\n")


def test_a_record_without_fidelity_gets_it_where_the_stills_are_still_the_same(
    folder: Path, kfpipe: Call, emulator: Emulator
) -> None:
    emulator.script({"on": "submit", "prompt_contains": "kitten", "do": "drift", "end": "first"})
    assert kfpipe("run", "shots.yaml").code == 0
    known = {take: fields["render"]["fidelity"] for take, fields in requests_in(folder).items()}
    rewrite(folder, lambda _, fields: fields["render"].pop("fidelity"))
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes())  # the last frames are others now
    ended = kfpipe("verify", "shots.yaml", "-s", "kitten")
    assert (ended.code, ended.out.splitlines()) == (
        0,
        [
            "1 clip: 1 intact",
            "compared with their stills, and put on record: 1 clip",
            "1 clip begins or ends on another picture than asked: kfpipe status shots.yaml -s drift",
        ],
    )
    kitten, monster = (fields["render"] for fields in requests_in(folder).values())
    assert kitten["fidelity"] == {"first": known["kitten"]["first"], "last": None} and "fidelity" not in monster
    data = kfpipe("verify", "shots.yaml", "--json").json
    assert data["measured"] == 1 and data["takes"][0]["fidelity"] == kitten["fidelity"]
    before = (folder / "shots.lock.json").read_bytes()
    assert kfpipe("verify", "shots.yaml").out == "2 clips: 2 intact\n"
    assert (folder / "shots.lock.json").read_bytes() == before
