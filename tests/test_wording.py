"""How a user's own words come back in a message."""

from decimal import Decimal

import pytest

from kfpipe import wording


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("kitten", "'kitten'"),
        ("two\nlines\tand  spaces", "'two lines and spaces'"),
        ("\x1b[31mred", "'\\x1b[31mred'"),
        ("a\u202eb\u00a0c", "'a\\u202eb\\xa0c'"),
        ("猫と😀", "'猫と😀'"),
    ],
)
def test_an_echo_is_one_line_that_a_terminal_cannot_misread(text: str, shown: str) -> None:
    assert wording.echoed(text) == shown


def test_a_long_echo_is_cut() -> None:
    shown = wording.echoed("x" * 10_000_000)
    assert len(shown) == wording.LONGEST_ECHO + 2
    assert shown.endswith("...'")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "empty"),
        (True, "true"),
        (1, "the number 1"),
        (Decimal("12.50"), "the number 12.50"),
        ("", "empty text"),
        ("x", "the text 'x'"),
        ([], "an empty list"),
        ([1], "a list"),
        ({}, "an empty block"),
        ({"a": 1}, "a block of `key: value` lines"),
    ],
)
def test_a_value_is_described_by_its_kind(value: object, shown: str) -> None:
    assert wording.described(value) == shown


@pytest.mark.parametrize("word", ["promt", "Prompt", "prompts", "PROMPT"])
def test_a_typo_finds_the_word_that_was_meant(word: str) -> None:
    assert wording.closest(word, ["seed", "prompt", "model"]) == "prompt"


def test_hyphens_and_capitals_do_not_hide_a_word() -> None:
    assert wording.closest("firstFrame", ["first_frame", "last_frame"]) == "first_frame"
    assert wording.closest("negative-prompt", ["negative_prompt", "prompt"]) == "negative_prompt"


def test_a_word_like_no_other_finds_nothing() -> None:
    assert wording.closest("fps", ["seed", "prompt", "model"]) is None


def test_names_are_listed_as_in_a_sentence() -> None:
    assert wording.listed(["a"]) == "a"
    assert wording.listed(["a", "b", "c"]) == "a, b or c"


@pytest.mark.parametrize(
    ("word", "known", "fix"),
    [
        ("K\u00e4tzchen", "Ka\u0308tzchen", "differs only in how \u00e4 is composed"),
        ("Ka\u0308tzchen", "K\u00e4tzchen", "differs only in how \u00e4 is composed"),
        ("kitten", "k\u0456tten", "has U+0456 for U+0069"),
    ],
)
def test_a_suggestion_that_looks_like_the_word_says_in_what_they_differ(word: str, known: str, fix: str) -> None:
    assert fix in wording.did_you_mean(word, [known], "")


@pytest.mark.parametrize(("word", "known"), [("katze", "k\u00e4tze"), ("kiten", "kitten"), ("walk", "walk_2")])
def test_a_suggestion_that_one_can_tell_apart_says_no_more(word: str, known: str) -> None:
    assert wording.did_you_mean(word, [known], "") == f"did you mean `{known}`?"


def test_a_table_in_a_notebook_holds_text_and_has_an_end() -> None:
    table = wording.html_table(("take", "<b>"), [("<script>", '"x" & y')] * (wording.MOST_ROWS + 1234))
    assert "<script>" not in table and "<b>" not in table
    assert table.count("<td>&lt;script&gt;</td><td>&quot;x&quot; &amp; y</td>") == wording.MOST_ROWS
    assert table.endswith('<tr><td colspan="2">and 1,234 more</td></tr></tbody></table>')
