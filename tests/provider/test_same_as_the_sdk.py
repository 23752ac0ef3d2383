"""What kfpipe sends is, field by field, what the official SDK sends for the same inputs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from kfpipe import catalogue, project
from kfpipe.domain import MediaRole, RemoteMedium, Take
from kfpipe.emulator import Emulator
from kfpipe.provider.client import DashScope
from tests.support.places import ROOT

GUIDE = ROOT / "manifests" / "first-last-frame.yaml"

NOISE = {"extend_prompt", "function"}
"""Fields that the SDK adds to every input, and no reference lists."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(enforces_rates=False, film="tiny") as running:
        yield running


def takes() -> dict[str, Take]:
    return {take.request.model: take for take in project.load(GUIDE).takes}


def address(take: Take, role: MediaRole) -> str:
    (medium,) = [given.medium for given in take.request.media if given.role is role]
    assert isinstance(medium, RemoteMedium)
    return medium.url


def sent_by_kfpipe(emulator: Emulator, take: Take, folder: Path) -> dict[str, Any]:
    async def submit() -> None:
        async with DashScope(
            base_url=emulator.base_url,
            api_key="sk-test",
            region="singapore",
            catalogue=catalogue.shipped(),
            project=folder,
            uploads_file=folder / "uploads.json",
        ) as client:
            await client.submit(take.request, await client.media_urls(take.request))

    anyio.run(submit)
    return last_submission(emulator)


def sent_by_the_sdk(emulator: Emulator, take: Take) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dashscope

        dashscope.base_http_api_url = emulator.base_url
        first, last = address(take, MediaRole.FIRST_FRAME), address(take, MediaRole.LAST_FRAME)
        frames: dict[str, Any] = {"first_frame_url": first, "last_frame_url": last}
        if take.request.model.startswith("wan2.7"):
            frames = {"media": [{"type": "first_frame", "url": first}, {"type": "last_frame", "url": last}]}
        parameters = take.request.parameters
        answer = dashscope.VideoSynthesis.async_call(
            api_key="sk-test",
            model=take.request.model,
            prompt=take.request.prompt,
            resolution=parameters.resolution,
            duration=parameters.duration_s,
            prompt_extend=parameters.prompt_extend,
            watermark=parameters.watermark,
            seed=parameters.seed,
            **frames,
        )
    assert answer.status_code == 200
    return last_submission(emulator)


def last_submission(emulator: Emulator) -> dict[str, Any]:
    *_, last = (entry for entry in emulator.requests() if entry["phase"] == "submit")
    return {"path": last["path"], "body": last["body"], "headers": set(last["header_names"])}


@pytest.mark.parametrize("model", ["wan2.7-i2v", "wan2.2-kf2v-flash", "wan2.1-kf2v-plus"])
def test_the_guides_requests_are_sent_as_the_sdk_sends_them(model: str, emulator: Emulator, tmp_path: Path) -> None:
    take = takes()[model]
    ours, theirs = sent_by_kfpipe(emulator, take, tmp_path), sent_by_the_sdk(emulator, take)
    theirs["body"]["input"] = {name: value for name, value in theirs["body"]["input"].items() if name not in NOISE}
    assert ours["body"] == theirs["body"]
    assert ours["path"] == theirs["path"]
    assert {"authorization", "x-dashscope-async", "content-type"} <= ours["headers"] & theirs["headers"]


def test_the_guides_manifest_holds_the_guides_own_inputs() -> None:
    made = takes()
    kitten, monster = made["wan2.7-i2v"].request, made["wan2.2-kf2v-flash"].request
    assert kitten.prompt.startswith(
        "Realistic style, a small black cat looks up at the sky curiously. The camera angle"
    )
    assert address(made["wan2.7-i2v"], MediaRole.FIRST_FRAME).endswith("/material/20250318/first_frame.png")
    assert (kitten.parameters.duration_s, kitten.parameters.watermark, kitten.parameters.prompt_extend) == (
        10,
        True,
        False,
    )
    assert monster.prompt.endswith("stops on the moment it looks up at the sky.")
    assert (monster.parameters.duration_s, monster.parameters.watermark, monster.parameters.prompt_extend) == (
        5,
        True,
        True,
    )
