"""What a request may hold: everything else is accepted, and fails inside its task."""

from __future__ import annotations

import io

import av
import pytest
from PIL import Image

from kfpipe.emulator.errors import TaskRefused
from kfpipe.emulator.film.scene import RemoteFile
from kfpipe.emulator.model_file import shelf
from kfpipe.emulator.validation import order, output_size
from tests.support import recordings

MODELS = shelf().models["emulator"]
URL = "https://pictures.example/a.png"


def wan27(*roles, **parameters):
    media = [{"type": role, "url": URL} for role in roles or ("first_frame", "last_frame")]
    return {"input": {"media": media}, "parameters": parameters}


def ordered(body, model="wan2.7-i2v"):
    return order(MODELS[model], body, RemoteFile)


def sized(first, tier, model="wan3.0-video"):
    return output_size(MODELS[model].size, first, MODELS[model].tiers[tier])


def refused(body, model="wan2.7-i2v"):
    with pytest.raises(TaskRefused) as caught:
        ordered(body, model)
    return caught.value


@pytest.mark.parametrize(
    ("tier", "first", "size"),
    [
        ("720P", (750, 1000), (816, 1104)),
        ("720P", (1920, 1080), (1280, 720)),
        ("1080P", (1920, 1080), (1920, 1072)),
        ("1080P", (1080, 1920), (1072, 1920)),
        ("480P", (1600, 900), (736, 400)),
        ("480P", (500, 500), (544, 544)),
        ("720P", (1500, 1000), (1168, 768)),
    ],
)
def test_the_first_frame_shapes_the_video_and_the_tier_sizes_it(tier, first, size):
    assert sized(first, tier) == size


def test_defaults_are_the_service_s_own():
    made = ordered({"input": {"media": [{"type": "first_frame", "url": URL}], "prompt": None}})
    assert (made.tier, made.seconds, made.seed) == ("1080P", 5, None)
    assert (made.prompt, made.prompt_extend, made.watermark) == (None, True, False)
    assert ordered({"input": {"first_frame_url": URL}}, "wan2.2-kf2v-flash").tier == "720P"


def test_unknown_fields_pass():
    body = wan27(enable_thinking=True)
    body["input"].update(extend_prompt=True, function="video-synthesis")
    assert ordered({**body, "surprise": 1}).seconds == 5


def test_prompts_are_cut_without_a_word():
    body = wan27()
    body["input"].update(prompt="x" * 6000, negative_prompt="y" * 600)
    assert len(ordered(body).prompt or "") == 5000
    assert len(ordered(body).negative_prompt or "") == 500


@pytest.mark.parametrize(
    "roles",
    [
        ("first_frame",),
        ("first_frame", "driving_audio"),
        ("last_frame", "first_frame"),
        ("first_frame", "last_frame", "driving_audio"),
        ("first_clip",),
        ("first_clip", "last_frame"),
    ],
)
def test_these_media_go_together(roles):
    assert set(ordered(wan27(*roles)).media) == set(roles)


@pytest.mark.parametrize(
    "roles",
    [
        ("last_frame",),
        ("driving_audio",),
        ("first_clip", "driving_audio"),
        ("first_clip", "first_frame"),
        ("first_frame", "first_frame"),
        ("first_frame", "reference_image"),
    ],
)
def test_no_other_media_go_together(roles):
    assert refused(wan27(*roles)).code == "InvalidParameter"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Field required: input"),
        ({"input": {}}, "Field required: input.media"),
        ({"input": {"img_url": URL}}, "Field required: input.media"),
        ({"input": {"media": [{"url": URL}]}}, "Field required: input.media.0.type"),
        ({"input": {"media": [{"type": "first_frame"}]}}, "Field required: input.media.0.url"),
        (wan27(resolution="480P"), "resolution must be one of 720P, 1080P"),
        (wan27(resolution="720p"), "resolution must be one of 720P, 1080P"),
        (wan27(duration=16), "duration must be an integer from 2 to 15"),
        (wan27(duration=1), "duration must be an integer from 2 to 15"),
        (wan27(duration="5"), "duration must be an integer from 2 to 15"),
        (wan27(duration=5.0), "duration must be an integer from 2 to 15"),
        (wan27(seed=-1), "seed must be an integer from 0 to 2147483647"),
        (wan27(seed=2**31), "seed must be an integer from 0 to 2147483647"),
        (wan27(watermark="yes"), "watermark must be a boolean"),
    ],
)
def test_a_bad_field_is_named(body, message):
    assert str(refused(body)) == f"InvalidParameter: {message}"


