"""Every model of the catalogue: a shot, by way of the plan, as the request that is sent; beside what the pages show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kfpipe import project
from kfpipe.domain import MediaRole
from kfpipe.project import Options
from kfpipe.provider import wire
from tests.support import recordings, stills

FIRST, LAST, SOUND = "https://host.example/a.png", "https://host.example/b.png", "https://host.example/voice.mp3"
ROLES = [{"type": "first_frame", "url": FIRST}, {"type": "last_frame", "url": LAST}]
IN_ORDER = [{"type": "image", "url": FIRST}, {"type": "image", "url": LAST}]
PROMPT = "The lamp is switched on."
SEED = 4711

VIDEO = "services/aigc/video-generation/video-synthesis"
KEYFRAMES = "services/aigc/image2video/video-synthesis"

WAN = {"resolution": "720P", "duration": 5, "prompt_extend": False, "watermark": False, "seed": SEED}
WAN26 = {**WAN, "shot_type": "single"}
KLING = {"mode": "std", "duration": 5, "audio": False, "watermark": False}
HAPPY = {"resolution": "720P", "duration": 5, "watermark": False, "seed": SEED}
LOUD = {**HAPPY, "audio": True}

REQUESTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "wan2.7-i2v": (VIDEO, {"media": ROLES}, WAN),
    "wan2.7-i2v-2026-04-25": (VIDEO, {"media": ROLES}, WAN),
    "wan2.2-kf2v-flash": (KEYFRAMES, {"first_frame_url": FIRST, "last_frame_url": LAST}, WAN),
    "wan2.1-kf2v-plus": (KEYFRAMES, {"first_frame_url": FIRST, "last_frame_url": LAST}, WAN),
    "wan3.0-video": (VIDEO, {"media": ROLES}, {**WAN, "audio": True, "ratio": "adaptive"}),
    "wan3.0-video-prime": (VIDEO, {"media": ROLES}, {**WAN, "audio": True, "ratio": "adaptive"}),
    "wan2.6-i2v": (VIDEO, {"img_url": FIRST}, WAN26),
    "wan2.6-i2v-us": (VIDEO, {"img_url": FIRST}, WAN26),
    "wan2.6-i2v-flash": (VIDEO, {"img_url": FIRST}, {**WAN26, "audio": False}),
    "wan2.5-i2v-preview": (VIDEO, {"img_url": FIRST}, WAN),
    "wan2.2-i2v-flash": (VIDEO, {"img_url": FIRST}, WAN),
    "wan2.2-i2v-plus": (VIDEO, {"img_url": FIRST}, {**WAN, "resolution": "480P"}),
    "wan2.1-i2v-turbo": (VIDEO, {"img_url": FIRST}, WAN),
    "wan2.1-i2v-plus": (VIDEO, {"img_url": FIRST}, WAN),
    "kling/kling-v3-video-generation": (VIDEO, {"media": ROLES}, KLING),
    "kling/kling-v3-omni-video-generation": (VIDEO, {"media": ROLES}, KLING),
    "kling/kling-v3-turbo-video-generation": (
        VIDEO,
        {"media": ROLES[:1]},
        {"mode": "std", "duration": 5, "watermark": False},
    ),
    "MiniMax/MiniMax-H3": (VIDEO, {"media": ROLES}, {"resolution": "768P", "duration": 5, "watermark": False}),
    "happyhorse-1.1-i2v": (VIDEO, {"media": ROLES[:1]}, HAPPY),
    "happyhorse-1.0-i2v": (VIDEO, {"media": ROLES[:1]}, HAPPY),
    "pixverse/pixverse-c1-kf2v": (VIDEO, {"media": ROLES}, {**HAPPY, "audio": False}),
    "pixverse/pixverse-v6-kf2v": (VIDEO, {"media": ROLES}, {**HAPPY, "audio": False}),
    "pixverse/pixverse-v5.6-kf2v": (VIDEO, {"media": ROLES}, {**HAPPY, "audio": False}),
    "vidu/viduq3-pro_start-end2video": (VIDEO, {"media": IN_ORDER}, LOUD),
    "vidu/viduq3-turbo_start-end2video": (VIDEO, {"media": IN_ORDER}, LOUD),
    "vidu/viduq2-pro_start-end2video": (VIDEO, {"media": IN_ORDER}, HAPPY),
    "vidu/viduq2-turbo_start-end2video": (VIDEO, {"media": IN_ORDER}, HAPPY),
}
"""Path, media, and parameters of 5 s at 720P, or what comes next to it, with nothing said of sound."""

TIERS = {"MiniMax/MiniMax-H3": "768P", "wan2.2-i2v-plus": "480P"}


def sent(folder: Path, model: str, fields: dict[str, Any], *, region: str | None = None) -> tuple[str, dict[str, Any]]:
    """Where the only shot's request goes, and its body; the files are at addresses of their own."""
    stills.save(folder, {"a.png": "navy", "b.png": "teal"}, stills.HD)
    place = region or "emulator"
    provider = {"name": "emulator"} if place == "emulator" else {"name": "dashscope", "region": place}
    shot = {"id": "a", "model": model, "first_frame": "a.png", "prompt": PROMPT, **fields}
    manifest = folder / "film.yaml"
    manifest.write_text(json.dumps({"kfpipe": 1, "provider": provider, "shots": [shot]}), "utf-8")
    made = project.load(manifest, Options())
    (take,) = made.takes
    found = made.catalogue.models[model]
    addresses = {MediaRole.FIRST_FRAME: FIRST, MediaRole.LAST_FRAME: LAST, MediaRole.DRIVING_AUDIO: SOUND}
    urls = {one.role: addresses[one.role] for one in take.request.media}
    wire_name = found.offers[made.region.name].wire_name
    return wire.submit_path(found), wire.submit_body(take.request, urls, model=found, wire_name=wire_name)


