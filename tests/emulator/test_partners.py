"""Other makers' models and Wan's older ones: each family's request, clip, answer and bill are the reference's."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import av
import pytest

from kfpipe.emulator import Settings
from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.scene import RemoteFile
from kfpipe.emulator.model_file import shelf
from kfpipe.emulator.validation import order, output_size

A, B = "https://assets.example.com/shot012/a.png", "https://assets.example.com/shot012/b.png"
PROMPT = "The lamp is switched on and the room fills with warm light."
MODELS = shelf().models["emulator"]

KLING = "kling/kling-v3-video-generation"
OMNI = "kling/kling-v3-omni-video-generation"
TURBO = "kling/kling-v3-turbo-video-generation"
MINIMAX = "MiniMax/MiniMax-H3"
V6, C1, V56 = (f"pixverse/pixverse-{name}-kf2v" for name in ("v6", "c1", "v5.6"))
Q3, Q3_TURBO = (f"vidu/viduq3-{name}_start-end2video" for name in ("pro", "turbo"))
Q2, Q2_TURBO = (f"vidu/viduq2-{name}_start-end2video" for name in ("pro", "turbo"))
HORSE, OLD_HORSE = "happyhorse-1.1-i2v", "happyhorse-1.0-i2v"


def roles(model, *names, **parameters):
    media = [{"type": name, "url": B if name == "last_frame" else A} for name in names]
    return {"model": model, "input": {"prompt": PROMPT, "media": media}, "parameters": parameters}


def both(model, **parameters):
    return roles(model, "first_frame", "last_frame", **parameters)


def alone(model, **parameters):
    return roles(model, "first_frame", **parameters)


def images(model, **parameters):
    media = [{"type": "image", "url": A}, {"type": "image", "url": B}]
    return {"model": model, "input": {"prompt": PROMPT, "media": media}, "parameters": parameters}


def img_url(model, **parameters):
    return {"model": model, "input": {"prompt": PROMPT, "img_url": A}, "parameters": parameters}


class Case(NamedTuple):
    body: dict[str, Any]
    size: tuple[int, int]
    frames: int
    sound: bool
    usage: dict[str, Any]
    usd: str  # for a second, in play money
    rate: int = 24


def measured(sr, seconds, size, *, audio):
    return {"duration": seconds, "size": size, "fps": 24, "video_count": 1, "audio": audio, "SR": sr}


def vidu(sr, seconds, size, *, audio=False):
    return {**measured(sr, seconds, size, audio=audio), "output_video_duration": seconds}


def minimax(sr, seconds, size):
    made = {"duration": seconds, "total_seconds": seconds, "input_seconds": 0, "output_seconds": seconds}
    return {**made, "image_count": 0, "size": size, "video_count": 1, "SR": sr}


def parts(sr, seconds, **more):
    made = {"duration": seconds, "input_video_duration": 0, "output_video_duration": seconds}
    return {**made, "video_count": 1, "SR": sr, **more}


def wan22(sr):
    return {"duration": 5, "video_count": 1, "SR": sr}


def wan21(seconds):
    return {"video_duration": seconds, "video_ratio": "standard", "video_count": 1}


HD, SD = (1280, 720), (736, 400)
STD = {"mode": "std", "duration": 3}
SMALL = {"resolution": "540P", "duration": 1}
SILENT, LOUD = measured("720", 3, "1280*720", audio=False), measured("720", 3, "1280*720", audio=True)
CASES = [
    Case(both(KLING, audio=False, watermark=False, **STD), HD, 72, False, SILENT, "0.100"),
    Case(both(OMNI, audio=True, **STD), HD, 72, True, LOUD, "0.150"),
    Case(alone(TURBO, **STD), HD, 72, True, LOUD, "0.134"),
    Case(both(MINIMAX, resolution="768P", duration=4), (1344, 768), 96, True, minimax("768", 4, "1344*768"), "0.084"),
    Case(both(V6, resolution="360P", duration=1, audio=True, seed=4711), (640, 360), 25, True,
         measured("360", 1, "640*360", audio=True), "0.035"),
    Case(both(C1, audio=False, **SMALL), (1024, 576), 25, False, measured("540", 1, "1024*576", audio=False), "0.040"),
    Case(both(V56, resolution="360P", duration=5), (640, 360), 121, False,
         measured("360", 5, "640*360", audio=False), "0.035"),
    Case(images(Q3, audio=True, **SMALL), (960, 540), 25, True, vidu("540", 1, "960*540", audio=True), "0.053"),
    Case(images(Q3_TURBO, audio=False, **SMALL), (960, 540), 25, False, vidu("540", 1, "960*540"), "0.042"),
    Case(images(Q2, **SMALL), (960, 540), 25, False, vidu("540", 1, "960*540"), "0.027"),
    Case(images(Q2_TURBO, duration=1), HD, 25, False, vidu("720", 1, "1280*720"), "0.042"),
    Case(alone(HORSE, resolution="480P", duration=3, watermark=False), (740, 416), 72, True, parts(480, 3), "0.07"),
    Case(alone(OLD_HORSE, resolution="720P", duration=3, watermark=False), HD, 72, True, parts(720, 3), "0.14"),
    Case(img_url("wan2.6-i2v", resolution="720P", duration=2), HD, 60, True, parts(720, 2), "0.10", 30),
    Case(img_url("wan2.6-i2v-flash", resolution="720P", duration=2, audio=False), HD, 60, False,
         parts(720, 2, audio=False), "0.025", 30),
    Case(img_url("wan2.5-i2v-preview", resolution="480P", duration=5), SD, 150, True, wan22(480), "0.05", 30),
    Case(img_url("wan2.2-i2v-flash", resolution="480P"), SD, 150, False, wan22(480), "0.015", 30),
    Case(img_url("wan2.2-i2v-plus", resolution="480P"), SD, 150, False, wan22(480), "0.02", 30),
    Case(img_url("wanx2.1-i2v-turbo", resolution="480P", duration=3), SD, 90, False, wan21(3), "0.036", 30),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.body["model"])
def test_every_family_s_request_becomes_its_clip_its_answer_and_its_bill(shared, case):
    task_id = make(shared, case.body)
    answer = shared.finish(task_id)
    assert answer["output"]["task_status"] == "SUCCEEDED"
    assert answer["usage"] == case.usage
    assert {name: type(value) for name, value in answer["usage"].items()} == {
        name: type(value) for name, value in case.usage.items()
    }
    task = next(task for task in shared.emulator.account.tasks() if task.id == task_id)
    with av.open(task.film.result().path) as clip:
        video = clip.streams.video[0]
        assert (video.width, video.height, video.frames) == (*case.size, case.frames)
        assert video.average_rate == Fraction(case.rate)
        assert bool(clip.streams.audio) is case.sound
    charge = next(charge for charge in shared.emulator.bill().charges if charge.task_id == task_id)
    seconds = case.usage.get("duration", case.usage.get("video_duration"))
    assert (charge.unit_price, charge.amount) == (Decimal(case.usd), seconds * Decimal(case.usd))


def make(caller, body):
    """The task of a request on the one path that all of these models have."""
    response = caller.submit(body, route="video-generation")
    assert response.status_code == 200, response.text
    return response.json()["output"]["task_id"]


def test_no_model_of_the_reference_is_without_such_a_case():
    shown = {case.body["model"] for case in CASES}
    others = {name for name, model in MODELS.items() if name not in shown}
    assert others == {
        "wan2.7-i2v", "wan2.7-i2v-2026-04-25", "wan3.0-video", "wan3.0-video-prime", "wan2.2-kf2v-flash",
        "wanx2.1-kf2v-plus", "wan2.1-kf2v-plus", "wanx2.1-i2v-plus", "wan2.1-i2v-turbo", "wan2.1-i2v-plus",
        "wan2.6-i2v-us",
    }  # fmt: skip


CNY = [
    (KLING, {"720P": ("0.60", "0.90"), "1080P": ("0.80", "1.20"), "4K": ("3.00", "3.00")}),
    (OMNI, {"720P": ("0.60", "0.90"), "1080P": ("0.80", "1.20"), "4K": ("3.00", "3.00")}),
    (TURBO, {"720P": ("0.80",), "1080P": ("1.00",)}),
    (MINIMAX, {"768P": ("0.50",), "2K": ("0.80",)}),
    (HORSE, {"480P": ("0.45",), "720P": ("0.90",), "1080P": ("1.20",)}),
    (OLD_HORSE, {"720P": ("0.90",), "1080P": ("1.60",)}),
    ("wan2.6-i2v", {"720P": ("0.60",), "1080P": ("1.00",)}),
    ("wan2.6-i2v-flash", {"720P": ("0.15", "0.30"), "1080P": ("0.25", "0.50")}),
    ("wan2.5-i2v-preview", {"480P": ("0.30",), "720P": ("0.60",), "1080P": ("1.00",)}),
    ("wan2.2-i2v-flash", {"480P": ("0.10",), "720P": ("0.20",), "1080P": ("0.48",)}),
    ("wan2.2-i2v-plus", {"480P": ("0.14",), "1080P": ("0.70",)}),
    ("wanx2.1-i2v-turbo", {"480P": ("0.24",), "720P": ("0.24",)}),
    ("wanx2.1-i2v-plus", {"720P": ("0.70",)}),
    (C1, {"360P": ("0.18", "0.24"), "540P": ("0.24", "0.30"), "720P": ("0.30", "0.39"), "1080P": ("0.56", "0.71")}),
    (V6, {"360P": ("0.15", "0.21"), "540P": ("0.21", "0.27"), "720P": ("0.27", "0.36"), "1080P": ("0.53", "0.68")}),
    (V56, {"360P": ("0.21", "0.47"), "540P": ("0.21", "0.47"), "720P": ("0.27", "0.53"), "1080P": ("0.44", "0.70")}),
    (Q3, {"540P": ("0.3125",), "720P": ("0.78125",), "1080P": ("0.9375",)}),
    (Q3_TURBO, {"540P": ("0.25",), "720P": ("0.375",), "1080P": ("0.4375",)}),
    (Q2, {"540P": ("0.15625",), "720P": ("0.34375",), "1080P": ("0.71875",)}),
    (Q2_TURBO, {"540P": ("0.0875",), "720P": ("0.25",), "1080P": ("0.46875",)}),
]


@pytest.mark.parametrize(("model", "prices"), CNY)
def test_beijing_charges_what_the_price_page_lists_by_tier_and_sound(model, prices):
    tariff = shelf().tariffs["beijing"]
    assert {tier.name for tier in MODELS[model].tiers.values()} == {*prices}
    for tier, listed in prices.items():
        silent, sound = (tariff.unit_price(model, tier, has_sound=has_sound) for has_sound in (False, True))
        assert (silent, sound) == (Decimal(listed[0]), Decimal(listed[-1]))


def refused(body, *switches):
    with pytest.raises(TaskRefused) as caught:
        ordered(body, *switches)
    return caught.value.message


def ordered(body, *switches):
    return order(MODELS[body["model"]], body, RemoteFile, Settings(switches=switches).switches)


def without(body, section, name):
    return {**body, section: {key: value for key, value in body[section].items() if key != name}}


def prompted(body, prompt):
    return {**body, "input": {**body["input"], "prompt": prompt}}


PIXVERSE = both(V6, resolution="360P", duration=1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (both(KLING, mode="720P"), "mode must be one of std, pro, 4k"),
        (both(KLING, mode="4K"), "mode must be one of std, pro, 4k"),
        (alone(TURBO, mode="4k"), "mode must be one of std, pro"),
        (both(TURBO), "first_frame + last_frame is not a supported combination"),
        (roles(KLING, "last_frame"), "last_frame is not a supported combination"),
        (both(KLING, duration=2), "duration must be an integer from 3 to 15"),
        (both(KLING, duration="10"), "duration must be an integer from 3 to 15"),
        (both(KLING, audio="true"), "audio must be a boolean"),
        (prompted(both(KLING), "灯" * 2501), "input.prompt must not be longer than 2500 characters"),
        (both(MINIMAX, duration=4), "Field required: parameters.resolution"),
        (both(MINIMAX, resolution="768P"), "Field required: parameters.duration"),
        (both(MINIMAX, resolution="2k", duration=4), "resolution must be one of 768P, 2K"),
        (both(MINIMAX, resolution="2K", duration=3), "duration must be an integer from 4 to 15"),
        (prompted(both(MINIMAX, resolution="2K", duration=4), ""), "Field required: input.prompt"),
        (prompted(both(MINIMAX, resolution="2K", duration=4), "x" * 7001), "must not be longer than 7000"),
        (roles(MINIMAX, "first_frame", "driving_audio", resolution="2K", duration=4), "mutually exclusive"),
        (alone(OLD_HORSE, resolution="480P"), "resolution must be one of 720P, 1080P"),
        (both(HORSE), "first_frame + last_frame is not a supported combination"),
        (without(PIXVERSE, "parameters", "resolution"), "Field required: parameters.resolution"),
        (without(PIXVERSE, "parameters", "duration"), "Field required: parameters.duration"),
        (without(PIXVERSE, "input", "prompt"), "Field required: input.prompt"),
        (alone(V6, resolution="360P", duration=1), "first_frame is not a supported combination"),
        (images(V6, resolution="360P", duration=1), "image is given more than once"),
        (both(V56, resolution="720P", duration=6), "duration must be one of 5, 8, 10"),
        (both(V56, resolution="1080P", duration=10), "duration must be one of 5, 8"),
        (both(Q3), "exactly two items of type image"),
        ({**images(Q3), "input": {"prompt": PROMPT, "media": images(Q3)["input"]["media"] * 2}}, "exactly two items"),
        (without(images(Q2), "input", "prompt"), "Field required: input.prompt"),
        (images(Q2, resolution="360P"), "resolution must be one of 540P, 720P, 1080P"),
        (images(Q2, duration=11), "duration must be an integer from 1 to 10"),
        (images(Q3, duration=17), "duration must be an integer from 1 to 16"),
        (alone("wan2.6-i2v"), "Field required: input.img_url"),
        (img_url("wan2.6-i2v-us", duration=7), "duration must be one of 5, 10, 15"),
        (img_url("wan2.5-i2v-preview", duration=7), "duration must be one of 5, 10"),
        (img_url("wan2.2-i2v-plus", resolution="720P"), "resolution must be one of 480P, 1080P"),
    ],
)  # fmt: skip
def test_what_a_model_does_not_take_fails_its_task(body, message):
    assert message in refused(body)


def test_defaults_are_each_family_s_own():
    assert (ordered(both(KLING)).tier, ordered(both(KLING)).has_sound) == ("1080P", False)
    assert ordered(alone(TURBO, audio=False)).has_sound
    assert ordered(alone(HORSE)).watermark
    assert ordered(without(alone(HORSE), "input", "prompt")).prompt is None
    vidu_made = ordered(without(images(Q3), "parameters", "duration"))
    assert (vidu_made.tier, vidu_made.seconds, vidu_made.has_sound) == ("720P", 5, False)
    assert not ordered(images(Q2, audio=True)).has_sound
    assert ordered(roles(MINIMAX, "last_frame", resolution="768P", duration=4, ratio="1:1")).width_px == 1344


def test_the_first_of_two_images_is_the_first_frame():
    assert {role: file.url for role, file in ordered(images(Q3)).media.items()} == {"first_frame": A, "last_frame": B}


def test_a_prompt_is_cut_or_refused_as_the_page_says_and_a_switch_turns_it():
    cut = ordered(prompted(PIXVERSE, "x" * 6000)).prompt
    assert len(cut or "") == 5000
    assert "must not be longer" in refused(prompted(PIXVERSE, "x" * 6000), "prompt-refused")
    assert len(ordered(prompted(both(KLING), "x" * 2600), "prompt-cut").prompt or "") == 2500


@pytest.mark.parametrize(("letter", "kept"), [("x", 5000), ("灯", 2500), ("灯x", 3333)])
def test_a_chinese_character_counts_twice_at_happyhorse(letter, kept):
    made = ordered(prompted(alone(HORSE), letter * 3000 * 2))
    assert len(made.prompt or "") == kept


@pytest.mark.parametrize(
    ("model", "tier", "shape", "size"),
    [
        (MINIMAX, "768P", (1920, 1080), (1344, 768)),
        (MINIMAX, "768P", (1080, 1920), (768, 1344)),
        (MINIMAX, "2K", (1920, 1080), (2560, 1440)),
        (KLING, "4k", (1920, 1080), (3840, 2160)),
        (KLING, "pro", (1000, 1000), (1440, 1440)),
        (V56, "720P", (1600, 1200), (1280, 960)),
        (V56, "720P", (1200, 1600), (960, 1280)),
        (V6, "360P", (1600, 1200), (640, 480)),
        (V6, "720P", (1600, 1200), (1108, 832)),
        (V6, "1080P", (1600, 1200), (1664, 1248)),
        (V6, "1080P", (500, 500), (1440, 1440)),
        (Q3, "540P", (1920, 1080), (960, 540)),
        (Q3, "1080P", (1080, 1920), (1080, 1920)),
        ("wan2.6-i2v", "720P", (750, 1000), (816, 1104)),
    ],
)  # fmt: skip
def test_a_size_follows_its_maker_s_rule(model, tier, shape, size):
    assert output_size(MODELS[model].size, shape, MODELS[model].tiers[tier]) == size
