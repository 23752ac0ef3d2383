"""What the benchmark beside other clients measures with, which must be right before its figures can be."""

from __future__ import annotations

from benchmarks.side_by_side import course
from kfpipe.emulator import Emulator


def test_the_ideal_counts_the_places_and_the_pace_of_submissions() -> None:
    places, pace = course.LIMITS["concurrent_tasks"], course.LIMITS["submissions_per_second"]
    assert course.ideal_s([[2.0]]) == 2.0
    assert course.ideal_s([[1.0], [1.0]]) == 1.0 + 1 / pace
    long = 10.0 + places / pace
    assert course.ideal_s([[long]] * (places + 1)) == 2 * long  # the last one waits for the place of the first
    assert course.ideal_s([[1.0, 2.0]]) == 3.0  # one that failed, and its second try


def test_a_prompt_says_which_take_it_is_of() -> None:
    assert course.number_of(course.prompt(1234)) == 1234


def test_the_faults_of_the_course_are_faults_of_the_emulator() -> None:
    with Emulator(film="tiny", faults=course.FAULTS) as emulator:
        assert emulator.traffic() == {}
