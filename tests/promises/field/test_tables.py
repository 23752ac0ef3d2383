"""Tables as spreadsheet programs and people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.field.loading import problems, takes, told


@pytest.mark.parametrize(
    ("case", "count"), [("csv-excel-ragged", 39), ("ok-csv-bom-crlf", 1), ("ok-csv-header-spaces", 1)]
)
def test_a_table_is_read_as_its_program_shows_it(project: Path, count: int) -> None:
    assert len(takes(project)) == count


@pytest.mark.parametrize("case", ["csv-tab-or-pipe"])
@pytest.mark.parametrize("name", ["list.csv", "pipe.csv"])
def test_tabs_and_bars_separate_the_cells_of_a_csv_too(project: Path, name: str) -> None:
    manifest = project / "shots.yaml"
    manifest.write_text(manifest.read_text("utf-8").replace("list.csv", name), "utf-8")
    (take,) = takes(project)
    assert (take.id, take.request.prompt, take.request.parameters.seed) == ("k1", "A cat", 1)


@pytest.mark.parametrize("case", ["ok-csv-cp1252"])
def test_a_table_in_an_old_encoding_is_refused_at_its_first_odd_byte(project: Path) -> None:
    (problem,) = problems(project)
    assert told(project).startswith("list.csv:2:9: the byte 0xe4 is not UTF-8 text")
    assert "UTF-8" in (problem.fix or "")


@pytest.mark.parametrize("case", ["xlsx-formula-no-cache"])
def test_a_formula_whose_result_is_not_stored_is_no_empty_cell(project: Path) -> None:
    said = told(project)
    assert "list.xlsx:2:3: cell C2: this cell holds a formula whose result is not stored" in said
    assert "list.xlsx:2:4: cell D2: this cell holds a formula whose result is not stored" in said
    assert said.count("fix: open the workbook in a spreadsheet program and save it") == 2


@pytest.mark.parametrize("case", ["number-with-separators"])
def test_a_number_with_separators_is_never_changed(project: Path) -> None:
    found = problems(project)
    assert [problem.position and problem.position.line for problem in found] == [2, 3, 4, 5]
    assert [problem.fix for problem in found] == [
        f"write `{number}` in the column `seed`" for number in (1000, 1234, 1234, 1234)
    ]
