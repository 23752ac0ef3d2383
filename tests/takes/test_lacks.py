"""What is asked for and a model does not have: told at its place, with what it has instead, before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kfpipe import project
from kfpipe.errors import Problem, Refused, Severity
from kfpipe.project import Options, Project
from tests.support import stills

KLING, KLING_TURBO = "kling/kling-v3-video-generation", "kling/kling-v3-turbo-video-generation"
VIDU, VIDU_SILENT = "vidu/viduq3-pro_start-end2video", "vidu/viduq2-pro_start-end2video"
PIXVERSE, OLD_PIXVERSE = "pixverse/pixverse-v6-kf2v", "pixverse/pixverse-v5.6-kf2v"
MINIMAX, HORSE = "MiniMax/MiniMax-H3", "happyhorse-1.1-i2v"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stills.save(tmp_path, {"a.png": "navy", "b.png": "teal"}, stills.HD)
    stills.save(tmp_path, {"small.png": "teal"})
    return tmp_path


def loaded(model: str, *, region: str = "beijing", top: dict[str, Any] | None = None, **fields: Any) -> Project:
    both = {"first_frame": "a.png", "last_frame": "b.png", "prompt": "Up."}
    shot = {"id": "a", "model": model, **both, **fields}
    manifest = {"kfpipe": 1, "provider": {"name": "dashscope", "region": region}, **(top or {}), "shots": [shot]}
    Path("film.yaml").write_text(json.dumps(manifest), "utf-8")
    return project.load(Path("film.yaml"), Options())


def problem(model: str, **fields: Any) -> Problem:
    with pytest.raises(Refused) as caught:
        loaded(model, **fields)
    (found,) = (one for one in caught.value.problems if one.severity is Severity.ERROR)
    assert found.position is not None
    return found


def test_what_the_defaults_say_is_put_right_for_the_one_model_of_a_matrix_that_lacks_it(folder: Path) -> None:
    top, models = {"defaults": {"resolution": "720P"}}, {"model": ["wan2.7-i2v", MINIMAX]}
    assert problem("wan2.7-i2v", top=top, matrix=models).fix == f"write `models: {{{MINIMAX}: {{resolution: 768P}}}}`"
    loaded("wan2.7-i2v", top={**top, "models": {MINIMAX: {"resolution": "768P"}}}, matrix=models)


ERRORS: list[tuple[str, dict[str, Any], str, str | None, str]] = [
    (KLING, {"region": "singapore"}, "not offered in the region singapore", None, "region beijing"),
    (KLING, {"resolution": "480P"}, "'480P' is not offered", "720P, 1080P or 4K", "resolution: 720P"),
    (KLING, {"resolution": "4k"}, "'4k' is not offered", "720P, 1080P or 4K", "resolution: 4K"),
    (KLING_TURBO, {"resolution": "4K", "last_frame": None}, "'4K' is not", "720P or 1080P", "resolution: 1080P"),
    (MINIMAX, {"resolution": "720P"}, "'720P' is not offered", "768P or 2K", "resolution: 768P"),
    (MINIMAX, {"resolution": "4K"}, "'4K' is not offered", "768P or 2K", "resolution: 2K"),
    (KLING, {"duration": 2}, "a clip of 2 s", "3 to 15 s", "duration: 3"),
    (VIDU, {"duration": 17}, "a clip of 17 s", "1 to 16 s", "duration: 16"),
    (OLD_PIXVERSE, {"duration": 7, "audio": False}, "a clip of 7 s", "5, 8 or 10 s", "duration: 8"),
    (
        OLD_PIXVERSE,
        {"duration": 10, "resolution": "1080P", "audio": False},
        "a clip of 10 s at 1080P",
        "5 or 8 s",
        "duration: 8",
    ),
    (KLING, {"prompt": "", "audio": False}, "no prompt, but", "`prompt`", "describe"),
    (KLING, {"prompt": "x" * 2501, "audio": False}, "2,501 characters", "at most 2,500", "by 1: it is refused"),
    (PIXVERSE, {"prompt": "x" * 5001, "audio": False}, "5,001 characters", "at most 5,000", "cut off the end"),
    (HORSE, {"prompt": "\u732b" * 2501, "last_frame": None}, "5,002 characters", "at most 5,000", "by 2"),
    (VIDU, {"last_frame": "small.png"}, "4.00 to 1 in pixels", "0.8 to 1.25 times", "1280x720"),
    (VIDU_SILENT, {"audio": True}, "makes no sound", "`audio: false`", "like wan2.7-i2v"),
    (MINIMAX, {"resolution": "2K", "audio": False}, "always makes sound", "`audio: true`", "delete the line"),
    (KLING, {"seed": 7, "audio": False}, "does not have a seed", None, "variant: [1, 2]"),
    (VIDU, {"seed": 0}, "may stand for a random one", "1 or more", "seed: 1"),
    (KLING, {"prompt_extend": True, "audio": False}, "`prompt_extend`", None, "prompt_extend: false"),
    (PIXVERSE, {"negative_prompt": "blurry", "audio": False}, "a negative prompt", None, "delete it"),
    (KLING_TURBO, {}, "does not accept `last_frame`", "first_frame", "like wan2.7-i2v"),
    (PIXVERSE, {"last_frame": None, "audio": False}, "there is no last frame", "`last_frame`", "last_frame:"),
]


@pytest.mark.parametrize(("model", "fields", "what", "expected", "fix"), ERRORS, ids=lambda value: str(value)[:40])
def test_what_a_model_lacks_is_an_error_with_the_nearest_that_it_has(
    folder: Path, model: str, fields: dict[str, Any], what: str, expected: str | None, fix: str
) -> None:
    fields = {**({} if "resolution" in fields or model != MINIMAX else {"resolution": "768P"}), **fields}
    found = problem(model, **fields)
    assert what in found.what
    assert expected is None or expected in (found.expected or "")
    assert fix in (found.fix or "")


def test_what_holds_for_many_shots_is_not_sent_to_a_model_that_lacks_it(folder: Path) -> None:
    shared = {"seed": 7, "prompt_extend": True, "negative_prompt": "blurry"}
    made = loaded(KLING_TURBO, top={"defaults": shared}, last_frame=None)
    (take,) = made.takes
    assert (take.request.parameters.seed, take.request.parameters.prompt_extend) == (None, None)
    assert take.request.negative_prompt == ""
    told = {one.position.column if one.position else 0: one.what for one in made.warnings}
    assert len(told) == 3
    assert all("not sent to it" in what for what in told.values())
    bare = loaded(KLING_TURBO, last_frame=None)
    assert not bare.warnings
    assert bare.takes[0].fingerprint == take.fingerprint


def test_a_price_that_depends_on_sound_is_told_where_nobody_says_it(folder: Path) -> None:
    (warning,) = loaded(PIXVERSE).warnings
    assert "720P costs 0.27 without sound and 0.36 with it (CNY per second)" in warning.what
    assert warning.expected == "`audio: true` or `audio: false`"
    assert not loaded(PIXVERSE, audio=True).warnings
    assert not loaded(KLING, resolution="4K").warnings  # where sound is free


@pytest.mark.parametrize(
    ("model", "fields", "cost"),
    [
        (KLING, {"resolution": "1080P", "audio": False}, "4.00"),
        (KLING, {"resolution": "1080P", "audio": True}, "6.00"),
        (KLING, {"resolution": "4K", "audio": True}, "15.00"),
        (PIXVERSE, {"audio": True, "duration": 7}, "2.52"),
        ("vidu/viduq2-pro_start-end2video", {"resolution": "540P", "duration": 7}, "1.09375"),
    ],
)
def test_a_take_costs_what_its_tier_and_its_sound_cost(
    folder: Path, model: str, fields: dict[str, Any], cost: str
) -> None:
    (take,) = loaded(model, **fields).takes
    assert (str(take.cost), take.currency) == (cost, "CNY")


def test_one_line_compares_models_each_with_settings_of_its_own(folder: Path) -> None:
    models = ["wan2.7-i2v", KLING, VIDU]
    own = {KLING: {"resolution": "1080P", "duration": 6, "audio": False}, VIDU: {"resolution": "540P"}}
    made = loaded("wan2.7-i2v", top={"models": own, "defaults": {"seed": 3}}, matrix={"model": models})
    asked = [take.request.parameters for take in made.takes]
    assert [(one.resolution, one.duration_s, one.seed) for one in asked] == [
        ("720P", 5, 3),
        ("1080P", 6, None),
        ("540P", 5, 3),
    ]
    assert [take.output for take in made.takes] == [
        "renders/a@model=wan2.7-i2v.mp4",
        "renders/a@model=kling-kling-v3-video-generation.mp4",
        "renders/a@model=vidu-viduq3-pro_start-end2video.mp4",
    ]


def test_without_a_seed_variants_are_clips_of_their_own_and_a_rename_is_none(folder: Path) -> None:
    made = loaded(KLING, audio=False, matrix={"variant": [1, 2, 3]})
    assert len({take.fingerprint for take in made.takes}) == 3
    assert {take.request.parameters.seed for take in made.takes} == {None}
    assert not any(take.request.draws_seed for take in made.takes)
    renamed = loaded(KLING, id="other", audio=False, matrix={"variant": [1, 2, 3]})
    assert [take.fingerprint for take in renamed.takes] == [take.fingerprint for take in made.takes]


def test_a_prompt_cannot_speak_of_a_seed_that_there_is_not(folder: Path) -> None:
    found = problem(KLING, audio=False, prompt="Take {{ seed }}.")
    assert "`seed`" in found.what
    assert not loaded(KLING, audio=False, prompt="A seed grows.").warnings


@pytest.mark.parametrize(("sound", "cost"), [(False, "3.5"), (True, "5.50")])
def test_a_manifest_gives_prices_by_sound(folder: Path, sound: bool, cost: str) -> None:
    made = loaded(KLING, audio=sound, top={"prices": {KLING: {"720P": {"silent": 0.7, "sound": "1.10"}}}})
    assert [str(take.cost) for take in made.takes] == [cost]
    assert not made.warnings
