"""A large page of the task list counts only when its own numbers say that nothing is left out."""

from __future__ import annotations

from typing import Any

import pytest

from kfpipe.provider.wire import is_whole_page


def page(rows: int, **numbers: Any) -> dict[str, Any]:
    return {"data": [{}] * rows, "page_no": 1, "page_size": 100, "total_page": 3, "total": 250} | numbers


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(page(100), id="full"),
        pytest.param(page(50, page_no=3), id="last"),
        pytest.param(page(0, page_no=4), id="behind the last"),
        pytest.param(page(0, total=0, total_page=0), id="empty"),
        pytest.param(page(10, page_size=10, total_page=25), id="smaller, and says so"),
        pytest.param(page(100, page_size="100", total="250"), id="numbers as text"),
    ],
)
def test_a_page_that_holds_what_it_says_is_whole(answer: dict[str, Any]) -> None:
    assert is_whole_page(answer, size=100)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(page(10), id="cut short"),
        pytest.param(page(10, total_page=1, total=50), id="cut short, and called the only one"),
        pytest.param(page(40, page_no=3), id="the last cut short"),
        pytest.param(page(100, total=None), id="without a total"),
        pytest.param(page(100, page_size=None), id="without a size"),
        pytest.param(page(100, page_size=0), id="without room"),
        pytest.param(page(200, page_size=200), id="larger than asked for"),
        pytest.param(page(100) | {"data": None}, id="without tasks"),
    ],
)
def test_a_page_that_may_hide_tasks_is_not(answer: dict[str, Any]) -> None:
    assert not is_whole_page(answer, size=100)
