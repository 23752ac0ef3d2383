"""Sounds and clips that people brought, and clips that came back from the service otherwise than ordered."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfpipe import project as projects
from kfpipe.errors import Problem, Refused

SHOTS = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
defaults: {model: wan2.7-i2v, duration: 3, first_frame: first.png, prompt: She speaks.}
shots:
  - {id: talk, driving_audio: %s}
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
