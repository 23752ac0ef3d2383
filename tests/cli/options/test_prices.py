"""The value of `--price`, there and back."""

from __future__ import annotations

import pytest

from kfpipe.cli.options.source import parse_price, price_text
from kfpipe.errors import Refused

KLING = "kling/kling-v3-video-generation"


@pytest.mark.parametrize(
    ("text", "sound"),
    [(f"{KLING}:1080P=0.80", None), (f"{KLING}:1080P+sound=1.20", True), (f"{KLING}:4K+silent=3", False)],
)
def test_a_price_may_say_of_which_clips_it_is(text: str, sound: bool | None) -> None:
    line = parse_price(text)
    assert (line.model, line.sound) == (KLING, sound)
    assert price_text(line) == text


@pytest.mark.parametrize("text", [f"{KLING}:1080P+loud=1", f"{KLING}:1080P+=1", f"{KLING}:+sound=1", f"{KLING}=1"])
def test_what_is_no_price_is_told_with_the_form_of_one(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_price(text)
    (problem,) = caught.value.problems
    assert problem.expected is not None and "RESOLUTION+sound=AMOUNT" in problem.expected
