"""Queries go where a result is likely, and never beyond the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfpipe.runner.polling import (
    LONGEST_S,
    SHORTEST_S,
    SWEEP_S,
    Experience,
    even_share_s,
    is_watched_by_list,
    next_look_s,
    sweep_interval_s,
)


def experienced(*took_s: float) -> Experience:
    experience = Experience()
    for seconds in took_s:
        experience.learn(seconds)
    return experience


@pytest.mark.parametrize("watched", [1, 5, 100, 1000])
def test_all_tasks_together_stay_within_the_budget(watched: int) -> None:
    for experience in (experienced(), experienced(60, 90)):
        for age_s in (0.0, 30.0, 70.0, 600.0):
            spacing_s = next_look_s(experience, age_s=age_s, watched=watched, queries_per_second=20)
            assert watched / spacing_s <= 20


def test_a_few_tasks_are_looked_at_several_times_a_second() -> None:
    assert next_look_s(experienced(), age_s=3, watched=5, queries_per_second=20) < 0.5
    assert next_look_s(experienced(60, 90), age_s=75, watched=5, queries_per_second=20) < 0.5


def test_a_task_younger_than_any_that_finished_is_left_alone() -> None:
    assert next_look_s(experienced(10, 20), age_s=1, watched=1, queries_per_second=20) == pytest.approx(7)
    assert next_look_s(experienced(300), age_s=0, watched=1, queries_per_second=20) == LONGEST_S


def test_a_task_far_older_than_all_others_is_looked_at_ever_more_rarely() -> None:
    spacings = [
        next_look_s(experienced(10), age_s=age_s, watched=1, queries_per_second=20) for age_s in (15, 50, 500, 50_000)
    ]
    assert spacings == sorted(spacings)
    assert spacings[0] == SHORTEST_S
    assert spacings[-1] == LONGEST_S


crowds = {"watched": st.integers(1, 3000), "pages": st.integers(1, 400), "queries_per_second": st.floats(0.5, 500)}


@given(**crowds)
def test_the_list_is_read_where_it_shows_an_end_sooner_than_single_queries(
    watched: int, pages: int, queries_per_second: float
) -> None:
    if is_watched_by_list(watched=watched, pages=pages, queries_per_second=queries_per_second):
        interval_s = sweep_interval_s(pages=pages, queries_per_second=queries_per_second)
        assert interval_s < even_share_s(watched=watched, queries_per_second=queries_per_second)


@given(pages=st.integers(1, 400), queries_per_second=st.floats(0.5, 500))
def test_reading_the_list_leaves_some_of_the_budget_and_waits_no_longer_than_for_that(
    pages: int, queries_per_second: float
) -> None:
    interval_s = sweep_interval_s(pages=pages, queries_per_second=queries_per_second)
    assert pages / interval_s < queries_per_second
    assert interval_s == pytest.approx(max(SWEEP_S, pages / queries_per_second), rel=0.12)


@pytest.mark.parametrize(("watched", "queries_per_second"), [(1, 1), (3, 20), (5, 200), (15, 200)])
def test_a_few_tasks_are_asked_for_one_by_one(watched: int, queries_per_second: float) -> None:
    assert not is_watched_by_list(watched=watched, pages=1, queries_per_second=queries_per_second)


def test_a_list_that_is_full_of_other_peoples_tasks_is_not_read() -> None:
    assert is_watched_by_list(watched=200, pages=2, queries_per_second=20)
    assert not is_watched_by_list(watched=200, pages=50, queries_per_second=20)
