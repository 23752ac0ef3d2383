"""What a manifest may get wrong in its sequences, order, ids and profiles: all is told at once, each slip once.

| slip | test |
| --- | --- |
| a pattern that matches nothing, or one file | `test_every_slip_is_told_at_once_with_its_place_and_a_way_out` |
| `shots` with another count than gaps | the same |
| a loop of one keyframe | the same |
| a circle through `first_clip` | the same |
| an order that names nothing | the same |
| ids that differ in Unicode form or in case alone | the same |
| a slice beyond the track | the same |
| nothing is sent | `test_a_run_of_what_is_wrong_prints_each_slip_once_and_sends_nothing` |
| a profile that unsets what a shot needs | `test_a_profile_that_unsets_what_a_shot_needs_is_named_with_its_line` |
"""

from __future__ import annotations

import socket
import wave
from pathlib import Path
from typing import Final

import pytest
from PIL import Image

from kfpipe import project
from kfpipe.cli import main
from kfpipe.errors import ExitCode, Problem, Refused, Severity
from kfpipe.project import Options
from tests.support.manifests import PAID

SLIPS: Final = """\
kfpipe: 1
provider: {name: dashscope, region: singapore}
film: {order: [road, ghost, '*']}
defaults: {model: wan2.7-i2v, duration: 2, prompt: Up.}
shots:
  - {id: café, first_frame: a.png, last_frame: b.png}
  - {id: cafe\u0301, first_frame: a.png, last_frame: b.png, seed: 5}
  - {id: CAFÉ, first_frame: a.png, last_frame: b.png, seed: 6}
  - {id: egg, first_clip: {render: hen}, duration: 8}
  - {id: hen, first_clip: {render: egg}, duration: 8}
  - {id: late, first_frame: a.png, driving_audio: {file: track.wav, start: "9"}}
sequences:
  - {id: none, keyframes: nothing/*.png}
  - {id: one, keyframes: a*.png}
  - {id: round, keyframes: [a.png], loop: true}
  - {id: road, keyframes: [a.png, b.png, a.png], shots: [{seed: 1}, {seed: 2}, {seed: 3}]}
"""

TOLD: Final = [
    (3, 22, "film", "there is no shot or sequence 'ghost'"),
    (7, 10, "shot 'café'", "differs only in how é is composed"),
    (8, 10, "shot 'CAFÉ'", "differs only in capital letters"),
    (9, 36, "shot 'egg'", "wait for one another: egg -> hen -> egg"),
    (11, 76, "shot 'late'", "lasts 10 s, and the slice is 9 to 11 s of it"),
    (13, 27, "sequence 'none'", "no file matches the pattern 'nothing/*.png'"),
    (14, 26, "sequence 'one'", "only 'a.png' matches the pattern 'a*.png'"),
    (15, 28, "sequence 'round'", "`keyframes` has 1 entry"),
    (16, 50, "sequence 'road'", "`shots` has 3 entries for 3 keyframes"),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, colour in (("a.png", "teal"), ("b.png", "navy")):
        Image.new("RGB", (640, 360), colour).save(name)
    with wave.open("track.wav", "wb") as track:
        track.setnchannels(1)
        track.setsampwidth(2)
        track.setframerate(8000)
        track.writeframes(bytes(2 * 8000 * 10))
    return tmp_path


def problems(text: str, *, profile: str | None = None) -> list[Problem]:
    Path("shots.yaml").write_text(text, "utf-8")
    with pytest.raises(Refused) as caught:
        project.load(Path("shots.yaml"), Options(profile=profile))
    return [problem for problem in caught.value.problems if problem.severity is Severity.ERROR]


@pytest.mark.usefixtures("folder")
def test_every_slip_is_told_at_once_with_its_place_and_a_way_out() -> None:
    told = problems(SLIPS)
    places = [(one.position.line, one.position.column) for one in told if one.position is not None]
    assert places == [(line, column) for line, column, _, _ in TOLD]
    for one, (_, _, where, what) in zip(told, TOLD, strict=True):
        assert (one.where, what in one.what) == (where, True), one.what
        assert one.fix


@pytest.mark.usefixtures("folder")
def test_a_run_of_what_is_wrong_prints_each_slip_once_and_sends_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("shots.yaml").write_text(SLIPS, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as service:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", f"http://127.0.0.1:{service.getsockname()[1]}/api/v1")
        monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-test")
        with pytest.raises(SystemExit) as leaving:
            main(("run", "shots.yaml", "--max-cost", "100"))
        service.setblocking(False)
        with pytest.raises(BlockingIOError):
            service.accept()
    out, err = capfd.readouterr()
    assert (leaving.value.code, out) == (ExitCode.REFUSED, "")
    for line, column, where, what in TOLD:
        (told,) = [text for text in err.splitlines() if text.startswith(f"shots.yaml:{line}:{column}: {where}: ")]
        assert what in told


@pytest.mark.usefixtures("folder")
def test_a_profile_that_unsets_what_a_shot_needs_is_named_with_its_line() -> None:
    shots = "profiles: {bare: {first_frame: null}}\nshots: [{id: kitten, prompt: Up., first_frame: a.png}]\n"
    text = PAID.replace(", first_frame: a.png, last_frame: b.png", "") + shots
    (told,) = problems(text, profile="bare")
    assert told.position is not None
    assert (told.position.line, told.position.column) == (6, 32)
    assert (told.what, told.expected) == (
        "there is no first frame",
        "`first_frame`: the picture that the clip starts with",
    )
    assert "profile 'bare' (line 6)" in told.where
    assert told.fix == "delete `first_frame: null`, or write a value there"
