"""YAML text -> Document: the values, where they stand, and what is refused."""

from decimal import Decimal
from itertools import cycle, islice

import pytest
import yaml

from kfpipe.errors import Position, Problem, Refused
from kfpipe.files import text
from kfpipe.manifest import document
from kfpipe.manifest.document import builder


def at(line: int, column: int) -> Position:
    return Position(line=line, column=column)


def refused(content: bytes | str) -> tuple[Problem, ...]:
    with pytest.raises(Refused) as caught:
        document.parse(content, "shots.yaml")
    return caught.value.problems


# ---- values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("off", "off"),
        ("Yes", "Yes"),
        ("1:30", "1:30"),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        ("0b101", "0b101"),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("-7", -7),
        ("1e3", Decimal("1e3")),
        ("12.50", Decimal("12.50")),
        (".5", Decimal("0.5")),
        ("True", True),
        ("false", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("+", "+"),
        ("-.-", "-.-"),
        ("https://example.com/a.png", "https://example.com/a.png"),
    ],
)
def test_a_plain_value_is_read_by_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    read = document.parse(f"key: {text}\n", "shots.yaml").data["key"]
    assert (type(read), read) == (type(value), value)


def test_an_amount_of_money_keeps_its_digits() -> None:
    assert str(document.parse("max_cost: 0.10\n", "shots.yaml").data["max_cost"]) == "0.10"


@pytest.mark.parametrize("text", ["no", "y", "1:30", "012", "1e3", "0o14", "1_000", "0b11", "2026-11-22", "1_0.5"])
def test_a_value_that_yaml_1_1_reads_differently_is_warned_of(text: str) -> None:
    (warning,) = document.parse(f"key: {text}\n", "shots.yaml").warnings
    assert warning.position == at(1, 6)


@pytest.mark.parametrize(
    "text", ["nobody", "12", "1.5", "0", "true", "null", "'no'", '"012"', "720P", "a_b", "-3", "1.5e+3"]
)
def test_a_value_that_all_versions_read_alike_is_not_warned_of(text: str) -> None:
    assert document.parse(f"key: {text}\n", "shots.yaml").warnings == ()


def test_warnings_are_bounded() -> None:
    many = "".join(f"k{index}: no\n" for index in range(200))
    assert len(document.parse(many, "shots.yaml").warnings) == builder.MOST_REPORTED


@pytest.mark.parametrize("comment", ["# the hero", "#", "## loud", "#\tnote"])
def test_an_ordinary_comment_is_no_reason_to_warn(comment: str) -> None:
    assert document.parse(f"key: value {comment}\n", "shots.yaml").warnings == ()


def test_what_an_alias_repeats_is_one_object() -> None:
    data = document.parse("a: &a [1]\nb: *a\nc: &c text\nd: *c\n", "shots.yaml").data
    assert data["b"] is data["a"]
    assert data["d"] == "text"


# ---- positions


def test_positions_count_characters_from_one() -> None:
    read = document.parse("shots:\n  - {id: '😀', seed: 7}\n", "shots.yaml")
    assert read.position(("shots", 0, "seed")) == at(2, 21)
    assert read.key_position(("shots", 0, "seed")) == at(2, 15)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_counts_once(end: str) -> None:
    read = document.parse(f"a: 1{end}# note{end}b:{end}  - x{end}  - y{end}", "shots.yaml")
    assert read.position(("b", 1)) == at(5, 5)
    assert read.key_position(("b",)) == at(3, 1)


def test_a_byte_order_mark_takes_no_column() -> None:
    read = document.parse("\ufeffa: 1\n".encode(), "shots.yaml")
    assert read.data == {"a": 1}
    assert read.position(("a",)) == at(1, 4)


def test_a_place_that_is_missing_stands_at_its_nearest_ancestor() -> None:
    read = document.parse("shots:\n  - id: kitten\n", "shots.yaml")
    assert read.position(("shots", 0, "prompt", "file")) == at(2, 5)
    assert read.key_position(("shots", 5)) == at(2, 3)
    assert read.position(("budget",)) == at(1, 1)


def test_what_stands_behind_an_alias_stands_at_its_anchor() -> None:
    read = document.parse("a: &a\n  x: 1\nb: *a\n", "shots.yaml")
    assert read.position(("b",)) == at(3, 4)
    assert read.position(("b", "x")) == at(2, 6)


