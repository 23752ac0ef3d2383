"""Hundreds of takes on one page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kfpipe import api
from kfpipe.lock import lockfile
from kfpipe.lock.states import Lock
from tests.review.app.conftest import HEAD, Served, served
from tests.support import films, makers, stills

SHOTS, TAKES = 100, 5
LAST = f"s{SHOTS - 1:03}"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A project of 500 takes, each with a clip; the bytes of all clips are the same."""
    folder = tmp_path_factory.mktemp("many")
    stills.save(folder, stills.PAIR)
    seeds = list(range(1, TAKES + 1))
    shots = "".join(
        f"  - {{id: s{number:03}, prompt: Shot {number}., matrix: {{seed: {seeds}}}}}\n" for number in range(SHOTS)
    )
    (folder / "shots.yaml").write_text(f"{HEAD}shots:\n{shots}", "utf-8")
    project = api.load(folder / "shots.yaml")
    (folder / "renders").mkdir()
    clip = folder / "clip.mp4"
    content = films.film(clip, seconds=0.5, noise_bytes=0)
    render = makers.render(
        sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), width_px=128, height_px=72,
        duration_s=Decimal("0.5"), audio=False,
    )  # fmt: skip
    requests = {}
    for number, take in enumerate(project.takes):
        (folder / take.output).hardlink_to(clip)
        made = makers.rendered(take, of_render=replace(render, path=take.output))
        requests[makers.key(take.id)] = replace(made, task=makers.task(f"task-{number}"))
    lockfile.save(project.lockfile_path, Lock(requests=requests))
    with served(folder) as running:
        yield running


@pytest.fixture(scope="module")
def page(here: Served, page_of: Callable[..., Any]) -> Any:
    return page_of(here.address)


def test_all_shots_are_there_and_no_clip_is_loaded(page: Any) -> None:
    assert page.locator(".frame").count() == SHOTS
    assert page.locator("#count").inner_text() == f"{SHOTS} shots, {SHOTS * TAKES} takes"
    assert page.locator("video").count() == 0


def test_only_the_open_shot_has_clips_and_the_last_can_be_searched_for(page: Any) -> None:
    page.click("[data-shot=s000]")
    assert page.locator("video").count() == TAKES
    page.keyboard.press("ArrowDown")
    assert page.locator("video").count() == TAKES
    page.fill("#search", f"{LAST}@")
    page.keyboard.press("Escape")
    assert page.locator("#film li:visible").count() == 1
    page.click(f"[data-shot={LAST}]")
    assert page.locator("video").count() == TAKES


def test_a_pick_sends_its_shot_alone_and_the_one_that_cuts_to_it(page: Any, here: Served) -> None:
    with page.expect_response(lambda answer: "/api/board?since=" in answer.url) as news:
        assert api.pick(api.load(here.folder / "shots.yaml"), "s007", "s007@seed=2")
    assert [shot["shot"] for shot in news.value.json()["shots"]] == ["s006", "s007"]


def test_of_more_takes_than_nine_nine_are_on_stage(page: Any, here: Served) -> None:
    manifest = here.folder / "shots.yaml"
    seeds = f"{[*range(1, TAKES + 1)]}"
    manifest.write_text(
        manifest.read_text("utf-8").replace(
            f"Shot {SHOTS - 1}., matrix: {{seed: {seeds}", f"Shot {SHOTS - 1}., matrix: {{seed: {[*range(1, 13)]}"
        ),
        "utf-8",
    )
    page.wait_for_selector("[data-page]")
    assert page.locator(".takes .take").count() == 9
    page.click("[data-page]")
    assert page.locator(".takes .take").count() == 3
