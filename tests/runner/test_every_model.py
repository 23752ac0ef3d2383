"""A clip of every partner's model and of every older Wan: as large, long, fast, loud and dear as their pages say."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from kfpipe import api, catalogue
from kfpipe.emulator import Charge, Emulator
from kfpipe.lock import lockfile
from kfpipe.lock.states import Rendered
from tests.support import stills
from tests.support.official_numbers import PRICES, PRICES_WITH_SOUND

HEAD = """\
kfpipe: 1
provider: {name: emulator}
limits: {queries_per_second: 200}
defaults: {prompt: The lamp is switched on., first_frame: a.png}
shots:
"""


class Clip(NamedTuple):
    """What is asked for, and what comes; `audio` is asked for where it is not None."""

    model: str
    resolution: str
    seconds: int
    size: tuple[int, int]
    rate: int
    has_sound: bool
    audio: bool | None = None
    has_last: bool = False
    more_frames: int = 0


HD, SD = (1280, 720), (736, 400)
CLIPS = [
    Clip("kling/kling-v3-video-generation", "720P", 3, HD, 24, False, audio=False, has_last=True),
    Clip("kling/kling-v3-omni-video-generation", "720P", 3, HD, 24, True, audio=True, has_last=True),
    Clip("kling/kling-v3-turbo-video-generation", "720P", 3, HD, 24, True),
    Clip("MiniMax/MiniMax-H3", "768P", 4, (1344, 768), 24, True, has_last=True),
    Clip("pixverse/pixverse-v6-kf2v", "360P", 1, (640, 360), 24, True, audio=True, has_last=True, more_frames=1),
    Clip("pixverse/pixverse-c1-kf2v", "540P", 1, (1024, 576), 24, False, audio=False, has_last=True, more_frames=1),
    Clip("pixverse/pixverse-v5.6-kf2v", "360P", 5, (640, 360), 24, True, audio=True, has_last=True, more_frames=1),
    Clip("vidu/viduq3-pro_start-end2video", "540P", 1, (960, 540), 24, True, has_last=True, more_frames=1),
    Clip("vidu/viduq3-turbo_start-end2video", "540P", 1, (960, 540), 24, False, False, has_last=True, more_frames=1),
    Clip("vidu/viduq2-pro_start-end2video", "540P", 1, (960, 540), 24, False, has_last=True, more_frames=1),
    Clip("vidu/viduq2-turbo_start-end2video", "720P", 1, HD, 24, False, has_last=True, more_frames=1),
    Clip("happyhorse-1.1-i2v", "480P", 3, (740, 416), 24, True),
    Clip("happyhorse-1.0-i2v", "720P", 3, HD, 24, True),
    Clip("wan2.6-i2v", "720P", 2, HD, 30, True),
    Clip("wan2.6-i2v-flash", "720P", 2, HD, 30, True, audio=True),
    Clip("wan2.6-i2v-us", "720P", 5, HD, 30, True),
    Clip("wan2.5-i2v-preview", "480P", 5, SD, 30, True),
    Clip("wan2.2-i2v-flash", "480P", 5, SD, 30, False),
    Clip("wan2.2-i2v-plus", "480P", 5, SD, 30, False),
    Clip("wan2.1-i2v-turbo", "480P", 3, SD, 30, False),
    Clip("wan2.1-i2v-plus", "720P", 5, HD, 30, False),
]


class Made(NamedTuple):
    folder: Path
    entry: Rendered
    charge: Charge


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Made]]:
    """One run of them all; by model, what is on record and on the bill."""
    folder = tmp_path_factory.mktemp("models")
    stills.save(folder, stills.PAIR)
    (folder / "shots.yaml").write_text(HEAD + "".join(map(shot, CLIPS)), "utf-8")
    emulator = Emulator(factor=400, queue_s=0, run_s=1, film="tiny")
    with emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.base_url)
        project = api.load(folder / "shots.yaml")
        finished = api.run(project)
        assert (finished.rendered, finished.spent) == (len(CLIPS), emulator.bill().total)
        known = lockfile.read(project.paths).requests.values()
        charges = {charge.task_id: charge for charge in emulator.bill().charges}
    entries = [entry for entry in known if isinstance(entry, Rendered)]
    yield {entry.asked.model: Made(folder, entry, charges[entry.task.task_id]) for entry in entries}


def shot(clip: Clip) -> str:
    more = ", last_frame: b.png" if clip.has_last else ""
    more += "" if clip.audio is None else f", audio: {str(clip.audio).lower()}"
    name = "".join(letter if letter.isalnum() else "_" for letter in clip.model)
    settings = f"resolution: {clip.resolution}, duration: {clip.seconds}{more}"
    return f"  - {{id: {name}, model: {clip.model}, {settings}}}\n"


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.model)
def test_a_clip_is_what_its_model_s_page_says_of_it(made: dict[str, Made], clip: Clip) -> None:
    folder, entry, charge = made[clip.model]
    assert entry.render.remarks == ()
    with av.open(folder / entry.render.path) as container:
        video = container.streams.video[0]
        assert (video.width, video.height) == clip.size
        assert (video.average_rate, video.frames) == (clip.rate, clip.seconds * clip.rate + clip.more_frames)
        assert bool(container.streams.audio) is entry.render.audio is clip.has_sound
    price = play_money(clip)
    assert (charge.unit_price, charge.amount) == (price, price * clip.seconds)
    assert (entry.asked.unit_price, entry.result.cost) == (charge.unit_price, charge.amount)


def play_money(clip: Clip) -> Decimal:
    """The published price in USD, or a sixth of the one in CNY. Virginia's, of the American scope, is Singapore's."""
    sold_as = {"wan2.6-i2v-us": "wan2.6-i2v"}.get(clip.model, clip.model)
    lists = (PRICES_WITH_SOUND, PRICES) if clip.has_sound else (PRICES,)
    for region in ("singapore", "beijing"):
        for prices in lists:
            _, listed = prices.get((sold_as, region), ("", {}))
            if (price := listed.get(clip.resolution)) is not None:
                return Decimal(price) if region == "singapore" else _sixth(Decimal(price))
    raise AssertionError(f"{clip.model} has no price")


def _sixth(price: Decimal) -> Decimal:
    return (price / 6).quantize(Decimal("0.001"), ROUND_CEILING)


def test_no_model_is_left_out() -> None:
    wan = {"wan2.7-i2v", "wan2.7-i2v-2026-04-25", "wan2.2-kf2v-flash", "wan2.1-kf2v-plus"}
    others = {*catalogue.shipped().models} - {clip.model for clip in CLIPS}
    assert others == wan | {"wan3.0-video", "wan3.0-video-prime"}, "these are rendered by other tests"
