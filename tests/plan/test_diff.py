"""What tells one request from another: every field of it, short and safe to show."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from kfpipe.domain import CutFrom, FrameEnd, MediaInput, MediaRole, Parameters, RemoteMedium, RenderRequest, Take
from kfpipe.plan.diff import between, excerpts, shape_of
from tests.support.makers import parameters, request, still, take

CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"model": "wan2.2-kf2v-flash"}, "model wan2.7-i2v -> wan2.2-kf2v-flash"),
    ({"template": "flying"}, "template none -> flying"),
    ({"prompt": "A kitten looks down."}, "prompt '...looks up.' -> '...looks down.'"),
    ({"negative_prompt": "blurry"}, "negative_prompt none -> 'blurry'"),
    ({"media": request().media[:1]}, "last_frame frames/b.png (bbbbbbbb) -> none"),
    ({"variant": (("light", "dusk"), ("n", "2"))}, "variant none -> light=dusk, n=2"),
    ({"parameters": parameters(resolution="1080P")}, "resolution 720P -> 1080P"),
    ({"parameters": parameters(duration_s=8)}, "duration 5 -> 8"),
    ({"parameters": parameters(prompt_extend=True)}, "prompt_extend false -> true"),
    ({"parameters": parameters(watermark=True)}, "watermark false -> true"),
    ({"parameters": parameters(seed=None)}, "seed 7 -> random"),
    ({"parameters": parameters(audio=False)}, "audio none -> false"),
]


def told(before: Take, after: Take) -> list[str]:
    return [difference.text for difference in between(shape_of(before), shape_of(after))]


@pytest.mark.parametrize(("change", "text"), CHANGES, ids=lambda value: value if isinstance(value, str) else "")
def test_each_field_of_a_request_is_named_with_both_values(change: dict[str, Any], text: str) -> None:
    assert told(take(), take(request=request(**change))) == [text]


def test_no_field_of_a_request_is_forgotten() -> None:
    changed = {name for change, _ in CHANGES for name in change}
    inner = {text.split()[0] for change, text in CHANGES if "parameters" in change}
    assert changed == {field.name for field in fields(RenderRequest)}
    assert inner == {field.name.removesuffix("_s") for field in fields(Parameters)}


def test_a_still_with_another_name_and_the_same_bytes_is_no_difference() -> None:
    renamed = MediaInput(role=MediaRole.FIRST_FRAME, medium=still("frames/other.png"))
    assert told(take(), take(request=request(media=(renamed, request().media[1])))) == []


def test_a_remote_still_is_named_without_the_signature_in_its_query() -> None:
    remote = RemoteMedium(url="https://example.com/a.png?Signature=secret", digest="url-sha256:0123456789abcdef")
    media = (MediaInput(role=MediaRole.FIRST_FRAME, medium=remote), request().media[1])
    assert told(take(), take(request=request(media=media))) == [
        "first_frame frames/a.png (aaaaaaaa) -> https://example.com/a.png (01234567)"
    ]


def test_a_picture_that_is_still_to_be_cut_is_named_by_the_take_that_lends_it() -> None:
    cut = (MediaRole.LAST_FRAME, CutFrom(take_id="roof", end=FrameEnd.FIRST))
    waiting = take(request=request(media=request().media[:1]), cuts=(cut,))
    assert told(take(), waiting) == ["last_frame frames/b.png (bbbbbbbb) -> render of roof (first)"]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("", "blurry, text", ("none", "'blurry, text'")),
        ("The evening sky is red.", "The morning sky is red.", ("'The evening sky...'", "'The morning sky...'")),
        ("A kitten looks up.", "A black kitten looks up.", ("'A kitten looks...'", "'A black kitten looks...'")),
        ("A  kitten.", "A kitten.", ("'A \u2423kitten.'", "'A kitten.'")),
        ("Dawn\nbreaks.", "Dawn breaks.", ("'Dawn\\nbreaks.'", "'Dawn breaks.'")),
        ("A\x1b[31m cat", "A\u202e cat", ("'A\\x1b[31m cat'", "'A\\u202e cat'")),
    ],
)
def test_an_excerpt_shows_the_part_that_differs_and_no_control_character(
    before: str, after: str, shown: tuple[str, str]
) -> None:
    assert excerpts(before, after) == shown


def test_an_excerpt_is_short_and_begins_where_long_texts_part() -> None:
    before, after = "A long walk. " * 400 + "Then " + "rain " * 400, "A long walk. " * 400 + "Then " + "snow " * 400
    shown = excerpts(before, after)
    assert [text[:14] for text in shown] == ["'...Then rain ", "'...Then snow "]
    assert max(map(len, shown)) <= 62


def test_texts_without_blanks_are_shown_from_a_little_before_their_difference() -> None:
    before, after = excerpts("\u732b" * 5_000 + "\u9ed1" * 40, "\u732b" * 5_000 + "\u767d" * 40)
    assert ("\u9ed1" in before, "\u767d" in after) == (True, True)
