"""Queries go where a result is likely, and never beyond the budget."""

from __future__ import annotations

import pytest

from kfpipe.runner.polling import LONGEST_S, SHORTEST_S, Experience, next_look_s


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
