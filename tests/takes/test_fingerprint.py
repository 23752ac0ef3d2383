"""The fingerprint's canonical form is a promise: a change of it would render every clip again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kfpipe.domain import (
    CutFrom,
    FrameEnd,
    LocalMedium,
    MediaInput,
    MediaRole,
    Parameters,
    RemoteMedium,
    RenderRequest,
)
from kfpipe.takes import fingerprint

FIRST = LocalMedium(path="a.png", sha256="aa", size_bytes=1, mime_type="image/png", width_px=1280, height_px=720)
LAST = RemoteMedium(url="https://example.com/b.png", digest="url-sha256:bb")
REQUEST = RenderRequest(
    model="wan2.7-i2v",
    prompt="Ein Kätzchen schaut auf.",
    negative_prompt="blurry",
    media=(
        MediaInput(role=MediaRole.FIRST_FRAME, medium=FIRST),
        MediaInput(role=MediaRole.LAST_FRAME, medium=LAST),
    ),
    parameters=Parameters(resolution="720P", duration_s=5, prompt_extend=False, watermark=False, seed=42),
)


def test_the_canonical_form_is_as_it_always_was() -> None:
    assert fingerprint.canonical(REQUEST) == (
        b'{"media":{"first_frame":"sha256:aa","last_frame":"url-sha256:bb"},"model":"wan2.7-i2v",'
        b'"negative_prompt":"blurry","parameters":{"duration":5,"prompt_extend":false,"resolution":"720P",'
        b'"seed":42,"watermark":false},"prompt":"Ein K\\u00e4tzchen schaut auf.","version":2}'
    )
    assert fingerprint.of(REQUEST) == "4e8bd34aeb1acf6e87dc9280c8791d2c2a663434307f50057b342bf007df1f0b"


def test_an_effect_and_a_choice_of_sound_count_where_they_are_made() -> None:
    silent = replace(REQUEST, parameters=replace(REQUEST.parameters, audio=False))
    loud = replace(REQUEST, parameters=replace(REQUEST.parameters, audio=True))
    hanfu = replace(REQUEST, template="hanfu-1")
    assert len({fingerprint.of(request) for request in (REQUEST, silent, loud, hanfu)}) == 4


def test_pictures_that_are_still_to_be_cut_count_by_their_source() -> None:
    cuts = [(MediaRole.LAST_FRAME, CutFrom(take_id=take_id, end=end)) for take_id in ("a", "b") for end in FrameEnd]
    assert len({fingerprint.of(REQUEST, [cut]) for cut in cuts} | {fingerprint.of(REQUEST)}) == 5


@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
def test_the_encoding_of_a_prompt_is_not_part_of_it(name: str) -> None:
    spellings = ["K\u00e4tzchen\nauf", "Ka\u0308tzchen\nauf", "K\u00e4tzchen\r\nauf", "Ka\u0308tzchen\rauf"]
    changes: list[dict[str, Any]] = [{name: spelling} for spelling in spellings]
    assert len({fingerprint.of(replace(REQUEST, **change)) for change in changes}) == 1


def test_no_path_enters_the_fingerprint() -> None:
    assert b"a.png" not in fingerprint.canonical(REQUEST).replace(b"b.png", b"")


def test_the_canonical_form_is_json_without_floats() -> None:
    def refuse(text: str) -> None:
        raise AssertionError(text)

    json.loads(fingerprint.canonical(REQUEST), parse_float=refuse)
