"""The limit that all machines keep together: never more in any second, and nearly all of it used."""

from __future__ import annotations

import heapq
import json

from hypothesis import given
from hypothesis import strategies as st

from kfpipe.cluster.rate import FORGOTTEN_S, CellRate
from kfpipe.provider.codes import ThrottleKind


def played(limit: float, latencies: list[float]) -> tuple[list[float], list[float]]:
    """When requests left that were on their way for so long, and when each was answered."""
    cell, now_s, left, under_way = CellRate(), 1000.0, [], list[tuple[float, str]]()
    for number, latency_s in enumerate(latencies):
        while True:
            while under_way and under_way[0][0] <= now_s:
                answered_s, token = heapq.heappop(under_way)
                cell = CellRate.from_json(json.loads(json.dumps(cell.answered([token], answered_s).to_json())))
            at_s = cell.at_s(limit, now_s)
            if at_s is not None and at_s <= now_s:
                break
            now_s = min(at_s or float("inf"), under_way[0][0] if under_way else float("inf"))
        cell = cell.left(str(number), limit, now_s, now_s)
        left.append(now_s)
        heapq.heappush(under_way, (now_s + latency_s, str(number)))
    return left, [left_s + latency_s for left_s, latency_s in zip(left, latencies, strict=True)]


@given(st.integers(1, 12), st.lists(st.floats(0, 3), min_size=1, max_size=60), st.data())
def test_no_second_holds_more_than_the_limit_wherever_requests_are_delayed(
    limit: int, latencies: list[float], data: st.DataObject
) -> None:
    left, answered = played(limit, latencies)
    arrived = sorted(data.draw(st.floats(start, end)) for start, end in zip(left, answered, strict=True))
    assert max(sum(start <= time_s < start + 1 for time_s in arrived) for start in arrived) <= limit


def test_where_answers_are_quick_more_than_95_percent_of_the_limit_are_used() -> None:
    left, _ = played(10, [0.03] * 300)
    assert 299 / (left[-1] - left[0]) / 10 > 0.95


def test_a_request_that_nobody_answers_for_gives_its_place_back() -> None:
    cell = CellRate().left("lost", 1, 0.0, 0.0)
    assert cell.at_s(1, 10.0) is None
    assert cell.at_s(1, FORGOTTEN_S + 1) == FORGOTTEN_S + 1


def test_a_refusal_makes_requests_wait_and_then_slower() -> None:
    cell = CellRate().throttled(10, 100.0, ThrottleKind.RATE, 5.0)
    at_s = cell.at_s(10, 100.0)
    assert at_s == 105.0
    after = cell.left("a", 10, at_s, 100.0).answered(["a"], at_s)
    assert after.at_s(10, at_s) == at_s + 0.2
