"""The page as a person uses it, in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kfpipe import api
from kfpipe.cli import main
from kfpipe.emulator import Emulator
from tests.review.app.conftest import HEAD, SHOTS, Served, served
from tests.support.places import ROOT

TIMES = "[...document.querySelectorAll('video')].map(video => video.currentTime)"
ARE_READY = "[...document.querySelectorAll('video')].every(video => video.readyState >= 3 && !video.seeking)"
LOOKS = 3000
IS_WIDER = "document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def here(clips: Path) -> Iterator[Served]:
    with served(clips) as running:
        yield running


@pytest.fixture(scope="module")
def window(here: Served, page_of: Callable[..., Any]) -> Any:
    page = page_of(here.address)
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
    return page


@pytest.fixture
def page(window: Any) -> Iterator[Any]:
    """The page with no shot open; it must not complain of anything."""
    yield window
    window.keyboard.press("Escape")
    window.keyboard.press("Escape")
    window.evaluate("document.querySelectorAll('.chip[aria-pressed=true]').forEach(chip => chip.click())")
    assert window.complaints == []


def until(page: Any, holds: str) -> None:
    """Return once this holds on the page, whose policy lets no waiting be put into it.

    It has an end of its own: the browser's loop lets no time limit of a test through.
    """
    for _ in range(LOOKS):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"the page never came to {holds}")


def picked(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "shots.lock.json").read_text("utf-8"))["picked"]
    return found


def grave(found: list[Any]) -> str:
    """What axe has found that keeps people out; nothing where it has found nothing."""
    kept = [one for each in found for one in each["violations"] if one["impact"] in ("serious", "critical")]
    return json.dumps(kept, indent=1) if kept else ""


def opened(page: Any, shot: str = "kitten") -> Any:
    page.click(f"[data-shot={shot}]")
    until(page, ARE_READY)
    return page


def test_the_film_is_a_strip_in_film_order_with_a_picture_from_each_clip(page: Any) -> None:
    assert page.locator(".frame .name").all_text_contents() == ["kitten", "monster", "黑猫"]
    until(page, "[...document.querySelectorAll('.frame img')].every(image => image.naturalWidth > 0)")
    assert page.locator(".frame img[src^='/poster/']").count() == 3
    assert "USD 9.00" in page.locator("#money").inner_text().replace("\n", " ")


def test_chips_and_search_narrow_the_film(page: Any) -> None:
    page.click(".chip.tag:has-text('hero')")
    assert page.locator("#film li:visible").count() == 1
    page.click(".chip.tag:has-text('night')")
    assert page.locator("#film li:visible").count() == 2
    page.fill("#search", "waits")
    assert page.locator("#film li:visible .name").all_text_contents() == ["monster"]
    page.fill("#search", "no such thing")
    page.click("#clear")
    assert page.locator("#film li:visible").count() == 3


def test_the_takes_of_a_shot_play_in_step_and_stand_on_one_picture(page: Any) -> None:
    opened(page)
    page.keyboard.press("Space")
    until(page, "document.querySelector('video').currentTime > 0.5")
    page.keyboard.press("k")
    until(page, ARE_READY)
    times = page.evaluate(TIMES)
    assert len(times) == 3 and max(times) - min(times) < 0.1
    page.keyboard.press("ArrowRight")
    until(page, ARE_READY)
    at = page.evaluate(TIMES)
    assert len(set(at)) == 1
    page.keyboard.press("ArrowRight")
    until(page, ARE_READY)
    assert page.evaluate(TIMES)[0] - at[0] == pytest.approx(1 / 30, abs=0.001)
    page.keyboard.press("Escape")
    assert page.locator("video").count() == 0


def test_one_take_is_wiped_over_another_by_pointer_and_keys(page: Any) -> None:
    opened(page)
    page.keyboard.press("2")
    page.keyboard.press("w")
    assert page.locator(".takes .screen:visible").count() == 2
    assert page.locator(".wiping .ends").inner_text() == "seed=2 | seed=1"
    box = page.locator(".take.active .screen").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 10)
    assert abs(int(page.input_value(".wiper")) - 25) <= 1
    page.focus(".wiper")
    page.keyboard.press("ArrowRight")
    assert "26" in page.evaluate("getComputedStyle(document.querySelector('.is-b .screen')).clipPath")
    page.keyboard.press("w")


def test_first_and_last_pictures_are_held_against_the_stills(page: Any) -> None:
    opened(page)
    page.keyboard.press("f")
    assert page.locator(".screen img.over").count() == 3 and set(page.evaluate(TIMES)) == {0}
    page.keyboard.press("f")
    until(page, ARE_READY)
    assert min(page.evaluate(TIMES)) > 1.9
    page.keyboard.press("f")
    assert page.locator(".screen img.over").count() == 0


def test_a_take_is_picked_by_mouse_and_by_key_and_stands_in_the_lockfile_at_once(page: Any, clips: Path) -> None:
    opened(page)
    page.click("[data-take='kitten@seed=3'] .pick")
    page.wait_for_selector("[data-take='kitten@seed=3'].picked")
    assert picked(clips) == {"kitten": "kitten@seed=3"}
    page.keyboard.press("1")
    page.keyboard.press("p")
    page.wait_for_selector("[data-take='kitten@seed=1'].picked")
    assert picked(clips) == {"kitten": "kitten@seed=1"}
    page.keyboard.press("p")
    page.wait_for_selector(".take.picked", state="detached")
    assert picked(clips) == {}


def test_a_prompt_is_shown_as_text(page: Any) -> None:
    opened(page)
    assert page.locator(".notes .prompt").inner_text() == "<img src=x onerror=alert(1)> looks up."


def test_a_run_in_another_terminal_is_seen_and_a_pick_does_not_wait_for_it(
    page: Any, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = clips / "shots.yaml"
    manifest.write_text(HEAD + SHOTS + "  - {id: ghost, prompt: A ghost., matrix: {seed: [1, 2]}}\n", "utf-8")
    with Emulator(factor=0.01, queue_s=(0, 0), run_s=(60, 60), film="tiny", enforces_rates=False) as emulator:
        monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.base_url)
        project = api.load(manifest)
        with api.session(project) as held:
            page.wait_for_selector("#live.running")
            opened(page)
            page.keyboard.press("2")
            page.keyboard.press("p")
            page.wait_for_selector("[data-take='kitten@seed=2'].picked")
            with ThreadPoolExecutor(1) as elsewhere:  # this thread has a loop for the browser
                elsewhere.submit(held.run, held.plan(), cap=None, emit=lambda _: emulator.clock.advance(30)).result()
        page.wait_for_selector("#live.on")
    page.wait_for_selector("[data-shot=ghost] img[src^='/poster/']")
    assert picked(clips) == {"kitten": "kitten@seed=2"}


def test_a_clip_that_ends_on_another_picture_is_marked_and_found_by_drift(page: Any, clips: Path) -> None:
    [drifting] = api.select(api.load(clips / "shots.yaml"), "drift")
    assert page.locator("#film li:has(.marks .mark) .name").all_text_contents() == [drifting]
    assert "1 with drift" in page.locator(f"[data-shot={drifting}]").get_attribute("aria-label")
    page.click(".chip:has-text('Drift')")
    assert page.locator("#film li:visible .name").all_text_contents() == [drifting]
    opened(page, drifting)
    assert page.locator("figcaption .standing").inner_text() == "drifts"
    assert re.fullmatch(r"[\d.]+ / 0\.\d+", page.locator("figcaption .fidelity.mark").inner_text())
    assert "ends on another picture" in page.locator("aside.notes").inner_text()


def test_a_cut_between_two_pictures_that_were_asked_to_be_one_is_marked(
    page_of: Callable[..., Any], clips: Path, tmp_path: Path
) -> None:
    """The shots on both sides were given one still; the first ends on another picture."""
    folder = shutil.copytree(clips, tmp_path / "film")
    api.pick(api.load(folder / "shots.yaml"), "黑猫", "seed=1")
    with served(folder) as running:
        page = page_of(running.address)
        assert page.locator("#film .frame.torn .name").all_text_contents() == ["monster"]
        opened(page, "monster")
        assert "Does not cut to 黑猫 on one picture" in page.locator("aside.notes").inner_text()
        page.close()


def test_takes_of_several_models_stand_under_headings_that_a_phone_shows_too(page: Any, clips: Path) -> None:
    sound = (clips / "shots.yaml").read_text("utf-8")
    models = "[wan2.7-i2v, wan2.2-kf2v-flash, wan2.7-i2v-2026-04-25]"
    shot = f"  - {{id: off, prompt: Whose is it?, matrix: {{variant: [1, 2], model: {models}}}, duration: 5}}\n"
    (clips / "shots.yaml").write_text(sound + shot, "utf-8")
    page.wait_for_selector("[data-shot=off]")
    page.click("[data-shot=off]")
    heads = page.locator(".by-model:not(.more)")
    assert heads.locator("h3").all_inner_texts() == ["wan2.7-i2v", "wan2.2-kf2v-flash", "wan2.7-i2v-2026-04-25"]
    assert heads.locator("ul").all_inner_texts() == ["USD 0.10/s", "USD 0.03/s", "USD 0.10/s"]
    assert page.locator(".choose span").all_inner_texts() == ["variant=1", "variant=2"] * 3
    page.set_viewport_size({"width": 390, "height": 844})
    assert heads.count() == page.locator(".by-model:visible").count() == 3
    assert not page.evaluate(IS_WIDER)
    page.set_viewport_size({"width": 1280, "height": 800})
    (clips / "shots.yaml").write_text(sound, "utf-8")
    page.wait_for_selector("[data-shot=off]", state="detached")


def test_a_manifest_that_breaks_meanwhile_is_told_above_the_film(page: Any, clips: Path) -> None:
    sound = (clips / "shots.yaml").read_text("utf-8")
    (clips / "shots.yaml").write_text(sound.replace("id: monster", "di: monster"), "utf-8")
    page.wait_for_selector("#banner:visible")
    assert "shots.yaml:9:" in page.locator("#banner").inner_text() and page.locator(".frame").count() >= 3
    (clips / "shots.yaml").write_text(sound, "utf-8")
    page.wait_for_selector("#banner", state="hidden")


def test_a_pick_that_a_broken_lockfile_refuses_is_told_where_it_was_made(page: Any, clips: Path) -> None:
    lockfile = clips / "shots.lock.json"
    sound = lockfile.read_bytes()
    opened(page)
    lockfile.write_bytes(sound[:-20])
    page.wait_for_selector("#banner:visible")
    page.keyboard.press("3")
    page.keyboard.press("p")
    page.wait_for_selector(".refused:text('Not picked')")
    assert "shots.lock.json" in page.locator("#banner").inner_text() and page.locator("video").count() == 3
    lockfile.write_bytes(sound)
    page.wait_for_selector("#banner", state="hidden")
    page.complaints.clear()  # a browser complains of every answer that refuses


def test_a_clip_that_goes_meanwhile_is_told_in_its_place_and_the_others_play_on(page: Any, clips: Path) -> None:
    clip = clips / "renders" / "kitten@seed=2.mp4"
    opened(page)
    clip.rename(clips / "away.mp4")
    page.wait_for_selector("[data-take='kitten@seed=2'] .trouble")
    assert page.locator("video").count() == 2
    (clips / "away.mp4").rename(clip)
    page.wait_for_selector("[data-take='kitten@seed=2'] video")


def test_an_application_that_has_stopped_is_told_and_the_film_stays(clips: Path, page_of: Callable[..., Any]) -> None:
    with served(clips) as here:
        page = page_of(here.address)
        page.wait_for_selector("#live.on")
    page.wait_for_selector("#live.off")
    assert page.locator("#live").inner_text() == "kfpipe review does not answer"
    assert page.locator(".frame").count() >= 3
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anyone_out(page: Any, axe: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.evaluate(axe)
    found = [page.evaluate("axe.run()")]
    opened(page)
    found.append(page.evaluate("axe.run()"))
    assert not grave(found)


def test_nothing_keeps_anyone_out_of_the_report_either(clips: Path, axe: str, page_of: Callable[..., Any]) -> None:
    sound = (clips / "shots.yaml").read_text("utf-8")
    (clips / "shots.yaml").write_text(sound + "  - {id: later, prompt: To approve., matrix: {seed: [1, 2]}}\n", "utf-8")
    with pytest.raises(SystemExit):
        main(["report", str(clips / "shots.yaml"), "-o", str(clips / "page.html")])
    (clips / "shots.yaml").write_text(sound, "utf-8")
    page = page_of((clips / "page.html").as_uri())
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert not grave([page.evaluate("axe.run()")])
    for width in (390, 2560):
        page.set_viewport_size({"width": width, "height": 844})
        assert not page.evaluate(IS_WIDER)
    page.focus("#show-all")
    page.keyboard.press("ArrowRight")
    assert page.locator(".film li:visible").count() == page.locator(".shot:visible").count() == 2, "to pick"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.chip:has(:focus-visible)')).outlineStyle") == "solid"
    )


def test_a_phone_shows_all_of_it(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert not page.evaluate(IS_WIDER)
    opened(page)
    assert not page.evaluate(IS_WIDER)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_the_keys_are_those_of_the_documentation(page: Any) -> None:
    table = re.findall(r"^\| `(.+?)` \| (.+?) \|$", (ROOT / "docs/review.md").read_text("utf-8"), re.MULTILINE)
    page.click("#keys-open")
    keys, meanings = (page.locator(f"#keys {part}").all_inner_texts() for part in ("dt", "dd"))
    page.keyboard.press("Escape")
    assert [*zip(keys, meanings, strict=True)] == table
