"""What holds for every text: values survive, positions point at them, and nothing but Refused comes out."""

from decimal import Decimal
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kfpipe.errors import Refused
from kfpipe.files.text import DataPath
from kfpipe.manifest import document, schema
from kfpipe.manifest.document.typed import in_yaml
from kfpipe.names import in_one_form

ANY_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufffe\uffff"), max_size=20
)
# PyYAML writes texts like 0o7 and 1e5 without quotes: YAML 1.1 does not take them for numbers.
# The key of a merge is refused even in quotes.
TEXTS = ANY_TEXT.filter(lambda text: text[:1] not in tuple("+-.0123456789") and text != "<<")
KEYS = TEXTS.map(in_one_form)  # keys are read in one form
SCALARS = st.one_of(TEXTS, st.integers(-(10**19), 10**19), st.booleans(), st.none())
TREES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(KEYS, below, max_size=4)),
    max_leaves=20,
)
MAPPINGS = st.dictionaries(KEYS, TREES, min_size=1, max_size=4)
PIECES = (
    *("shots:", "id: ", "a", "- ", ": ", ", ", "? ", "#", " #", "\n", "\n  ", "\n\t", "\r", "'", '"', "\\"),
    *("{", "}", "[", "]", "{{ x }}", "&a ", "*a", "!t ", "<<", "|", ">", "---\n", "...", "%", "@", "012"),
    *("\ufeff", "\u2028", "\x00", "😀"),
)
BROKEN_YAML = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(MAPPINGS, st.booleans(), st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None)
def test_what_is_dumped_is_read_back(data: dict[str, Any], flow: bool, line_end: str) -> None:
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow, line_break=line_end, width=10_000)
    assert document.parse(text, "shots.yaml").data == data


@given(MAPPINGS, st.booleans())
@settings(deadline=None)
def test_a_position_points_at_its_value(data: dict[str, Any], flow: bool) -> None:
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow, width=10_000)
    read = document.parse(text, "shots.yaml")
    lines = text.split("\n")
    for path, value in leaves(data):
        place = read.position(path)
        rest = lines[place.line - 1][place.column - 1 :]
        if isinstance(value, int) and not isinstance(value, bool):
            assert rest.startswith(str(value))
        key_place = read.key_position(path)
        assert key_place <= place


@given(BROKEN_YAML)
@example("a: {{ x }}")
@example("&a : *a")
@example("? &a [x]\n: *a")
def test_any_text_is_read_or_refused_with_positions_inside_it(text: str) -> None:
    try:
        read = document.parse(text, "shots.yaml")
        schema.check(read)
    except Refused as refused:
        for problem in refused.problems:
            assert problem.position is None or problem.position.line <= text.count("\n") + text.count("\r") + 2


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        document.parse(content, "shots.yaml")
    except Refused as refused:
        assert refused.problems


@given(st.dictionaries(st.sampled_from([*schema.manifest_schema()["properties"], "shot"]), TREES, max_size=5))
def test_any_structure_is_checked_and_every_problem_is_complete(data: dict[str, Any]) -> None:
    text = yaml.safe_dump(data or {"shots": None}, allow_unicode=True)
    check = schema.check(document.parse(text, "shots.yaml"))
    assert bool(check.problems) == bool(check.broken)
    for problem in check.problems:
        assert problem.what
        assert problem.position


@given(st.one_of(ANY_TEXT, st.integers(-(10**15), 10**15), st.booleans(), st.decimals(0, 100, places=2)))
@example("0E100")
@example("0 ")
@example("true ")
@example("...")
@settings(deadline=None)
def test_a_value_is_written_as_it_would_be_read(value: str | int | bool | Decimal) -> None:
    assert document.parse(f"key: {in_yaml(value)}\n", "shots.yaml").data == {"key": value}


def leaves(tree: Any, path: DataPath = ()) -> list[tuple[DataPath, Any]]:
    if isinstance(tree, dict):
        return [leaf for key, below in tree.items() for leaf in leaves(below, (*path, key))]
    if isinstance(tree, list):
        return [leaf for index, below in enumerate(tree) for leaf in leaves(below, (*path, index))]
    return [(path, tree)]
