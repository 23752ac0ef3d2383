"""The official SDK, as it is installed, against the emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from kfpipe.emulator import Emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(film="tiny", factor=10, queue_s=1, run_s=3, enforces_rates=False) as running:
        yield running


@pytest.fixture
def sdk(emulator, monkeypatch):
    """The SDK, set up for the emulator. It is loaded here, because it loads slowly and one worker needs it."""
    import dashscope
    from dashscope.api_entities.http_request import close_shared_sync_session

    monkeypatch.setattr(dashscope, "base_http_api_url", emulator.base_url)
    monkeypatch.setattr(dashscope, "api_key", "sk-test")
    yield dashscope
    close_shared_sync_session()


@pytest.fixture
def frames(tmp_path, stills):
    first, last = tmp_path / "first.png", tmp_path / "last.png"
    for path, data in zip((first, last), stills, strict=True):
        path.write_bytes(data)
    return f"file://{first}", f"file://{last}"


def media(frames):
    return [{"type": role, "url": url} for role, url in zip(("first_frame", "last_frame"), frames, strict=True)]


def is_video(url):
    return httpx.get(url).content[4:8] == b"ftyp"


@pytest.mark.parametrize("model", ["wan2.2-kf2v-flash", "wan2.1-kf2v-plus"])
def test_call_makes_a_clip_between_two_local_frames(sdk, model, frames):
    answer = sdk.VideoSynthesis.call(
        model, "A lamp goes on.", first_frame_url=frames[0], last_frame_url=frames[1], resolution="720P", seed=1
    )
    assert (answer.status_code, answer.output.task_status) == (200, "SUCCEEDED"), answer
    assert answer.usage.video_duration == 5
    assert is_video(answer.output.video_url)


def test_call_makes_a_clip_from_media(sdk, frames):
    answer = sdk.VideoSynthesis.call(
        "wan2.7-i2v", "A lamp goes on.", media=media(frames), resolution="720P", duration=2
    )
    assert (answer.status_code, answer.output.task_status) == (200, "SUCCEEDED"), answer
    assert answer.usage["duration"] == 2
    assert is_video(answer.output.video_url)


def test_call_makes_a_silent_clip_of_wan_3(sdk, frames):
    answer = sdk.VideoSynthesis.call(
        "wan3.0-video", "A lamp goes on.", media=media(frames), resolution="480P", duration=2, audio=False, ratio="1:1"
    )
    assert (answer.status_code, answer.output.task_status) == (200, "SUCCEEDED"), answer
    assert (answer.usage["duration"], answer.usage["fps"], answer.usage["ratio"]) == (2.0, 30, "1:1")
    assert is_video(answer.output.video_url)


def test_wan_3_takes_no_references_beside_its_frames(sdk, frames):
    mixed = [*media(frames), {"type": "reference_image", "url": "https://pictures.example/c.png"}]
    answer = sdk.VideoSynthesis.call("wan3.0-video-prime", "A lamp goes on.", media=mixed, duration=2)
    assert (answer.status_code, answer.output.task_status) == (200, "FAILED")
    assert "The two modes are mutually exclusive" in answer.output["message"]


def test_a_task_is_made_fetched_listed_and_waited_for(sdk, emulator, frames):
    made = sdk.VideoSynthesis.async_call(
        "wan2.7-i2v", "A lamp goes on.", media=media(frames), resolution="720P", duration=2
    )
    assert made.output.task_status == "PENDING"
    assert sdk.VideoSynthesis.fetch(made).output.task_status in ("PENDING", "RUNNING")
    listed = sdk.VideoSynthesis.list(model_name="wan2.7-i2v")
    assert made.output.task_id in [entry["task_id"] for entry in listed.output["data"]]
    assert sdk.VideoSynthesis.wait(made).output.task_status == "SUCCEEDED"
    charged = [charge.task_id for charge in emulator.bill().charges]
    assert charged.count(made.output.task_id) == 1


def test_a_pending_task_is_canceled_and_a_finished_one_is_not(sdk, frames):
    tasks = [
        sdk.VideoSynthesis.async_call(
            "wan2.2-kf2v-flash", first_frame_url=frames[0], last_frame_url=frames[1], seed=seed
        )
        for seed in range(3)
    ]
    canceled = sdk.VideoSynthesis.cancel(tasks[-1])
    assert canceled.status_code == 200
    assert sdk.VideoSynthesis.wait(tasks[-1]).output.task_status == "CANCELED"
    assert sdk.VideoSynthesis.wait(tasks[0]).output.task_status == "SUCCEEDED"
    refused = sdk.VideoSynthesis.cancel(tasks[0])
    assert (refused.status_code, refused.code) == (400, "UnsupportedOperation")


def test_a_failure_is_reported_in_the_task(sdk, frames):
    answer = sdk.VideoSynthesis.call("wan2.7-i2v", "A lamp goes on.", media=media(frames)[1:])
    assert (answer.status_code, answer.output.task_status) == (200, "FAILED")
    assert answer.output["code"] == "InvalidParameter"


def test_an_unknown_task_is_unknown(sdk):
    assert sdk.VideoSynthesis.fetch("11111111-2222-3333-4444-555555555555").output.task_status == "UNKNOWN"


def test_a_refusal_has_its_status_and_code(sdk):
    answer = sdk.VideoSynthesis.async_call("wan9", "A lamp goes on.", first_frame_url="https://pictures.example/a.png")
    assert (answer.status_code, answer.code) == (404, "ModelNotFound")


def test_the_asynchronous_surface_does_the_same(sdk, frames):
    from dashscope.aigc.video_synthesis import AioVideoSynthesis
    from dashscope.api_entities.aio_session import close_shared_aio_session

    async def scene():
        called = await AioVideoSynthesis.call(
            "wan2.2-kf2v-flash", "A lamp goes on.", first_frame_url=frames[0], last_frame_url=frames[1]
        )
        made = await AioVideoSynthesis.async_call(
            "wan2.7-i2v", "A lamp goes on.", media=media(frames), resolution="720P", duration=2
        )
        fetched = await AioVideoSynthesis.fetch(made)
        listed = await AioVideoSynthesis.list(model_name="wan2.7-i2v")
        waited = await AioVideoSynthesis.wait(made)
        canceled = await AioVideoSynthesis.cancel(made)
        await close_shared_aio_session()
        return called, made, fetched, listed, waited, canceled

    called, made, fetched, listed, waited, canceled = asyncio.run(scene())
    assert called.output.task_status == waited.output.task_status == "SUCCEEDED"
    assert fetched.output.task_id == made.output.task_id
    assert made.output.task_id in [entry["task_id"] for entry in listed.output["data"]]
    assert canceled.status_code == 400
