"""Ways to hand a still to a model whose pages do not say which it takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kfpipe.catalogue import Handover, Model, shipped
from kfpipe.domain import LocalMedium, MediaInput, MediaRole, Parameters, RenderRequest
from kfpipe.errors import Refused
from kfpipe.provider.handover import INLINE_LIMIT_BYTES, Handovers

pytestmark = pytest.mark.anyio

MODELS = shipped().models
KLING, HORSE = MODELS["kling/kling-v3-video-generation"], MODELS["happyhorse-1.1-i2v"]
WAN, VIDU = MODELS["wan2.7-i2v"], MODELS["vidu/viduq3-pro_start-end2video"]
STILL = LocalMedium(path="a.png", sha256="a" * 64, size_bytes=100_000, mime_type="image/png")
REQUEST = RenderRequest(
    model=KLING.name,
    prompt="Up.",
    negative_prompt="",
    media=(MediaInput(role=MediaRole.FIRST_FRAME, medium=STILL),),
    parameters=Parameters(resolution="720P", duration_s=5, prompt_extend=None, watermark=False, seed=None),
    variant=(),
)
UPLOADED = {MediaRole.FIRST_FRAME: "oss://bucket/a.png"}
INSIDE = {MediaRole.FIRST_FRAME: "data:image/png;base64,AAAA"}


@pytest.mark.parametrize(
    ("model", "size_bytes", "inline_below", "way"),
    [
        (WAN, 100, 0, Handover.UPLOAD),
        (WAN, 100, 1000, Handover.INLINE),
        (KLING, 100, 0, Handover.UPLOAD),  # nothing is named, and an upload is tried
        (VIDU, 100, 1000, Handover.UPLOAD),  # it is not to be tried inside the request
        (HORSE, 100, 0, Handover.INLINE),  # the way that its page names
        (HORSE, INLINE_LIMIT_BYTES, 0, Handover.UPLOAD),  # and that is too large for it
    ],
)
def test_the_surest_way_is_taken(tmp_path: Path, model: Model, size_bytes: int, inline_below: int, way: str) -> None:
    still = replace(STILL, size_bytes=size_bytes)
    assert Handovers(tmp_path / "h.json").way(model, still, inline_below_bytes=inline_below) is way


async def test_a_way_that_was_refused_is_remembered_for_the_project(tmp_path: Path) -> None:
    first = Handovers(tmp_path / "h.json")
    first.note_task("task-1", KLING, REQUEST, UPLOADED)
    await first.heed_task("task-1", "InvalidParameter", "Failed to download the image")
    later = Handovers(tmp_path / "h.json")
    await later.load()
    assert later.way(KLING, STILL, inline_below_bytes=0) is Handover.INLINE
    assert later.way(WAN, STILL, inline_below_bytes=0) is Handover.UPLOAD
    await later.heed_refusal(KLING, REQUEST, INSIDE, "InvalidURL", "the url is not valid")
    with pytest.raises(Refused, match=r"only http\(s\) addresses"):
        later.way(KLING, STILL, inline_below_bytes=0)


@pytest.mark.parametrize("code", ["DataInspectionFailed", "InternalError", None])
async def test_another_failure_says_nothing_about_the_way(tmp_path: Path, code: str | None) -> None:
    ways = Handovers(tmp_path / "h.json")
    ways.note_task("task-1", KLING, REQUEST, UPLOADED)
    await ways.heed_task("task-1", code, "the prompt is not suitable")
    assert ways.way(KLING, STILL, inline_below_bytes=0) is Handover.UPLOAD


async def test_a_way_that_the_pages_name_is_never_closed(tmp_path: Path) -> None:
    ways = Handovers(tmp_path / "h.json")
    ways.note_task("task-1", WAN, REQUEST, UPLOADED)
    await ways.heed_task("task-1", "InvalidURL", "the url is not valid")
    assert ways.way(WAN, STILL, inline_below_bytes=0) is Handover.UPLOAD


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', "\x00"])
async def test_a_memory_that_cannot_be_read_is_no_memory(tmp_path: Path, content: str) -> None:
    (tmp_path / "h.json").write_text(content, "utf-8")
    ways = Handovers(tmp_path / "h.json")
    await ways.load()
    assert ways.way(KLING, STILL, inline_below_bytes=0) is Handover.UPLOAD
