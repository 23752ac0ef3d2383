"""Tables on a terminal: never wider than it, and with the colours of their meaning."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kfpipe.cli.output import table
from kfpipe.cli.output.table import Column, Table
from kfpipe.cli.output.tone import Tone

TAKES = Table(
    columns=(
        Column(title="take", least=12),
        Column(title="state", least=8, wraps=True, is_toned=True),
        Column(title="file", rank=2, least=8, is_path=True),
        Column(title="USD", is_number=True, rank=1),
        Column(title="model", rank=3),
    ),
    rows=(
        ("kitten@seed=1", "rendered", "renders/kitten@seed=1.mp4", "0.50", "wan2.7-i2v"),
        ("kitten@seed=2", "failed: the frame is too small", "", "", "wan2.7-i2v"),
    ),
    tones=(Tone.DONE, Tone.FAILED),
)

texts = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Cf"]), max_size=60)
columns = st.builds(
    Column,
    title=st.text("abc", min_size=1, max_size=8),
    is_number=st.booleans(),
    rank=st.integers(0, 5),
    least=st.none() | st.integers(1, 40),
    wraps=st.booleans(),
    is_path=st.booleans(),
    is_toned=st.booleans(),
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    heads = draw(st.lists(columns, min_size=1, max_size=6))
    rows = draw(st.lists(st.tuples(*([texts] * len(heads))), min_size=1, max_size=4))
    return Table(columns=tuple(heads), rows=tuple(rows))


@given(any_table=tables(), width=st.integers(10, 200))
def test_no_line_is_wider_than_the_terminal(any_table: Table, width: int) -> None:
    assert all(cell_len(line) <= width for line in table.drawn(any_table, width, coloured=False))


def drawn(width: int) -> list[str]:
    return table.drawn(TAKES, width, coloured=False)


def test_a_wide_terminal_shows_what_a_pipe_gets() -> None:
    assert drawn(200) == table.lines(TAKES)


def test_the_least_important_columns_are_left_out_first() -> None:
    titles = [drawn(width)[0].split() for width in (88, 76, 40, 22)]
    assert titles == [
        ["take", "state", "file", "USD", "model"],
        ["take", "state", "file", "USD", "model"],
        ["take", "state", "file", "USD"],
        ["take", "state"],
    ]


def test_a_file_name_takes_the_place_of_a_path_and_is_cut_in_the_middle() -> None:
    assert "  kitten@seed=1.mp4  " in drawn(80)[1]
    assert "  kitt\u2026mp4  " in drawn(40)[1]


def test_names_that_differ_still_differ_when_they_are_cut() -> None:
    names = [f"lighthouse@seed={seed},resolution=720P" for seed in (7, 21)] + ["lighthouse@seed=7,resolution=480P"]
    named = Table(columns=(Column(title="take", least=10),), rows=tuple((name,) for name in names))
    for width in (20, 24, 28, 32):
        assert len(set(table.drawn(named, width, coloured=False))) == 1 + 3


def test_a_long_reason_continues_below_and_nothing_of_it_is_lost() -> None:
    state = drawn(40)[0].index("state")
    assert " ".join(line[state:].split("  ")[0] for line in drawn(40)[2:]) == "failed: the frame is too small"


def test_a_chinese_name_takes_two_cells_a_character() -> None:
    named = Table(columns=(Column(title="take", least=4),), rows=(("\u732b" * 20,),))
    assert table.drawn(named, 11, coloured=False)[1] == "\u732b" * 2 + "\u2026" + "\u732b" * 2


def test_each_state_has_its_colour_and_no_other_text_changes() -> None:
    coloured = table.drawn(TAKES, 200, coloured=True)
    assert "\x1b[32mrendered\x1b[0m" in coloured[1]
    assert "\x1b[31mfailed: the frame is too small\x1b[0m" in coloured[2]
    assert [re.sub(r"\x1b\[[\d;]*m", "", line) for line in coloured] == drawn(200)


def test_what_is_kept_is_dim_and_what_is_undecided_can_be_read_on_any_background() -> None:
    rows = Table(
        columns=(Column(title="take"), Column(title="action", is_toned=True)),
        rows=(("kitten", "keep"), ("roof", "decide")),
        tones=(Tone.QUIET, Tone.DECIDE),
    )
    _, keep, decide = table.drawn(rows, 80, coloured=True)
    assert keep == "\x1b[2mkitten  keep\x1b[0m"
    assert decide == "roof    \x1b[30m\x1b[43mdecide\x1b[0m"


def test_nothing_from_outside_can_colour_a_line() -> None:
    hostile = Table(columns=(Column(title="take"),), rows=(("\x1b[31mkitten",),))
    assert table.drawn(hostile, 80, coloured=True)[1] == "kitten"
