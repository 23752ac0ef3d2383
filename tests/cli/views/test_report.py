"""The page to review takes on: what it shows, and what it does not let through."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from kfpipe.cli.views import report as report_view
from kfpipe.domain import CutFrom, FrameEnd, MediaInput, MediaRole, Original, RemoteMedium, Take, Trim
from kfpipe.lock.records import Records
from kfpipe.lock.states import Entry
from kfpipe.plan.selection import nominees
from kfpipe.review.footage import Link, ShotFootage
from tests.support.html_page import Page
from tests.support.ledgers import FAITHFUL
from tests.support.makers import (
    failed,
    parameters,
    record,
    render,
    rendered,
    request,
    result,
    shots,
    still,
    submitted,
    take,
    unclear,
)
from tests.support.planned import on_record

ONE, TWO = take("cat@seed=1", tags=("hero",)), take("cat@seed=2")
DOG = take("dog")


def html_of(
    *footage: ShotFootage,
    title: str = "Film",
    departed: Records | None = None,
    link: Link = str,
    poster: report_view.Poster = lambda _: None,
) -> str:
    takes = [one.take for shot in footage for one in shot.takes]
    lock = {one.take.id: one.record for shot in footage for one in shot.takes if one.record is not None}
    return report_view.html(title, footage, nominees(takes, {**lock, **(departed or {})}), link, poster, {})


def page(*footage: ShotFootage, title: str = "Film", departed: Records | None = None) -> Page:
    return Page(html_of(*footage, title=title, departed=departed))


def card(of: Take, entry: Entry | None) -> Page:
    """The page of a single take."""
    return page(*shots((of, None if entry is None else on_record(of, entry))))


def kinds(shown: Page) -> list[set[str]]:
    return [element.classes - {"take"} for element in shown.all("article")]


# ---- what it shows ---------------------------------------------------------------------------------------------------


def test_a_clip_can_be_played_and_its_still_is_shown_before() -> None:
    (video,) = card(DOG, rendered(DOG, of_render=render("renders/dog.mp4"))).all("video")
    assert video.attributes["src"] == "renders/dog.mp4"
    assert video.attributes["poster"] == "frames/a.png"
    assert (video.attributes["preload"], video.attributes["loading"]) == ("none", "lazy")
    assert video.attributes["aria-label"] == "Clip of dog"


def test_each_take_shows_a_picture_of_its_own_clip() -> None:
    pairs = [(of, record(rendered(of, of_render=render(of.output)))) for of in (ONE, TWO)]
    shown = Page(html_of(*shots(*pairs), poster=lambda clip: f".kfpipe/posters/{clip.take.id}.jpg"))
    assert [video.attributes["poster"] for video in shown.all("video")] == [
        ".kfpipe/posters/cat@seed=1.jpg",
        ".kfpipe/posters/cat@seed=2.jpg",
    ]


def test_the_film_is_a_strip_in_film_order_with_a_mark_for_each_take() -> None:
    pairs = [(ONE, record(rendered(ONE))), (TWO, record(rendered(TWO), picked=True))]
    film = shots((take("owl"), None), *pairs, (DOG, on_record(DOG, failed(DOG))))
    shown = Page(html_of(*film, poster=lambda clip: f"posters/{clip.take.id}.jpg"))
    frames = [element.attributes for element in shown.all("a") if "frame" in element.classes]
    assert [frame["href"] for frame in frames] == ["#shot-owl", "#shot-cat", "#shot-dog"]
    assert [frame["aria-label"] for frame in frames] == [
        "owl: 1 take, 0 clips",
        "cat: 2 takes, 2 clips, seed=2 picked",
        "dog: 1 take, 0 clips, 1 failed",
    ]
    pictures = [image.attributes["src"] for image in shown.all("img") if not image.attributes["alt"]]
    assert pictures == ["frames/a.png", "posters/cat@seed=2.jpg", "frames/a.png"]
    marks = [mark.classes for mark in shown.all("b") if mark.classes]
    assert marks == [{"none"}, {"done"}, {"done", "picked"}, {"bad"}]


def test_a_clip_that_two_takes_have_is_approved_and_counted_once() -> None:
    again = take("owl")
    text = page(*shots((DOG, None), (again, None))).text
    assert "Total 1 clip for USD" in text and "5 s with dog" in text


def test_a_shot_shows_its_notes_line_by_line_and_what_the_film_takes_of_it() -> None:
    dog = take("dog", notes="Client: <b>Acme</b>\nCalmer.", trim=Trim(start_s=Decimal("0.5"), end_s=Decimal(4)))
    html = html_of(*shots((dog, None)))
    assert re.findall('<p class="notes" dir="auto">(.*)</p>', html) == ["Client: &lt;b&gt;Acme&lt;/b&gt;", "Calmer."]
    assert "<dt>Trim</dt><dd>0.5 to 4 s</dd>" in html


def test_a_take_tells_all_that_a_choice_depends_on() -> None:
    text, request_id = card(DOG, rendered(DOG)).text, "dog/0000000001"
    for told in (
        "A kitten looks up.",
        "wan2.7-i2v",
        "1280x720",
        "5 s, 30 fps",
        "Seed 7",
        "USD 0.50",
        request_id,
        "task-1",
    ):
        assert told in text


def test_takes_of_several_models_stand_together_under_what_each_costs_and_takes() -> None:
    models = ("wan2.7-i2v", "kling/kling-v3-video-generation", "wan2.7-i2v")
    takes = [take(f"cat@seed={n}", request=request(model=model)) for n, model in enumerate(models, 1)]
    entries = [rendered(one, of_render=render(fidelity=FAITHFUL)) for one in takes]
    shown = page(*shots(*((one, on_record(one, entry)) for one, entry in zip(takes, entries, strict=True))))
    order = [element.attributes["aria-label"] for element in shown.all("article")]
    assert order == ["Take cat@seed=1", "Take cat@seed=3", "Take cat@seed=2"]
    for model in models:
        assert shown.text.count(f"{model} USD 0.10/s 5 min 00 s to render fidelity 0.98 / 0.71") == 1
    assert not [element for element in card(DOG, None).all("header") if "by-model" in element.classes]


def test_the_stills_of_a_shot_are_shown_once_with_words_for_those_who_do_not_see_them() -> None:
    first, last = page(*shots((ONE, None), (TWO, None))).all("img")
    assert (first.attributes["src"], first.attributes["alt"]) == ("frames/a.png", "First frame of cat")
    assert (last.attributes["src"], last.attributes["alt"]) == ("frames/b.png", "Last frame of cat")
    assert first.attributes["loading"] == "lazy"


def test_a_failure_is_told_in_the_words_of_the_service() -> None:
    shown = card(DOG, failed(DOG, code="DataInspectionFailed", message="a face was seen"))
    assert kinds(shown) == [{"failed"}]
    assert "DataInspectionFailed: a face was seen" in shown.text


def test_a_take_without_a_clip_says_why() -> None:
    assert "No clip: it is submitted" in card(DOG, submitted(DOG)).text
    assert "No clip: it was never rendered" in card(DOG, None).text


def test_takes_can_be_narrowed_to_those_that_wait_for_a_choice() -> None:
    clips = (ONE, record(rendered(ONE))), (TWO, record(rendered(TWO)))
    assert kinds(page(*shots(*clips, (DOG, record(rendered(DOG)))))) == [{"clip", "choose"}] * 2 + [{"clip"}]
    picked = (ONE, record(rendered(ONE), picked=True)), clips[1]
    shown = page(*shots(*picked, (DOG, None)))
    assert kinds(shown) == [{"clip", "picked"}, {"clip"}, {"open"}]
    assert "picked on an older clip" not in shown.text
    assert (
        "picked on an older clip" in page(*shots((ONE, record(rendered(ONE), picked=True, picked_earlier=True)))).text
    )
    offered = [element.attributes["id"] for element in shown.all("input")]
    assert offered == ["show-all", "show-picked", "show-clip", "show-open"]


def test_what_the_page_can_be_narrowed_to_is_what_its_style_knows() -> None:
    html = html_of()
    assert set(re.findall(r"#show-(\w+):checked", html)) == set(report_view.KINDS)


def test_a_prompt_that_the_takes_do_not_share_stands_with_each() -> None:
    other = take("cat@seed=2", request=request(prompt="A cat looks down."))
    text = page(*shots((ONE, None), (other, None))).text
    assert text.count("A kitten looks up.") == text.count("A cat looks down.") == 1


def test_what_was_rendered_of_an_earlier_request_is_marked() -> None:
    now = take("dog", request=request(prompt="A dog barks."))
    text = card(now, rendered(DOG)).text
    assert "changed in the manifest" in text
    assert "A kitten looks up." in text and "A dog barks." not in text


def test_what_is_not_as_it_was_asked_for_is_told_with_the_clip() -> None:
    shown = card(DOG, rendered(DOG, of_render=render(remarks=("no sound", "4.2 s long"))))
    assert [element.text[0] for element in shown.all("p") if "remark" in element.classes] == ["no sound", "4.2 s long"]


def test_all_bills_are_added_up_earlier_tasks_and_departed_takes_included() -> None:
    earlier = rendered(DOG, of_result=result(cost=Decimal("0.075")))
    gone = {"owl": record(rendered(take("owl"), number=3), take_id="owl", is_wanted=False)}
    text = page(*shots((DOG, on_record(DOG, rendered(DOG, number=2), earlier))), departed=gone).text
    assert "Cost USD 0.575 Earlier 1 request" in text
    assert "spent so far: USD 1.075" in text
    assert "No longer in the manifest" in text and "owl rendered USD 0.50" in text
    assert "wan2.7-i2v 3 15 USD 1.075" in text


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (rendered(DOG, region="emulator"), "Cost USD 0.50 of play money"),
        (rendered(DOG, of_result=result(cost=None)), "Cost 1 clip at an unknown price"),
        (unclear(DOG), "Cost 1 request that may be billed"),
        (submitted(DOG), "Cost nothing"),
    ],
)
def test_money_is_told_as_far_as_it_is_known(entry: Entry, told: str) -> None:
    assert told in card(DOG, entry).text


def test_media_of_all_kinds_are_told_and_none_from_elsewhere_is_loaded() -> None:
    media = (
        MediaInput(
            role=MediaRole.FIRST_FRAME, medium=RemoteMedium(url="https://pictures.example.com/a.png", digest="x")
        ),
        MediaInput(role=MediaRole.DRIVING_AUDIO, medium=replace(still("sounds/song.mp3"), width_px=None)),
    )
    of = take(
        "dog", request=request(media=media), cuts=((MediaRole.LAST_FRAME, CutFrom(take_id="cat", end=FrameEnd.FIRST)),)
    )
    shown = card(of, None)
    assert not list(shown.all("img"))
    assert "first frame https://pictures.example.com/a.png" in shown.text
    assert "last frame the first frame of cat, once it is rendered" in shown.text
    assert "sounds/song.mp3" in shown.addresses


def test_what_was_done_to_a_still_is_told() -> None:
    turned = replace(
        still(".kfpipe/stills/x.png"),
        original=Original(path="frames/tall.jpg", sha256="a" * 64, recipe=("upright", "resize:720x1280")),
    )
    of = take("dog", request=request(media=(MediaInput(role=MediaRole.FIRST_FRAME, medium=turned),)))
    assert "first frame (prepared: upright, resize:720x1280)" in card(of, None).text


# ---- what it does not let through ------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "<!-- --><base href=//evil.example>",
    "\u202egnp.elif\u2066 \x1b[31m",
]


def hostile_page(words: str) -> Page:
    """A page into which `words` came by every way that there is."""
    picture = MediaInput(role=MediaRole.FIRST_FRAME, medium=still(f"frames/{words}"))
    asked = request(prompt=words, negative_prompt=words, model=words, media=(picture,), parameters=parameters())
    cat, dog = (take(name, tags=(words,), request=asked) for name in (f"cat@mood={words}", "dog"))
    told = result(actual_prompt=f"more {words}")
    of_cat = record(rendered(cat, of_render=render(f"renders/{words}.mp4"), of_result=told))
    of_dog = record(failed(dog, code=words, message=words))
    return page(*shots((cat, of_cat), (dog, of_dog)), title=words, departed={words: of_dog})


@pytest.mark.parametrize("words", HOSTILE)
def test_no_word_from_outside_becomes_part_of_the_page_itself(words: str) -> None:
    shown, plain = hostile_page(words), hostile_page("words")
    assert [element.name for element in shown.elements] == [element.name for element in plain.elements]
    assert [[*element.attributes] for element in shown.elements] == [
        [*element.attributes] for element in plain.elements
    ]


@pytest.mark.parametrize("words", HOSTILE)
def test_no_address_leads_out_of_the_project(words: str) -> None:
    for address in hostile_page(words).addresses:
        assert not urlsplit(address).scheme and not urlsplit(address).netloc


def test_no_mark_turns_the_direction_of_the_page() -> None:
    of = take("dog", request=request(prompt="\u202egnp.elif\u2066 \x1b[31m"))
    html = html_of(*shots((of, record(rendered(of)))), title="a\u202eb")
    assert not set(html) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\x1b")


def test_a_path_is_an_address_without_any_meaning_of_its_own() -> None:
    of = take("dog", request=request(media=(MediaInput(role=MediaRole.FIRST_FRAME, medium=still("a b#c?d%20.png")),)))
    assert "a%20b%23c%3Fd%2520.png" in card(of, None).addresses


def test_the_policy_allows_this_style_and_nothing_from_other_hosts() -> None:
    html = html_of()
    (policy,) = (
        element.attributes["content"]
        for element in Page(html).all("meta")
        if element.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    (style,) = re.findall(r"<style>(.*)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "img-src 'self' file:",
        "media-src 'self' file:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_a_still_that_is_out_of_the_project_is_only_named() -> None:
    html = html_of(*shots((DOG, None)), link=lambda _: None)
    assert [address for address in Page(html).addresses if not address.startswith("#")] == []
    assert "a.png" in Page(html).text
