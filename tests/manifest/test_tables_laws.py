"""Whatever other programs write as CSV arrives cell by cell, and every cell stands where it says."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from kfpipe.errors import Refused
from kfpipe.manifest.tables import delimited

TEXT = st.text(st.sampled_from('ab "",;\t\n猫é'), max_size=8)
TABLE = st.lists(st.lists(TEXT, min_size=2, max_size=4), min_size=1, max_size=5)


@given(TABLE, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_was_written_as_csv_is_read_back(table: list[list[str]], end: str, quoted: bool) -> None:
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(file, lineterminator=end, quoting=quoting).writerows(table)
    found = [[cell.value for cell in row.cells] for row in delimited.rows(file.getvalue(), "t.csv", separators=",")]
    assert found == [row for row in table if any(text.strip() for text in row)]


@given(TABLE)
def test_a_cell_stands_where_it_says(table: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(table)
    lines = file.getvalue().split("\n")
    for row in delimited.rows(file.getvalue(), "t.csv", separators=","):
        for cell in row.cells:
            assert lines[cell.line - 1][cell.column - 1] == '"'


@given(st.text(st.sampled_from('a",\n\r;'), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        list(delimited.rows(text, "t.csv", separators=",;"))
    except Refused as refused:
        assert all(problem.position and problem.fix for problem in refused.problems)
