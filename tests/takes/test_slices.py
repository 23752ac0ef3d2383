"""Which slice of a track each take is sent, in shots, sequences and tables, and what has none."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from kfpipe import project
from kfpipe.domain import LocalMedium, MediaRole, Take
from kfpipe.errors import Problem, Refused
from kfpipe.project import Options
from tests.support import recordings, stills

HEAD = """kfpipe: 1
provider: {name: emulator}
defaults: {model: wan2.7-i2v, prompt: Up., duration: 4, first_frame: a.png, last_frame: b.png}
profiles: {draft: {duration: 2}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stills.save(tmp_path, {f"{name}.png": (60 * number, 40, 90) for number, name in enumerate("abcd")})
    recordings.sound(tmp_path / "track.wav", seconds=15)
    return tmp_path


def takes(text: str, profile: str | None = None) -> dict[str, Take]:
    Path("film.yaml").write_text(HEAD + text, "utf-8")
    return {take.id: take for take in project.load(Path("film.yaml"), Options(profile=profile)).takes}


def sound(take: Take) -> LocalMedium | None:
    found = [given.medium for given in take.request.media if given.role is MediaRole.DRIVING_AUDIO]
    return found[0] if found and isinstance(found[0], LocalMedium) else None


def heard(found: dict[str, Take]) -> list[str | None]:
    """The slice of each take."""
    media = [sound(take) for take in found.values()]
    return [medium and (medium.original.recipe[0] if medium.original else medium.path) for medium in media]


def problems(text: str) -> list[Problem]:
    with pytest.raises(Refused) as refused:
        takes(text)
    return list(refused.value.problems)


def test_a_slice_is_as_long_as_the_clip_and_one_request_however_its_start_is_written(folder: Path) -> None:
    starts = ('"2.5"', "2.50", '"2.500"')
    found = takes(
        "shots:\n"
        + "".join(
            f"  - {{id: s{n}, driving_audio: {{file: track.wav, start: {start}}}}}\n" for n, start in enumerate(starts)
        )
    )
    assert len({take.fingerprint for take in found.values()}) == 1
    medium = sound(found["s0"])
    assert medium is not None
    with wave.open(medium.path) as file:
        assert file.getnframes() / file.getframerate() == 4
    recordings.sound(folder / "copy.wav", seconds=15)
    copied = takes("shots:\n  - {id: s, driving_audio: {file: copy.wav, start: 2.5}}\n")
    later = takes("shots:\n  - {id: s, driving_audio: {file: copy.wav, start: 3}}\n")
    assert copied["s"].fingerprint == found["s0"].fingerprint != later["s"].fingerprint


ROAD = """sequences:
  - id: road
    keyframes: [a.png, b.png, c.png, d.png]
    loop: true
    driving_audio: {file: track.wav, start: "0.50"}
    shots: [{duration: 2}, {driving_audio: null}, {driving_audio: {file: track.wav, start: 1}}, {duration: 3}]
"""


def test_a_track_runs_on_through_a_sequence_and_a_gap_may_have_its_own(folder: Path) -> None:
    assert heard(takes(ROAD)) == ["slice 0.5-2.5 s", None, "slice 1-5 s", "slice 10.5-13.5 s"]
    assert heard(takes(ROAD, profile="draft")) == ["slice 0.5-2.5 s", None, "slice 1-3 s", "slice 6.5-8.5 s"]


def test_each_combination_of_a_matrix_has_its_own_run_of_the_track(folder: Path) -> None:
    text = ROAD[: ROAD.index("    shots:")].replace("loop: true", "matrix: {duration: [2, 3]}")
    expected = ["0.5-2.5", "0.5-3.5", "2.5-4.5", "3.5-6.5", "4.5-6.5", "6.5-9.5"]
    assert heard(takes(text)) == [f"slice {part} s" for part in expected]


def test_a_table_gives_slices_in_two_columns(folder: Path) -> None:
    Path("rows.csv").write_text("id,driving_audio.file,Driving audio.start\nrow,track.wav,2.50\n", "utf-8")
    assert heard(takes("shot_lists: [rows.csv]\n")) == ["slice 2.5-6.5 s"]


def test_a_slice_beyond_the_end_is_refused_with_the_last_start_that_fits(folder: Path) -> None:
    assert heard(takes("shots:\n  - {id: s, driving_audio: {file: track.wav, start: 11}}\n")) == ["slice 11-15 s"]
    for start, part in (("11.001", "11.001 to 15.001"), ("15", "15 to 19")):
        (found,) = problems(f"shots:\n  - {{id: s, driving_audio: {{file: track.wav, start: {start}}}}}\n")
        assert found.what == f"'track.wav' lasts 15 s, and the slice is {part} s of it"
        assert found.fix == 'write `start: "11"` or less, or supply a longer track'
        assert (found.position.line, found.position.column) == (6, 53)


def test_a_sequence_that_outlasts_its_track_is_told_so_once(folder: Path) -> None:
    (found,) = problems(ROAD[: ROAD.index("    shots:")])
    assert found.where == "shot 'road.04'"
    assert found.fix is not None
    assert "the track runs on through the sequence" in found.fix


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("{file: track.wav, start: -1}", "-1"),
        ('{file: track.wav, start: "nan"}', "nan"),
        ("{file: track.wav}", "start"),
        ("{start: 1}", "file"),
        ('{file: "https://example.com/t.wav", start: 1}', "a slice of a remote sound cannot be cut"),
        ("{file: a.png, start: 1}", "is a picture"),
        ("{file: gone.wav, start: 1}", "there is no file"),
    ],
)
def test_what_is_no_slice_is_refused_once(folder: Path, value: str, what: str) -> None:
    (found,) = problems(f"shots:\n  - {{id: s, driving_audio: {value}}}\n")
    assert what in found.what
    assert found.fix


def test_the_sound_of_a_film_is_no_track(folder: Path) -> None:
    recordings.clip(folder / "film.mp4", seconds=1)
    (found,) = problems("shots:\n  - {id: s, driving_audio: {file: film.mp4, start: 0}}\n")
    assert (found.what, found.fix) == ("'film.mp4' is an MP4 video", "export its sound as WAV or MP3")