def test_a_keyframe_model_needs_a_first_frame():
    assert refused({"input": {"last_frame_url": URL}}, "wan2.2-kf2v-flash").message.endswith("input.first_frame_url")


def test_a_keyframe_clip_is_five_seconds_long_whatever_is_asked_for():
    body = {"input": {"first_frame_url": URL}, "parameters": {"duration": 9}}
    assert ordered(body, "wan2.2-kf2v-flash").seconds == 5


def test_an_effect_needs_no_last_frame_and_a_name_the_model_has():
    body = {"input": {"first_frame_url": URL, "last_frame_url": URL, "template": "solaron"}}
    assert set(ordered(body, "wan2.1-kf2v-plus").media) == {"first_frame"}
    body["input"]["template"] = "sunburn"
    assert refused(body, "wan2.1-kf2v-plus").code == "InvalidParameter"
    body["input"]["template"] = "solaron"
    assert refused(body, "wan2.2-kf2v-flash").code == "InvalidParameter"


def test_a_wan_3_clip_may_be_long_silent_small_and_of_a_shape_of_its_own():
    body = wan27(duration=30, audio=False, resolution="480P", ratio="1:1")
    body["input"].update(prompt="x" * 20_001, negative_prompt="dropped")
    made = ordered(body, "wan3.0-video")
    assert (made.seconds, made.has_sound, made.tier, made.ratio) == (30, False, "480P", "1:1")
    assert (made.width_px, made.height_px) == sized((1, 1), "480P")
    assert (len(made.prompt or ""), made.negative_prompt) == (20_000, None)


def test_a_wan_3_clip_is_like_its_first_frame_with_sound_unless_told_otherwise():
    made = ordered(wan27(), "wan3.0-video-prime")
    assert (made.seconds, made.has_sound, made.tier, made.ratio) == (5, True, "1080P", "16:9")
    assert 2 <= ordered(wan27(duration=-1), "wan3.0-video").seconds <= 30


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (wan27("first_frame", "reference_image"), "The two modes are mutually exclusive"),
        (wan27("first_frame", "last_frame", "reference_video"), "The two modes are mutually exclusive"),
        (wan27("reference_image"), "references are not emulated"),
        (wan27("first_frame", "driving_audio"), "first_frame + driving_audio is not a supported combination"),
        (wan27("first_clip"), "first_clip is not a supported combination"),
        (wan27(ratio="2:1"), "ratio must be one of adaptive, 16:9"),
        (wan27(audio="on"), "audio must be a boolean"),
        (wan27(duration=31), "duration must be an integer from 2 to 30"),
        (wan27(duration=0), "duration must be an integer from 2 to 30"),
        (wan27(resolution="4K"), "resolution must be one of 480P, 720P, 1080P"),
    ],
)
def test_what_wan_3_does_not_take_is_named(body, message):
    refusal = refused(body, "wan3.0-video")
    assert refusal.code == "InvalidParameter"
    assert message in refusal.message


def test_no_other_model_chooses_its_length_or_has_a_shape_or_silence():
    assert refused(wan27(duration=-1)).code == "InvalidParameter"
    made = ordered(wan27(audio=False, ratio="1:1"))
    assert (made.has_sound, made.ratio) == (True, None)


def picture(size, mode="RGB", kind="PNG"):
    data = io.BytesIO()
    Image.new(mode, size).save(data, kind)
    return data.getvalue()


@pytest.mark.parametrize(
    ("size", "form", "code"),
    [
        ((239, 400), (), "InvalidImage.ImageSize"),
        ((8001, 1001), (), "InvalidImage.ImageSize"),
        ((3000, 300), (), "InvalidFile.AspectRatio"),
        ((400, 400), ("RGBA",), "InvalidImage.FileFormat"),
        ((400, 400), ("RGB", "GIF"), "InvalidImage.FileFormat"),
        ((400, 400), ("RGB", "TIFF"), "InvalidImage.FileFormat"),
    ],
)
def test_a_frame_that_breaks_a_limit_fails_the_task(shared, bodies, as_uri, size, form, code):
    body = bodies.wan27()
    body["input"]["media"][1]["url"] = as_uri(picture(size, *form))
    assert shared.failure(body)[0] == code


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"not a picture", "InvalidImage.FileFormat"), (picture((400, 400))[:-60], "InvalidFile.Openerror")],
)
def test_a_frame_that_cannot_be_opened_fails_the_task(shared, bodies, as_uri, content, code):
    body = bodies.wan27()
    body["input"]["media"][1]["url"] = as_uri(content)
    assert shared.failure(body)[0] == code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "WEBP"])
