# ruff: noqa: RUF001 - signs that look like others are what this is about
"""Which names a shot may have, and that the file named after it is nobody else's, on any disk."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kfpipe import names
from kfpipe.files.schemas import schema_file

LETTERS = "猫雨日ぁカー々〇한éÉßΣя١७कि়́ก้ำAaz09._-+ @=,/：，＝＠／\u200b\u200d\u202e\u3164\ufe0f\ue000\u0378🐱Kſıİ\u0301"
TEXTS = st.text(st.sampled_from(LETTERS) | st.characters(), max_size=12)
NAMES = st.builds(
    lambda first, rest: first + names.for_take_id(rest).replace("+", "-"), st.sampled_from("a9猫éß한क"), TEXTS
)


@pytest.mark.parametrize(
    "text",
    ["kitten", "roof_030", "4", "a.b-c", "黑猫", "雨〇二", "ねこ", "한글", "कि", "น้ำ", "cafe\u0301", "Ж_1", "١٢"],
)
def test_words_of_any_script_are_names(text: str) -> None:
    assert names.is_name(text)
    assert names.unfit(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "-a", "_a", ".a", "a b", "a@b", "a=b", "a,b", "a/b", "a\\b", "a:b", "a+b", "a\n", "\u0301a", "a-\u0301"),
        *(
            "猫＠夜",
            "猫＝1",
            "猫，夜",
            "猫／夜",
            "猫　夜",
            "猫·夜",
            "猫🐱",
            "a\u200bb",
            "a\u200db",
            "\u202eabc",
            "\ue000",
        ),
        *("\u3164", "a\u115f", "猫\ufe0f", "猫\U000e0100", "a\u034f", "\u0378", "a\u2044b", "a\u0338="),
    ],
)
def test_signs_blanks_and_what_nobody_sees_are_no_names(text: str) -> None:
    assert not names.is_name(text)


@pytest.mark.parametrize(
    ("text", "fits"), [("天气", True), ("e\u0301tat", True), ("_a", True), ("1a", False), ("天-气", False)]
)
def test_a_variable_is_what_a_template_can_name(text: str, fits: bool) -> None:
    assert names.is_variable(text) == fits


@given(TEXTS)
@example("a-\u0301")
@example("=\u0338")
def test_a_name_is_one_in_both_unicode_forms(text: str) -> None:
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert len({names.is_name(form) for form in [text, *forms]}) == 1
    assert len({names.in_one_form(form) for form in [text, *forms]}) == 1
    assert len({names.clash_key(form) for form in [text, *forms]}) == 1


@given(NAMES, TEXTS)
def test_a_take_id_is_taken_apart_as_it_was_put_together(shot: str, value: str) -> None:
    assert names.is_name(shot)
    take_id = f"{names.in_one_form(shot)}@天气={names.for_take_id(value)},seed=1"
    assert names.in_one_form(take_id) == take_id
    assert take_id.partition("@")[2].split(",")[0].partition("=") == ("天气", "=", names.for_take_id(value))
    assert not re.search(r"[/\\\x00-\x20:*?\"<>|]", take_id)
    assert take_id.isprintable()


@given(TEXTS)
def test_what_is_made_of_a_value_stays_as_it_is(value: str) -> None:
    once = names.for_take_id(value)
    assert names.for_take_id(once) == once


@given(st.lists(NAMES, max_size=6))
@example(["café", "CAFÉ", "cafe\u0301", "straße", "STRASSE", "Σς"])
def test_ids_that_do_not_clash_have_files_of_their_own_on_every_disk(given_names: list[str]) -> None:
    kept = {names.clash_key(name): names.in_one_form(name) for name in given_names}.values()
    for form in ("NFC", "NFD"):  # a disk that keeps names in one form, and does not tell capitals from small letters
        stored = {unicodedata.normalize(form, unicodedata.normalize("NFD", name).casefold()): name for name in kept}
        assert len(stored) == len(kept)
    for form in ("NFC", "NFD"):
        listed = [unicodedata.normalize(form, f"{name}.mp4") for name in kept]
        assert [names.in_one_form(found.removesuffix(".mp4")) for found in listed] == [*kept]


@given(name=NAMES)
@example(name="猫" * 66)
@example(name="kitten.")
def test_a_name_makes_a_file_that_is_read_back(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    assert not names.is_too_long(name)
    folder = Path(tmp_path_factory.getbasetemp())
    path = folder / f"{name}.123456789abc.99.mp4.partial"
    path.write_text(name, "utf-8")
    assert (path in set(folder.iterdir()), path.read_text("utf-8")) == (True, name)
    path.unlink()


def schemas() -> dict[str, Any]:
    whole = schema_file("manifest")
    return {"name": whole["$defs"]["profile_name"], "variable": whole["$defs"]["variable_name"]}


@given(TEXTS.filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text)))  # YAML has none
def test_what_the_rule_takes_an_editor_takes_too(text: str) -> None:
    """The pattern that editors know is wider than the rule, never narrower; and all engines agree on it."""
    for name, rule in (("name", names.is_name), ("variable", names.is_variable)):
        schema = schemas()[name]
        by_rust = jsonschema_rs.is_valid({"type": "string", "pattern": schema["pattern"]}, text)
        assert by_rust == bool(re.fullmatch(schema["pattern"].removesuffix("$"), text))
        assert by_rust or not rule(text), text
