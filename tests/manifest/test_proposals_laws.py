"""Whatever a fix proposes to write, written in that place, is taken; and it is the number that was meant."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kfpipe.errors import Problem, Refused
from kfpipe.manifest import document, schema
from kfpipe.manifest.document.typed import in_yaml

FIELDS = ("id", "prompt", "seed", "duration", "resolution", "watermark", "attempts", "tags", "first_frame", "vars")
VALUES = st.one_of(
    st.text(st.sampled_from("0123456789 ._,-'\"\\:#~{}[]&*!|>%@`abtrueno猫€$"), max_size=10),
    st.integers(-(10**12), 10**12),
    st.decimals(-100, 10_000, places=3),
    st.booleans(),
)
PROPOSAL = re.compile(r"write `(.*)`( in a shot)?", re.DOTALL)


def problem_with(line: str, head: str = "  - id: k\n    ") -> Problem | None:
    """What is wrong with a manifest of one shot that has this line."""
    text = f"kfpipe: 1\nprovider: {{name: emulator}}\nshots:\n{head}{line}\n"
    try:
        found = schema.check(document.parse(text, "shots.yaml")).problems
    except Refused as refused:
        found = refused.problems
    return found[0] if found else None


@given(st.sampled_from(FIELDS), VALUES)
@example("seed", "0 ")
@example("id", "true ")
@example("resolution", "0x10 ")
@example("tags", "a: b")
@example("prompt", 5)
@settings(deadline=None)
def test_what_a_fix_proposes_is_taken_when_it_is_typed(field: str, value: Any) -> None:
    head = "  - " if field == "id" else "  - id: k\n    "
    problem = problem_with(f"{field}: {in_yaml(value)}", head)
    proposal = PROPOSAL.fullmatch((problem and problem.fix) or "")
    if proposal is not None:
        assert problem_with(proposal[1], head) is None, proposal[1]


@given(st.integers(1000, 10**9), st.sampled_from([" ", "_", "'", ",", "."]))
def test_a_number_in_groups_is_proposed_as_the_same_number(number: int, by: str) -> None:
    problem = problem_with(f'seed: "{number:_}"'.replace("_", by))
    assert problem is not None
    assert problem.fix == f"write `seed: {number}`"


@given(st.integers(1, 999), st.integers(1, 999))
def test_a_proposal_never_drops_what_is_behind_the_point(whole: int, fraction: int) -> None:
    value = Decimal(f"{whole}.{fraction:03}")
    problem = problem_with(f"seed: {value}")
    assert problem is not None
    written = re.search(r"`seed: ([0-9]+)`", problem.fix or "")
    assert written
    assert written[1] in (f"{whole}{fraction:03}", "42")


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("seeds: [1, 2]", "for a clip of each of them write `matrix: {seed: [1, 2]}`"),
        ("resolutions: [480P, 720P]", "for a clip of each of them write `matrix: {resolution: [480P, 720P]}`"),
        ("models: [a, b]", "for a clip of each of them write `matrix: {model: [a, b]}`"),
        ("model: [a, b]", "for a clip of each of them write `matrix: {model: [a, b]}`"),
        ("ratio: 16:9", "delete it: the clip has the shape of its first frame; `resolution` chooses how large it is"),
        (
            "frames: 81",
            "delete it: the model decides how many frames a second has; `duration` is the length in seconds",
        ),
        ("image: a.png", "write `first_frame`"),
        ("start_frame: a.png", "write `first_frame`"),
        ("end-image: a.png", "write `last_frame`"),
        ("negative: blurry", "write `negative_prompt`"),
        ("promt: x", "write `prompt`"),
        ("camera: pan left", "describe it in `prompt`"),
    ],
)
def test_a_field_of_another_tool_is_answered_with_what_it_is_here(line: str, fix: str) -> None:
    problem = problem_with(line)
    assert problem is not None
    assert problem.fix == fix


@pytest.mark.parametrize("path", [r"C:\frames\new.png", r"C:\Users\a.png", r"D:\my art\b.png", r"frames\night.png"])
def test_a_path_of_windows_in_double_quotes_is_known_for_what_it_is(path: str) -> None:
    problem = problem_with(f'first_frame: "{path}"')
    assert problem is not None
    assert problem.what.startswith("a backslash in double quotes begins an escape")
    name = path.rpartition("\\")[2]
    assert re.search(rf"`frames/{name}`$", problem.fix or "")


@pytest.mark.parametrize("text", [r'"two\nlines"', r'"A sign says:\nREADME.txt"', r'"a \"b\" c.png"'])
def test_a_text_with_escapes_is_no_path(text: str) -> None:
    assert problem_with(f"prompt: {text}") is None
