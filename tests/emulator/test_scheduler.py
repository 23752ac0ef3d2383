"""Who runs when, in virtual time."""

from __future__ import annotations

import math
from types import SimpleNamespace

from kfpipe.emulator.scheduler import Lane


def task(ready_at, run_s=10.0, gives_up_at=math.inf, model="wan2.7-i2v"):
    made = SimpleNamespace(ready_at=ready_at, run_s=run_s, started_at=None, canceled_at=None)
    made.model = SimpleNamespace(name=model)
    made.run_ends_at = lambda: made.started_at + run_s
    made.gives_up_at = lambda: gives_up_at
    return made


def test_a_place_is_taken_again_at_the_moment_it_is_free_however_late_one_looks():
    lane = Lane(1)
    tasks = [task(0.0), task(1.0), task(30.0)]
    for each in tasks:
        lane.join(each)
    lane.settle(1000.0)
    assert [each.started_at for each in tasks] == [0.0, 10.0, 30.0]
    assert lane.occupancy() == 0


def test_looking_often_changes_nothing():
    lane = Lane(2)
    tasks = [task(float(index), 7.0) for index in range(6)]
    for each in tasks:
        lane.join(each)
    for tenth in range(400):
        lane.settle(tenth / 10)
    assert [each.started_at for each in tasks] == [0.0, 1.0, 7.0, 8.0, 14.0, 15.0]


def test_a_place_is_not_given_away_before_its_time():
    lane = Lane(1)
    first, late = task(0.0, 100.0), task(150.0)
    lane.join(first)
    lane.join(late)
    lane.settle(50.0)
    early = task(60.0)
    lane.join(early)
    lane.settle(70.0)
    assert early.started_at is None
    lane.settle(200.0)
    assert (early.started_at, late.started_at) == (100.0, 150.0)


def test_occupancy_counts_who_waits_and_who_runs():
    lane = Lane(2)
    tasks = [task(0.0) for _ in range(4)]
    for each in tasks:
        lane.join(each)
    lane.settle(0.0)
    assert lane.occupancy() == 4
    lane.cancel(tasks[3], 1.0)
    assert lane.occupancy() == 3
    lane.settle(10.0)
    assert lane.occupancy() == 1
    lane.settle(20.0)
    assert lane.occupancy() == 0


def test_who_finds_no_place_in_time_is_never_started_and_keeps_nobody_waiting():
    lane = Lane(1)
    first, hopeless, patient = task(0.0, 100.0), task(1.0, gives_up_at=50.0), task(2.0)
    for each in (first, hopeless, patient):
        lane.join(each)
    lane.settle(60.0)
    assert lane.occupancy() == 2
    lane.settle(200.0)
    assert (hopeless.started_at, patient.started_at) == (None, 100.0)


def test_a_queue_is_full_when_as_many_wait_as_may():
    lane = Lane(1)
    for ready_at in (0.0, 0.0, 0.0):
        assert not lane.is_queue_full("wan2.7-i2v", 2)
        lane.join(task(ready_at))
        lane.settle(0.0)
    assert lane.is_queue_full("wan2.7-i2v", 2)
    lane.settle(10.0)
    assert not lane.is_queue_full("wan2.7-i2v", 2)


def test_models_that_share_places_wait_in_queues_of_their_own():
    lane = Lane(1)
    for _ in range(3):
        lane.join(task(0.0))
    lane.settle(0.0)
    assert lane.is_queue_full("wan2.7-i2v", 2)
    assert lane.is_full()
    assert not lane.is_queue_full("another", 2)