def test_the_text_of_a_block_stands_at_its_sign() -> None:
    read = document.parse("prompt: |\n  A kitten.\n", "shots.yaml")
    assert read.position(("prompt",)) == at(1, 9)
    assert read.data == {"prompt": "A kitten.\n"}


# ---- what is refused


def test_every_duplicate_key_is_named_with_the_place_of_the_first() -> None:
    problems = refused("a: 1\na: 2\nb: {c: 1, c: 2, c: 3}\n")
    assert [problem.position for problem in problems] == [at(2, 1), at(3, 11), at(3, 17)]
    assert "line 1, column 1" in problems[0].what
    assert "line 3, column 5" in problems[2].what


def test_a_syntax_error_does_not_hide_what_was_found_before_it() -> None:
    assert [problem.position for problem in refused("a: 1\na: 2\nb: [\n")] == [at(2, 1), at(3, 4)]


def test_the_list_of_problems_is_bounded() -> None:
    problems = refused("".join("a: 1\n" for _ in range(500)))
    assert len(problems) == builder.MOST_REPORTED + 1


@pytest.mark.parametrize("brackets", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_absurd_nesting_is_refused_at_once(brackets: str) -> None:
    (problem,) = refused(brackets)
    assert "levels deep" in problem.what


BOTH_PARSERS = pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])