def test_a_frame_may_have_any_of_four_formats(shared, bodies, as_uri, kind):
    body = bodies.kf2v()
    body["input"]["first_frame_url"] = as_uri(picture((320, 240), "RGB", kind))
    assert shared.finish(shared.make(body))["output"]["task_status"] == "SUCCEEDED"


def test_a_frame_that_is_too_heavy_fails_the_task(shared, bodies):
    heavy = picture((2000, 1900), "RGB", "BMP")
    policy = shared.http.get("uploads", params={"action": "getPolicy", "model": "wan2.2-kf2v-flash"}).json()["data"]
    fields = {
        "OSSAccessKeyId": policy["oss_access_key_id"],
        "Signature": policy["signature"],
        "policy": policy["policy"],
        "key": f"{policy['upload_dir']}/heavy.bmp",
    }
    shared.http.post(policy["upload_host"], data=fields, files={"file": heavy})
    body = bodies.kf2v()
    body["input"]["first_frame_url"] = f"oss://{fields['key']}"
    response = shared.submit(body, headers={"X-DashScope-OssResourceResolve": "enable"})
    assert shared.finish(response.json()["output"]["task_id"])["output"]["code"] == "InvalidFile.Size"


def test_a_data_uri_beyond_ten_megabytes_fails_the_task(shared, bodies, as_uri):
    body = bodies.wan27()
    body["input"]["media"][0]["url"] = as_uri(picture((2000, 1900), "RGB", "BMP"))
    assert "data-uri" in shared.failure(body)[1]


@pytest.mark.parametrize("url", ["file:///a.png", "ftp://host.example/a.png", "a.png", "data:image/png;base64,%%"])
def test_any_other_address_fails_the_task(shared, bodies, url):
    body = bodies.wan27()
    body["input"]["media"][0]["url"] = url
    assert shared.failure(body)[0] in ("InvalidURL", "InvalidParameter")


def test_a_remote_frame_is_drawn_and_in_strict_mode_out_of_reach(start, bodies):
    body = bodies.wan27()
    body["input"]["media"][0]["url"] = URL
    lenient, strict = start(), start(strict=True)
    assert lenient.finish(lenient.make(body))["output"]["task_status"] == "SUCCEEDED"
    assert strict.failure(body) == ("InvalidParameter", f"Failed to download {URL}")


def test_a_clip_that_is_continued_counts_towards_the_length(shared, bodies, as_uri, tmp_path):
    clip = tmp_path / "clip.mp4"
    with av.open(clip, "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        for _ in range(30):
            container.mux(video.encode(av.VideoFrame.from_image(Image.new("RGB", (320, 240), "navy"))))
        container.mux(video.encode(None))
    body = bodies.wan27(duration=5)
    body["input"]["media"][0] = {"type": "first_clip", "url": as_uri(clip.read_bytes())}
    usage = shared.finish(shared.make(body))["usage"]
    assert (usage["duration"], usage["input_video_duration"], usage["output_video_duration"]) == (5, 3, 2)
    body["parameters"]["duration"] = 3
    assert shared.failure(body)[0] == "InvalidParameter"


def test_titles_that_are_not_utf_8_are_taken(shared, bodies, as_uri, tmp_path):
    clip = recordings.clip(tmp_path / "clip.mp4", seconds=2, title=recordings.LATIN_TITLE)
    sound = recordings.sound(tmp_path / "sound.wav", seconds=3, title=recordings.LATIN_TITLE)
    going_on, driven = bodies.wan27(duration=3), bodies.wan27(duration=3)
    going_on["input"]["media"][0] = {"type": "first_clip", "url": as_uri(clip.read_bytes())}
    driven["input"]["media"].append({"type": "driving_audio", "url": as_uri(sound.read_bytes())})
    for body in (going_on, driven):
        assert shared.finish(shared.make(body))["output"]["task_status"] == "SUCCEEDED"
