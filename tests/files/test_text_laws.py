"""One text has one spelling, whatever wrote it."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kfpipe.files.text import normalised

pieces = st.sampled_from(["e\u0301", "\u00e9", "\u212b", "a", " ", "\u732b", "\u1100\u1161"]) | st.text(max_size=3)
lines = st.lists(st.lists(pieces, max_size=4).map("".join).filter(lambda text: not set(text) & set("\r\n")), max_size=4)


@given(lines, st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["NFC", "NFD"]))
def test_line_ends_and_composition_are_not_part_of_a_text(written: list[str], end: str, form: str) -> None:
    encoded = [unicodedata.normalize(form, line) for line in written]  # type: ignore[arg-type]
    assert normalised(end.join(encoded)) == normalised("\n".join(written))


@given(st.text())
def test_a_text_in_its_one_spelling_stays_as_it_is(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once
    assert "\r" not in once
    assert unicodedata.is_normalized("NFC", once)