@pytest.mark.parametrize("model", REQUESTS)
def test_a_request_is_what_the_pages_show_and_nothing_else(tmp_path: Path, model: str) -> None:
    path, media, parameters = REQUESTS[model]
    fields: dict[str, Any] = {"resolution": TIERS.get(model, "720P")}
    if "seed" in parameters:
        fields["seed"] = SEED
    if media.get("media") in (ROLES, IN_ORDER) or "last_frame_url" in media:
        fields["last_frame"] = "b.png"
    expected = {"model": model, "input": {"prompt": PROMPT, **media}, "parameters": parameters}
    assert sent(tmp_path, model, fields) == (path, expected)


def test_no_model_of_the_catalogue_is_without_its_request() -> None:
    assert list(REQUESTS) == list(project.catalogue.shipped().models)


@pytest.mark.parametrize(
    ("model", "fields", "field", "value"),
    [
        ("kling/kling-v3-video-generation", {"resolution": "1080P"}, "mode", "pro"),
        ("kling/kling-v3-video-generation", {"resolution": "4K"}, "mode", "4k"),
        ("kling/kling-v3-video-generation", {"resolution": "4K"}, "audio", True),  # sound is free there
        ("kling/kling-v3-video-generation", {"audio": True}, "audio", True),
        ("MiniMax/MiniMax-H3", {"resolution": "2K"}, "resolution", "2K"),
        ("pixverse/pixverse-v6-kf2v", {"audio": True, "last_frame": "b.png"}, "audio", True),
        ("vidu/viduq3-pro_start-end2video", {"audio": False, "last_frame": "b.png"}, "audio", False),
    ],
)
def test_the_users_words_are_spelled_as_the_model_spells_them(
    tmp_path: Path, model: str, fields: dict[str, Any], field: str, value: object
) -> None:
    _, body = sent(tmp_path, model, fields)
    assert body["parameters"][field] == value


def test_a_negative_prompt_goes_to_those_that_take_one(tmp_path: Path) -> None:
    for model in ("kling/kling-v3-video-generation", "wan2.6-i2v"):
        _, body = sent(tmp_path, model, {"negative_prompt": "blurry"})
        assert body["input"]["negative_prompt"] == "blurry"


def test_a_sound_that_is_given_is_heard_although_sound_costs_more(tmp_path: Path) -> None:
    recordings.sound(tmp_path / "voice.wav", seconds=5)
    _, body = sent(tmp_path, "wan2.6-i2v-flash", {"driving_audio": "voice.wav"})
    assert (body["input"]["audio_url"], body["parameters"]["audio"]) == (SOUND, True)


def test_a_last_frame_alone_begins_nothing(tmp_path: Path) -> None:
    _, body = sent(tmp_path, "MiniMax/MiniMax-H3", {"resolution": "768P", "first_frame": None, "last_frame": "b.png"})
    assert body["input"]["media"] == ROLES[1:]


def test_the_name_that_a_region_has_for_a_model_is_sent(tmp_path: Path) -> None:
    _, body = sent(tmp_path, "wan2.1-i2v-turbo", {}, region="beijing")
    assert body["model"] == "wanx2.1-i2v-turbo"