@pytest.mark.parametrize(
    ("loader", "levels"),
    [
        *(("CSafeLoader", levels) for levels in (builder.DEEPEST + 1, 999, 1000, 1001, 1024, 1025, 5000)),
        *(("SafeLoader", levels) for levels in (builder.DEEPEST + 1, 1001)),
    ],
)
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([], ["["]),
        ([], ["{a: "]),
        ([], ["- "]),
        ([], ["[", "{a: "]),
        ([], ["[", "[", "{b: ", "{'c d': ", "[ "]),
        (["a: "], ["["]),
        (["- ", "a: "], ["{a: ", "["]),
        (["- "] * 40, ["["]),
        (["- "] * (builder.DEEPEST - 1) + ["a: "], ["{a: "]),
        (["- "] * 500 + ["a: "], ["["]),
    ],
)
def test_the_first_level_too_many_is_named_where_it_opens(
    first: list[str], then: list[str], loader: str, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parser has a limit of its own, which must not speak first: it names another place, and no remedy."""
    monkeypatch.setattr(builder, "_Loader", getattr(yaml, loader))
    pieces = [*first, *islice(cycle(then), levels)][:levels]  # each opens a level with its first character
    (problem,) = refused("".join(pieces))
    assert problem.what == f"this is nested more than {builder.DEEPEST} levels deep"
    assert problem.position == at(1, len("".join(pieces[: builder.DEEPEST])) + 1)


@BOTH_PARSERS
@pytest.mark.parametrize("levels", [builder.DEEPEST + 1, 999, 1000, 1001, 1100])
def test_the_first_level_too_many_is_named_in_its_line(
    levels: int, loader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "_Loader", getattr(yaml, loader))
    (problem,) = refused("\n".join(" " * level + "a:" for level in range(levels)))
    assert problem.what == f"this is nested more than {builder.DEEPEST} levels deep"
    assert problem.position == at(builder.DEEPEST + 1, builder.DEEPEST + 1)


def test_what_stands_before_absurd_nesting_is_reported_too() -> None:
    problems = refused(f"a: 1\na: 2\nb: {'[' * 1100}\n")
    assert [problem.position for problem in problems] == [at(2, 1), at(3, 4 + builder.DEEPEST - 1)]


@BOTH_PARSERS
def test_an_alias_that_is_too_deep_is_named_before_absurd_nesting(loader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "_Loader", getattr(yaml, loader))
    (problem,) = refused(f"k: &k [[1]]\nb: {'[' * (builder.DEEPEST - 2)}*k , {'[' * 1100}\n")
    assert problem.what == f"with `*k` written out, this is nested more than {builder.DEEPEST} levels deep"
    assert problem.position == at(2, 4 + builder.DEEPEST - 2)


def test_nesting_through_aliases_counts() -> None:
    layers = "".join(f"k{n}: &k{n} {'[' * 20}{f'*k{n - 1}' if n else '1'}{']' * 20}\n" for n in range(4))
    (problem,) = refused(layers)
    assert "levels deep" in problem.what


def test_the_deepest_legal_nesting_is_read() -> None:
    depth = builder.DEEPEST - 1
    assert document.parse(f"a: {'[' * depth}{']' * depth}\n", "shots.yaml").data["a"]


def test_an_alias_bomb_is_refused() -> None:
    layers = "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 10)}]\n" for n in range(1, 9))
    (problem,) = refused("k0: &k0 [lol]\n" + layers)
    assert "repeat more than" in problem.what


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: &a {b: *a}\n", "a: &a [[{b: *a}]]\n"])
def test_a_cycle_is_refused(text: str) -> None:
    (problem,) = refused(text)
    assert "inside the part that it repeats" in problem.what


@pytest.mark.parametrize("key", ["1", "1.5", "true", "null", "[a]", "{a: 1}", "? [a]\n", "*list"])
def test_a_key_that_is_no_text_is_refused(key: str) -> None:
    (problem,) = refused(f"list: &list [1]\n{key}: x\n")
    assert problem.position is not None
    assert problem.position.line == 2


@pytest.mark.parametrize("value", [".nan", ".inf", "-.INF", "123456789012345678901234567890", "1e999", "0x" + "f" * 30])
def test_a_number_of_no_use_is_refused(value: str) -> None:
    (problem,) = refused(f"key: {value}\n")
    assert problem.position == at(1, 6)


@pytest.mark.parametrize("value", ["!!int '4'", "!secret x", "!!python/object:os.system [x]", "! x", "!!set {a}"])
def test_a_tag_is_refused(value: str) -> None:
    assert refused(f"key: {value}\n")[0].position == at(1, 6)


def test_a_bad_byte_is_found_behind_characters_of_several_bytes() -> None:
    (problem,) = refused("a: 1\r\nb: 😀😀".encode() + b"\xff")
    assert problem.position == at(2, 6)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_another_encoding_is_named(encoding: str) -> None:
    (problem,) = refused("a: 1\n".encode(encoding))
    assert encoding.upper() in problem.what


def test_every_control_character_is_named_up_to_a_bound() -> None:
    assert [problem.position for problem in refused("a: \x00\nb: \x1b\n")] == [at(1, 4), at(2, 4)]
    assert len(refused("\x01" * 10_000)) == text.MOST_STRAY_CHARACTERS


def test_a_lone_surrogate_is_refused() -> None:
    assert refused("a: \ud800\n")[0].position == at(1, 4)


def test_a_text_that_is_too_large_is_refused_unread() -> None:
    (problem,) = refused(b" " * (text.LARGEST_BYTES + 1))
    assert "64 MiB" in problem.what


# ---- the reading itself


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, 'y', {z: 2.5}]\n",
        "a: 1\r\nb: |\r\n  text\r\nc: '😀'\r\nd: e\r\n",
        "a: &a {x: 1}\nb: *a\n",
    ],
)
def test_the_pure_python_parser_reads_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = document.parse(text, "shots.yaml")
    monkeypatch.setattr(builder, "_Loader", yaml.SafeLoader)
    slow = document.parse(text, "shots.yaml")
    assert slow.data == fast.data
    for key in fast.data:
        assert slow.position((key,)) == fast.position((key,))


@pytest.mark.parametrize(
    "text",
    [
        "a: b: c\n",
        "a: 'x\n",
        "a: 'it's'\n",
        "a: [1\nb: 2\n",
        "a: @x\n",
        "a: - b\n",
        "a:b\nc: d\n",
        "a: {{ x }} y\n",
        "a: 1\n  b: 2\n",
        "a: x\nb\nc: d\n",
        'a: "\\q"\n',
        "a: > b\n",
        "a:\n\tb: 1\n",
    ],
)
def test_a_syntax_error_is_explained_alike_by_both_parsers(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = refused(text)
    monkeypatch.setattr(builder, "_Loader", yaml.SafeLoader)
    assert [problem.what for problem in refused(text)] == [problem.what for problem in fast]
    assert "cannot be read as YAML" not in fast[0].what
