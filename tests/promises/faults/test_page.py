"""docs/reliability.md holds the tables of what is played, row for row; only measured numbers may differ."""

from __future__ import annotations

from tests.promises.faults import page
from tests.promises.faults.unclear import LOSSES, SETTINGS
from tests.support.places import ROOT

PAGE = ROOT / "docs/reliability.md"


def rows(head: tuple[str, ...]) -> list[list[str]]:
    """The cells of the page's table with this head."""
    lines = PAGE.read_text("utf-8").splitlines()
    start = lines.index(page.table(head, [])[0]) + 2
    table = lines[start:]
    end = next((number for number, line in enumerate(table) if not line.startswith("|")), len(table))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[:end]]


def test_every_fault_stands_on_the_page_with_its_outcome() -> None:
    assert [tuple(row) for row in rows(page.MATRIX_HEAD)] == [page.matrix_cells(row) for row in page.ROWS]


def test_every_lost_answer_stands_on_the_page_and_none_cost_anything() -> None:
    table = rows(page.UNCLEAR_HEAD)
    assert [row[:2] for row in table] == [[setting.name, loss.name] for setting in SETTINGS for loss in LOSSES]
    assert {(row[4], row[5]) for row in table} == {("0", "0")}


def test_the_soak_on_the_page_had_a_record_equal_to_the_bill() -> None:
    ((takes, _, _, _, bill, on_record, *_),) = rows(page.SOAK_HEAD)
    assert int(takes) >= 2000
    assert bill == on_record
