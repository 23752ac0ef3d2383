"""In which order the shots stand: as they are written, or as `film.order` says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from kfpipe import project
from kfpipe.domain import PictureSize
from kfpipe.errors import Problem, Refused
from kfpipe.manifest.model import FilmSettings, Transition
from kfpipe.project import Project
from tests.support import stills

HEAD = "kfpipe: 1\nprovider: {name: dashscope}\ndefaults: {model: wan2.7-i2v, first_frame: a.png, prompt: Up.}\n"
ROAD = "sequences:\n  - {id: road, keyframes: [a.png, b.png, c.png], tags: [road]}\n"
SHOTS = "shots: [{id: kitten, seed: 1}, {id: walk, seed: 2}, {id: night_1, seed: 3}, {id: night_2, seed: 4}]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stills.save(tmp_path, {"a.png": "navy", "b.png": "red", "c.png": "green"}, stills.HD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(text: str) -> Project:
    Path("film.yaml").write_text(HEAD + text, "utf-8")
    return project.load(Path("film.yaml"))


def ids(text: str) -> list[str]:
    return [take.id for take in load(text).takes]


def refused(text: str) -> tuple[Problem, ...]:
    with pytest.raises(Refused) as caught:
        load(text)
    return caught.value.problems


def test_without_an_order_shots_stand_as_the_file_has_them(folder: Path) -> None:
    (folder / "part.yaml").write_text("kfpipe: 1\nshots: [{id: included}]\n", "utf-8")
    (folder / "list.csv").write_text("id,seed\nrow_1,8\nrow_2,9\n", "utf-8")
    lists, include, one = "shot_lists: [list.csv]\n", "include: [part.yaml]\n", "shots: [{id: kitten, seed: 1}]\n"
    road, rows = ["road.01", "road.02"], ["row_1", "row_2"]
    assert ids(ROAD + one) == [*road, "kitten"]
    assert ids(one + ROAD) == ["kitten", *road]
    assert ids(lists + one + include + ROAD) == [*rows, "kitten", "included", *road]
    assert ids(ROAD + include + one + lists) == [*road, "included", "kitten", *rows]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("[road, kitten, walk, '*']", "road.01 road.02 kitten walk night_1 night_2"),
        ("['*', kitten, road]", "walk night_1 night_2 kitten road.01 road.02"),
        ("[walk, '*', road.02]", "walk road.01 kitten night_1 night_2 road.02"),
        ("['night_*', 'k[i]tten']", "night_1 night_2 kitten road.01 road.02 walk"),
        ("['r?ad', walk, '*']", "road.01 road.02 walk kitten night_1 night_2"),
        ("[road.02, road.01]", "road.02 road.01 kitten walk night_1 night_2"),
    ],
)
def test_an_order_names_shots_sequences_patterns_and_the_rest(order: str, expected: str) -> None:
    assert ids(f"{ROAD}{SHOTS}film: {{order: {order}}}\n") == expected.split()


def test_an_order_finds_ids_in_any_script_however_their_letters_are_composed() -> None:
    composed, apart = "caf\u00e9", "cafe\u0301"
    shots = f"shots: [{{id: 黑猫}}, {{id: {apart}, seed: 1}}, {{id: walk, seed: 2}}]\n"
    assert ids(f"{shots}film: {{order: [{composed}, '黑*', '*']}}\n") == [composed, "黑猫", "walk"]
    assert ids(f"{shots}film: {{order: [walk, '{apart}*', '*']}}\n") == ["walk", composed, "黑猫"]


def test_what_the_order_leaves_out_is_a_take_but_no_part_of_the_film() -> None:
    loaded = load(f"{SHOTS}film: {{order: [walk, kitten]}}\n")
    assert [(take.id, take.in_film) for take in loaded.takes] == [
        ("walk", True),
        ("kitten", True),
        ("night_1", False),
        ("night_2", False),
    ]
    assert all(take.in_film for take in load(f"{SHOTS}film: {{order: [walk, '*']}}\n").takes)


def test_takes_of_a_shot_stay_together_and_the_order_is_no_part_of_a_request() -> None:
    shots = "shots: [{id: kitten, matrix: {seed: [1, 2]}}, {id: walk}]\n"
    plain, moved = load(shots), load(f"film: {{order: [walk, kitten]}}\n{shots}")
    assert [take.id for take in moved.takes] == ["walk", "kitten@seed=1", "kitten@seed=2"]
    assert {take.id: take.fingerprint for take in moved.takes} == {take.id: take.fingerprint for take in plain.takes}


def test_a_shot_that_cannot_be_read_yet_is_not_missing_from_the_order() -> None:
    broken = "shots: [{id: kitten}, {id: night_1, fps: 3}]\nfilm: {order: [kitten, night_1, 'night*', 'dusk*']}\n"
    assert [problem.what for problem in refused(broken)] == [
        "'fps' is not a field of the shot",
        "no shot matches 'dusk*'",
    ]


def test_only_the_order_of_the_manifest_itself_counts(folder: Path) -> None:
    (folder / "part.yaml").write_text("kfpipe: 1\nfilm: {order: [b, a]}\nshots: [{id: a}, {id: b, seed: 1}]\n", "utf-8")
    loaded = load("include: [part.yaml]\n")
    assert [take.id for take in loaded.takes] == ["a", "b"]
    (warning,) = loaded.warnings
    assert (warning.file, warning.position and warning.position.line, "`film`" in warning.what) == (
        "part.yaml",
        2,
        True,
    )


def test_what_is_said_of_the_film_arrives_typed() -> None:
    film = "{order: ['*'], transition: dissolve, transition_s: 0.25, music: sound/./film.mp3, size: 1280x720}"
    assert load(f"{SHOTS}film: {film}\n").manifest.film == FilmSettings(
        order=("*",),
        transition=Transition.DISSOLVE,
        transition_s=Decimal("0.25"),
        music="sound/film.mp3",
        size=PictureSize(width_px=1280, height_px=720),
    )
