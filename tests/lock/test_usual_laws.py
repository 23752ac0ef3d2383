"""A rendered request is read by a pattern: never otherwise than as JSON, and never what the schema refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from kfpipe.domain import SEED_MAX, MediaRole
from kfpipe.errors import Refused
from kfpipe.files.jsontext import NotJson, parse_json
from kfpipe.lock import text as locktext
from kfpipe.lock import usual
from kfpipe.lock.codec import entry_from_json
from kfpipe.lock.schema import Part, fits_schema
from kfpipe.lock.states import Approval, Entry, Lock, Rendered
from tests.lock.test_text_laws import ASKED, MOMENT, RENDER, RESULT, TASK, WORD
from tests.support import makers

KEY = makers.key()
RENDERED = st.builds(
    Rendered,
    asked=st.builds(
        replace,
        ASKED,
        variant=st.sampled_from([None, (), (("light", "dawn"),)]),
        approval=st.none() | st.builds(Approval, by=WORD, at=MOMENT),
    ),
    task=TASK,
    result=RESULT.map(lambda result: replace(result, refused=None)),
    render=RENDER,
)
TYPICAL = locktext.request_member(KEY, makers.rendered()).decode()


def by_pattern(member: str) -> tuple[str, Entry] | None:
    found = usual.MEMBER.fullmatch(member)
    if found is None:
        return None
    key, *values = found.groups()
    entry = usual.rendered(values)
    return None if entry is None else (key, entry)


def as_json(member: str) -> tuple[str, Entry] | None:
    try:
        data = parse_json(f"{{{member}}}")
    except NotJson:
        return None
    if not fits_schema(Part.LOCKFILE, {"kfpipe_lock": 2, "requests": data, "picked": {}}):
        return None
    ((key, fields),) = data.items()
    return key, entry_from_json(fields)


@settings(max_examples=100)
@given(RENDERED)
def test_what_the_pattern_reads_is_what_was_written(entry: Rendered) -> None:
    member = locktext.request_member(KEY, entry).decode()
    assert as_json(member) == (KEY, entry)
    assert by_pattern(member) in (None, (KEY, entry))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"approval": Approval(by="A producer", at=makers.NOW)},
        {"template": "squish"},
        {"variant": ()},
        {"media": {MediaRole.DRIVING_AUDIO: "sha256:a", MediaRole.LAST_FRAME: "sha256:b"}},
        {"prompt": 'two\nlines, and "quotes"'},
    ],
)
def test_the_usual_request_is_read_by_the_pattern(asked: dict[str, Any]) -> None:
    entry = makers.rendered()
    entry = replace(entry, asked=replace(entry.asked, **asked))
    assert by_pattern(locktext.request_member(KEY, entry).decode()) == (KEY, entry)


def test_what_is_remarked_of_a_clip_is_read_by_the_pattern() -> None:
    entry = makers.rendered()
    entry = replace(entry, render=replace(entry.render, remarks=("720x1280 instead", "without sound")))
    assert by_pattern(locktext.request_member(KEY, entry).decode()) == (KEY, entry)


def test_two_media_for_one_part_are_refused() -> None:
    entry = makers.rendered()
    entry = replace(entry, asked=replace(entry.asked, media=dict.fromkeys(list(MediaRole)[:2], "sha256:a")))
    content = b"".join(locktext.pieces(Lock(requests={KEY: entry}))).replace(b'"last_frame": ', b'"first_frame": ')
    assert locktext.in_layout([content]) is None
    with pytest.raises(Refused):
        locktext.in_any_layout(content, "shots.lock.json")


@settings(max_examples=60, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # to shrink one takes minutes
@given(st.from_regex(re.compile(usual.MEMBER.pattern.replace("*+", "*")), fullmatch=True))
def test_whatever_the_pattern_matches_is_sound_by_the_schema_and_read_as_json_would(member: str) -> None:
    assert usual.MEMBER.fullmatch(member)
    try:
        read = by_pattern(member)
    except ValueError:  # no day of the calendar, or a name twice
        return
    assert read is None or read == as_json(member)


@settings(max_examples=300)
@given(st.data())
def test_what_is_damaged_is_read_by_the_pattern_only_where_json_and_schema_agree(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(TYPICAL)))
    end = data.draw(st.integers(start, min(start + 3, len(TYPICAL))))
    put = data.draw(
        st.text(st.sampled_from('0159ae.:/-"\\n {}[],\n\x00\x7fé') | st.characters(codec="utf-8"), max_size=3)
    )
    member = TYPICAL[:start] + put + TYPICAL[end:]
    read = by_pattern(member)
    assert read is None or read == as_json(member)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("seed", ["0", "-0", "00", "1.0", "null", str(SEED_MAX), str(SEED_MAX + 1), "9" * 10, "9" * 30]),
        ("duration", ["0", "1", "86400", "86401", '"1"', "true"]),
        ("width", ["0", "1", "65536", "65537"]),
        ("bytes", ["0", "-1", "9223372036854775807", "9223372036854775808"]),
        ("moved", ["0", "2147483647", "2147483648"]),
        ("fingerprint", ['""', f'"{"a" * 1000}"', f'"{"a" * 1001}"', '"a\tb"', '"a\\u0041"']),
        ("prompt", ['""', '"a \\"b\\" \\\\ \\n c"', '"\\u00e9"', '"\\ud83d"', '"a\\"', f'"{"é" * 1_000_001}"']),
        ("task_id", ['""', '"."', '"a.b"', '"a/b"', f'"{"a" * 1001}"']),
        (
            "path",
            ['"../a"', '"a/../b"', '"/a"', '"C:/a"', '"a//b"', '"a/.b"', '"a/b/"', f'"{"/".join(["a" * 250] * 17)}"'],
        ),
        ("asked_at", ['"2026-02-29T00:00:00.000Z"', '"2026-13-01T00:00:00.000Z"', '"2026-01-01T24:00:00.000Z"']),
        ("cost", ["null", '"0"', '"00.1"', '"1e3"', '"-1"', f'"{"1" * 41}"', f'"0.{"1" * 41}"']),
        ("key", ["null", '"123456789abc"', '"123456789ABC"', '"123456789abcd"']),
        ("codec", ["null", '""', f'"{"a" * 100}"', f'"{"a" * 101}"']),
    ],
)
def test_at_the_bounds_of_the_schema_the_pattern_takes_no_more_than_it(field: str, values: list[str]) -> None:
    for value in values:
        member = with_value(field, value)
        content = b"".join(locktext.pieces(Lock(requests={KEY: makers.rendered()}))).replace(
            TYPICAL.encode(), member.encode("utf-8", "surrogatepass")
        )
        try:
            expected = locktext.in_any_layout(content, "shots.lock.json")
        except Refused:
            expected = None
        assert locktext.in_layout([content]) == expected, value


def with_value(field: str, value: str) -> str:
    """The typical request with other text in place of the field's value; of several the last one."""
    before, name, after = TYPICAL.rpartition(f'"{field}": ')
    assert name
    end = min(after.index(sign) for sign in (",\n", "\n") if sign in after)
    return before + name + value + after[end:]


@given(st.sampled_from(["{", "[", "}", '"a": {', ""]), st.sampled_from(["}", "]", "", "\n    }"]))
def test_a_request_inside_of_another_value_is_not_taken_out_of_it(opened: str, closed: str) -> None:
    assume(opened or closed)
    whole = b"".join(locktext.pieces(Lock(requests={KEY: makers.rendered()}))).decode()
    content = whole.replace(TYPICAL, f"    {opened}\n{TYPICAL}{closed}").encode()
    try:
        expected = locktext.in_any_layout(content, "shots.lock.json")
    except Refused:
        expected = None
    assert locktext.in_layout([content]) == expected


@pytest.mark.parametrize("gap", [" \n", "", "\n\n", "\r\n"])
def test_a_request_that_begins_elsewhere_than_in_the_layout_is_not_passed_over(gap: str) -> None:
    whole = b"".join(locktext.pieces(Lock(requests={KEY: makers.rendered()}))).decode()
    content = whole.replace(f'"requests": {{\n{TYPICAL}', f'"requests": {{{gap}{TYPICAL}').encode()
    assert locktext.in_layout([content]) is None
    assert locktext.in_any_layout(content, "shots.lock.json").requests == {KEY: makers.rendered()}
