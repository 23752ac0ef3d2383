"""Sounds and clips that people brought, and clips that came back from the service otherwise than ordered."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import pytest

from kfpipe import project as projects
from kfpipe.emulator.film.clip_cache import Archive
from kfpipe.errors import Problem, Refused
from tests.promises.moving.world import World

SHOTS = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
defaults: {model: wan2.7-i2v, duration: 3, first_frame: first.png, prompt: She speaks.}
shots:
  - {id: talk, driving_audio: %s}
"""
FLASH = """\
kfpipe: 1
provider: {name: dashscope, region: beijing}
budget: {max_cost: 100, currency: CNY}
defaults: {model: wan2.2-kf2v-flash, resolution: 480P, first_frame: frames/a.png, last_frame: frames/b.png}
"""


def told(project: Path, sound: str) -> tuple[Problem, ...]:
    """What is said of a shot that follows this sound."""
    manifest = project / "shots.yaml"
    manifest.write_text(SHOTS % sound, "utf-8")
    try:
        return projects.load(manifest).warnings
    except Refused as refusal:
        return tuple(refusal.problems)


@pytest.mark.parametrize("case", ["clip-m4a"])
@pytest.mark.parametrize("sound", ["voice.m4a", "voice.mp3"])
def test_a_sound_in_m4a_is_named_whatever_its_name_says(project: Path, sound: str) -> None:
    (problem,) = told(project, sound)
    assert problem.what == f"'{sound}' is AAC sound in MP4 (M4A)"
    assert (problem.expected, problem.fix) == ("WAV or MP3", "export it as WAV or MP3")
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (5, 31)


@pytest.mark.parametrize("case", ["clip-m4a"])
def test_an_mp3_with_a_cover_is_a_sound(project: Path) -> None:
    (warning,) = told(project, "cover.mp3")
    assert warning.what == "the driving audio lasts 3.135 s, the clip 3 s: the rest of the sound is cut off"


DELIVERED: Final = {
    "result-square": ("square.mp4", "560x560 px instead of 736x400"),
    "result-portrait": ("portrait.mp4", "400x736 px instead of 736x400"),
    "result-webm": ("webm.webm", "WebM instead of MP4, whatever its name says"),
}
"""By project: the clip that the service delivers in place of the one that was ordered, and what is said of it."""


@pytest.mark.parametrize(("case", "clip", "remark"), [(case, *delivered) for case, delivered in DELIVERED.items()])
def test_a_whole_clip_that_was_not_ordered_so_is_kept_as_it_came(
    world: World, monkeypatch: pytest.MonkeyPatch, case: str, clip: str, remark: str
) -> None:
    given = world.folder / clip
    monkeypatch.setattr(Archive, "lend", lambda _archive, _digest, target: bool(shutil.copyfile(given, target)))
    world.write("shots:\n- {id: kitten, prompt: A kitten looks up.}\n", head=FLASH)
    (told,) = world.run()["takes"]
    assert told["state"] == "rendered"
    (entry,) = world.requests().values()
    assert remark in entry["render"]["remarks"]
    assert (world.folder / "renders/kitten.mp4").read_bytes() == given.read_bytes()
    assert sum(request["phase"] == "download" for request in world.emulator.requests()) == 1
    world.check(bills=1)
